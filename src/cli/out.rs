//! One row of values into a file, for the commands that have no folder of results.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;
use superpose::output::{self, csv};
use superpose::table::Table;

use super::Failure;
use super::summary::counted;

#[derive(Args)]
pub struct Out {
    /// Also write the row of all values
    #[arg(long, value_name = "FILE.csv")]
    out: Option<PathBuf>,
}

impl Out {
    /// Whether the file can be written, before hours are spent.
    pub fn probe(&self) -> Result<(), Failure> {
        let Some(out) = &self.out else { return Ok(()) };
        let (folder, name) = parts(out)?;
        Ok(output::probe(&folder, &[name])?)
    }

    /// Writes the file, whole or not at all, and says so.
    pub fn write(&self, table: &Table) -> Result<(), Failure> {
        let Some(out) = &self.out else { return Ok(()) };
        let (folder, name) = parts(out)?;
        let content = csv::encode(table).map_err(|error| Failure::new(7, error))?;
        output::create_folder(&folder)?;
        let (ready, _) = output::stage(&folder, &name, &content)?;
        output::publish(&folder, vec![ready])?;
        let _ = writeln!(anstream::stderr(), "{}: {}", out.display(), counted(table.rows.len() as u64, "row"));
        Ok(())
    }
}

fn parts(path: &Path) -> Result<(PathBuf, String), Failure> {
    let name = path.file_name().and_then(|name| name.to_str()).filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| Failure::new(2, format!("--out {} is not the path of a file", path.display())))?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Ok((folder.to_owned(), name.to_owned()))
}
