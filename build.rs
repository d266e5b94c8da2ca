//! Tells the code which commit it was built from, where that is known.

use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    for path in [".git/HEAD", ".git/index", ".git/refs/heads"] {
        if std::path::Path::new(path).exists() {
            println!("cargo:rerun-if-changed={path}");
        }
    }
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).output().ok().filter(|output| output.status.success())?;
        String::from_utf8(output.stdout).ok().map(|text| text.trim().to_owned())
    };
    // A package unpacked inside somebody else's repository must not take that repository's commit for its own.
    let here = std::env::current_dir().ok().and_then(|path| path.canonicalize().ok());
    let top = git(&["rev-parse", "--show-toplevel"]).and_then(|path| std::fs::canonicalize(path).ok());
    if let Some(commit) = git(&["rev-parse", "HEAD"]).filter(|_| here.is_some() && here == top) {
        println!("cargo:rustc-env=SUPERPOSE_GIT_COMMIT={commit}");
    }
}
