//! The folder of a run: whose it is, and the way into its store.

use std::collections::BTreeMap;
use std::path::Path;

use superpose::scenario::study::Study;
use superpose::store::{Fault, Store};

use super::Failure;

/// The note in which a store keeps whose it is.
const NOTE: &str = "scenario";

/// The store of a run. A smoke run is over in a moment and leaves none, which would keep the scenario's full size out of the folder.
pub fn open_for(folder: &Path, study: &Study, smoke: bool, repair: bool) -> Result<Store, Failure> {
    match smoke && !folder.join(superpose::store::FILE).exists() {
        true => Ok(Store::in_memory()?),
        false => open(folder, study, repair),
    }
}

/// Opens the store of a folder for a study: a new one, or one whose run this study goes on with or adds to.
pub fn open(folder: &Path, study: &Study, repair: bool) -> Result<Store, Failure> {
    if let Some(text) = Store::glance(folder, NOTE).or_else(|fault| if repair { Ok(None) } else { Err(fault) })? {
        accept(folder, study, &text)?;
    }
    if repair && folder.join(superpose::store::FILE).exists() {
        Store::repair(folder)?;
    }
    let store = Store::open(folder)?;
    if let Some(text) = store.note(NOTE)? {
        accept(folder, study, &text)?;
    }
    let mine = (study.signature(), study.sweep.paths());
    store.keep_note(NOTE, &serde_json::to_string(&mine).expect("texts have a JSON form"))?;
    tidy(folder);
    Ok(store)
}

/// Refuses a folder whose note tells of a scenario that this study neither goes on with nor adds to.
fn accept(folder: &Path, study: &Study, text: &str) -> Result<(), Failure> {
    let (mine, axes) = (study.signature(), study.sweep.paths());
    let (theirs, their_axes): (BTreeMap<String, String>, Vec<String>) = serde_json::from_str(text).unwrap_or_default();
    let varied =
        |path: &str| axes.iter().copied().chain(their_axes.iter().map(String::as_str)).any(|axis| covers(axis, path));
    match difference(&theirs, &mine, varied) {
        None => Ok(()),
        Some((path, was, is)) => {
            let sentence = format!(
                "{}: holds the run of another scenario ({path} was {was} and is {is}); give another folder with --out, or remove this one",
                folder.display()
            );
            Err(Failure::new(6, sentence))
        }
    }
}

/// Takes away the temporary files that a killed process left. Whoever holds the store is alone in the folder.
fn tidy(folder: &Path) {
    for entry in folder.read_dir().into_iter().flatten().flatten() {
        let name = entry.file_name();
        if name.to_str().is_some_and(|name| name.starts_with(".superpose-") && name.ends_with(".tmp")) {
            let path = entry.path();
            let _ = std::fs::remove_file(&path).or_else(|_| std::fs::remove_dir_all(&path));
        }
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        let code = match fault {
            Fault::Busy { .. } => 6,
            Fault::Damaged { .. } => 8,
            Fault::Io { .. } => 7,
        };
        Self::new(code, fault)
    }
}

/// The first value that both scenarios have, or should have, and that differs. Tiers that only one of them has are additions.
fn difference(
    theirs: &BTreeMap<String, String>,
    mine: &BTreeMap<String, String>,
    varied: impl Fn(&str) -> bool,
) -> Option<(String, String, String)> {
    let tier =
        |path: &str| path.strip_prefix("tiers\u{1f}").and_then(|rest| rest.split('\u{1f}').next()).map(str::to_owned);
    let has_tier = |scenario: &BTreeMap<String, String>, name: &str| {
        scenario.keys().any(|path| tier(path).as_deref() == Some(name))
    };
    let paths: std::collections::BTreeSet<&String> = theirs.keys().chain(mine.keys()).collect();
    for path in paths {
        if tier(path).is_some_and(|name| !(has_tier(theirs, &name) && has_tier(mine, &name))) || varied(path) {
            continue;
        }
        let value =
            |scenario: &BTreeMap<String, String>| scenario.get(path).cloned().unwrap_or_else(|| "absent".to_owned());
        if theirs.get(path) != mine.get(path) {
            return Some((path.replace('\u{1f}', "."), value(theirs), value(mine)));
        }
    }
    None
}

/// Whether an axis sets the value at a path, whose parts are separated by the unit separator because a tier's name may have dots.
fn covers(axis: &str, path: &str) -> bool {
    let dotted = path.replace('\u{1f}', ".");
    axis == dotted || {
        let mut parts = path.splitn(3, '\u{1f}');
        let (head, _, rest) = (parts.next(), parts.next(), parts.next());
        head == Some("tiers") && rest.is_some_and(|rest| axis == format!("tiers.*.{}", rest.replace('\u{1f}', ".")))
    }
}
