//! Document: the scenario file as a tree in which every value knows where it stands.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Refusal;
use crate::quantity::{abridged, cut};
use crate::suggestion::nearest;

/// Largest scenario file, in bytes.
const LARGEST: u64 = 1 << 20;

/// A scenario file, and the settings that came with the command.
#[derive(Clone, Debug)]
pub struct Document {
    /// The path as the person wrote it.
    pub path: PathBuf,
    text: String,
    pub(super) root: Node,
    pub(super) settings: Vec<String>,
}

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) value: Tree,
}

/// A TOML value.
#[derive(Clone, Debug)]
pub(super) enum Tree {
    Boolean(bool),
    Integer(i64),
    Float(f64),
    /// A number that 64 bits do not hold, or `nan` or `inf`, as written: no value of a scenario is one.
    Beyond(String),
    Text(String),
    Date,
    List(Vec<Node>),
    Table(Vec<Entry>),
}

/// A key of a table, where the key stands, and its value.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) place: Place,
    pub(super) node: Node,
}

/// Where something was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In the file, at this byte.
    Byte(usize),
    /// In the n-th setting of the command.
    Setting(usize),
}

impl Document {
    /// Reads a scenario file. Nothing but a regular file of at most 1 MiB of UTF-8 is read.
    pub fn read(path: &Path) -> Result<Self, Refusal> {
        let whole = |sentence: String| Refusal::new(path.display(), sentence);
        let metadata = fs::metadata(path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => whole(format!("no such file{}", similar_file(path))),
            _ => whole(format!("cannot be read: {error}")),
        })?;
        if !metadata.is_file() {
            let what = if metadata.is_dir() { "a folder" } else { "not a regular file" };
            return Err(whole(format!("is {what}; a scenario is a TOML file")));
        }
        let mut bytes = Vec::new();
        let read = fs::File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes));
        read.map_err(|error| whole(format!("cannot be read: {error}")))?;
        if bytes.len() as u64 > LARGEST {
            return Err(whole(format!("is larger than a scenario may be: at most {LARGEST} bytes")));
        }
        let text = String::from_utf8(bytes).map_err(|error| {
            let byte = error.utf8_error().valid_up_to();
            whole(format!("is not UTF-8 text: the byte at offset {byte} begins no character"))
        })?;
        Self::parse(path, text)
    }

    /// Parses the text of a scenario; `path` is for messages and for relative paths.
    pub fn parse(path: &Path, text: String) -> Result<Self, Refusal> {
        let mut document = Self {
            path: path.to_owned(),
            text,
            root: Node { place: Place::Byte(0), value: Tree::Table(vec![]) },
            settings: vec![],
        };
        let table = DeTable::parse(&document.text).map_err(|error| {
            let byte = error.span().map_or(0, |span| span.start);
            let key = error.span().and_then(|span| document.text.get(span)).unwrap_or_default();
            let reason = match error.message() {
                "duplicate key" => format!("the key {} is there twice", abridged(key)),
                other => other.replace('\n', ", "),
            };
            document.refusal(Place::Byte(byte), format!("is not valid TOML: {reason}"))
        })?;
        document.root = from_table(table.get_ref(), table.span().start);
        Ok(document)
    }

    /// The file as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The folder in which relative paths of the scenario begin.
    pub fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new(""))
    }

    /// A refusal at a place: file, line and column, or the setting.
    pub(super) fn refusal(&self, place: Place, sentence: impl Into<String>) -> Refusal {
        match place {
            Place::Setting(index) => Refusal::new(format_args!("--set {}", cut(&self.settings[index], 80)), sentence),
            Place::Byte(byte) => {
                let before = &self.text[..self.text.floor_char_boundary(byte)];
                let line = before.matches('\n').count() + 1;
                let column = before.chars().rev().take_while(|&c| c != '\n').count() + 1;
                Refusal::new(format_args!("{}:{line}:{column}", self.path.display()), sentence)
            }
        }
    }

    /// Where the value at a path of keys and positions stands, or else the last part of the path that is there.
    pub(super) fn place(&self, path: &[&str]) -> Place {
        let mut node = &self.root;
        let mut place = node.place;
        for part in path {
            let next = match &node.value {
                Tree::Table(entries) => entries.iter().find(|entry| entry.key == *part).map(|entry| &entry.node),
                Tree::List(nodes) => part.parse().ok().and_then(|index: usize| nodes.get(index)),
                _ => None,
            };
            let Some(next) = next else { break };
            (node, place) = (next, next.place);
        }
        place
    }
}

impl Node {
    /// The node of a key, if this is a table that has it.
    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        self.entries()?.iter().find(|entry| entry.key == key).map(|entry| &entry.node)
    }

    /// The entries, if this is a table.
    pub(super) fn entries(&self) -> Option<&Vec<Entry>> {
        match &self.value {
            Tree::Table(entries) => Some(entries),
            _ => None,
        }
    }

    /// The text, if this is one.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.value {
            Tree::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// The tree of a parsed TOML value.
pub(super) fn from_value(value: &Spanned<DeValue>) -> Node {
    let byte = value.span().start;
    let value = match value.get_ref() {
        DeValue::String(text) => Tree::Text(text.to_string()),
        DeValue::Boolean(boolean) => Tree::Boolean(*boolean),
        DeValue::Datetime(_) => Tree::Date,
        DeValue::Integer(integer) => {
            let number = i64::from_str_radix(integer.as_str(), integer.radix());
            number.map_or_else(|_| Tree::Beyond(integer.to_string()), Tree::Integer)
        }
        DeValue::Float(float) => {
            let number = float.as_str().parse::<f64>().ok().filter(|x| x.is_finite());
            number.map_or_else(|| Tree::Beyond(float.to_string()), Tree::Float)
        }
        DeValue::Array(values) => Tree::List(values.iter().map(from_value).collect()),
        DeValue::Table(table) => return from_table(table, byte),
    };
    Node { place: Place::Byte(byte), value }
}

fn from_table(table: &DeTable, byte: usize) -> Node {
    let mut keys: Vec<_> = table.iter().collect();
    // The parser sorts by name; a person reads from the top, and is told the first mistake first.
    keys.sort_by_key(|(key, _)| key.span().start);
    let entries = keys.into_iter().map(|(key, value)| Entry {
        key: key.get_ref().to_string(),
        place: Place::Byte(key.span().start),
        node: from_value(value),
    });
    Node { place: Place::Byte(byte), value: Tree::Table(entries.collect()) }
}

/// `; did you mean "tiers.toml"?`, from the files beside a path that leads nowhere.
fn similar_file(path: &Path) -> String {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort_unstable();
    let wanted = path.file_stem().unwrap_or_default().to_string_lossy();
    // A link that leads nowhere is listed under the very name that was not found.
    let others = names.iter().filter(|name| Some(name.as_ref()) != path.file_name());
    nearest(&wanted, others.filter_map(|name| name.strip_suffix(".toml"))).map_or(String::new(), |stem| {
        format!("; did you mean \"{}\"?", path.with_file_name(format!("{stem}.toml")).display())
    })
}
