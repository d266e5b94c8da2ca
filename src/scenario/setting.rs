//! Settings: any value of a scenario by its dotted path, from the command line or from the scenario's own `[smoke]` table.

use toml::de::DeTable;

use super::Refusal;
use super::document::{Document, Entry, Node, Place, Tree, from_value};
use crate::quantity::abridged;
use crate::suggestion::did_you_mean;

/// Parts of a path: `tiers.NAME.embedding.support.active` has five, and a name may have dots in it.
const MOST_PARTS: usize = 64;

impl Document {
    /// Applies `PATH=VALUE`. The value is written as in TOML; a bare word is a text. Tiers are called by name, or all of them `*`.
    pub fn set(&mut self, setting: &str) -> Result<(), Refusal> {
        let index = self.settings.len();
        self.settings.push(setting.to_owned());
        let place = Place::Setting(index);
        let parts = setting.split_once('=').map(|(path, value)| (path.trim(), value.trim()));
        let Some((path, value)) = parts.filter(|(path, value)| !path.is_empty() && !value.is_empty()) else {
            return Err(self.refusal(place, "must have the form PATH=VALUE, as in concepts.count=256"));
        };
        let mut node = parse(value).map_err(|sentence| self.refusal(place, sentence))?;
        stamp(&mut node, place);
        self.put(&Entry { key: path.to_owned(), place, node })
    }

    /// Applies the `[smoke]` table of the scenario; without one, at most two replicates are run.
    pub fn make_smoke(&mut self) -> Result<(), Refusal> {
        let Some(smoke) = self.root.get("smoke").cloned() else {
            let replicates = self.root.get("replicates");
            let many = replicates.filter(|node| match node.value {
                Tree::Integer(n) => n > 2,
                Tree::Float(n) => n > 2.0,
                _ => false,
            });
            let Some(place) = many.map(|node| node.place) else { return Ok(()) };
            let node = Node { place, value: Tree::Integer(2) };
            return self.put(&Entry { key: "replicates".into(), place, node });
        };
        // What is no table, the parser of the scenario refuses.
        let mut settings = Vec::new();
        for entry in smoke.entries().into_iter().flatten() {
            flatten("", entry, &mut settings);
        }
        settings.iter().try_for_each(|setting| self.put(setting))
    }

    /// Puts a value at the path that is its key.
    pub(super) fn put(&mut self, new: &Entry) -> Result<(), Refusal> {
        let path = new.key.as_str();
        if path.split('.').nth(MOST_PARTS).is_some() {
            let sentence = format!("the path {} has more than {MOST_PARTS} parts", abridged(path));
            return Err(self.refusal(new.place, sentence));
        }
        if path == "smoke" || path.starts_with("smoke.") {
            let sentence =
                format!("the path {} leads into [smoke]; set the value that it would replace", abridged(path));
            return Err(self.refusal(new.place, sentence));
        }
        let mut root = std::mem::replace(&mut self.root, Node { place: Place::Byte(0), value: Tree::Table(vec![]) });
        let outcome = put(&mut root, path, new);
        self.root = root;
        outcome.map_err(|sentence| self.refusal(new.place, sentence))
    }
}

/// Puts a value at a path below a node, making the tables on the way. The parser of the scenario refuses keys that do not exist.
fn put(at: &mut Node, path: &str, new: &Entry) -> Result<(), String> {
    match &mut at.value {
        Tree::Table(entries) => {
            // A key in quotes may have dots in it, as the axes of a sweep have.
            let is_key = entries.iter().any(|entry| entry.key == path);
            let (key, rest) = match path.split_once('.') {
                Some((key, rest)) if !is_key => (key, Some(rest)),
                _ => (path, None),
            };
            if key.is_empty() {
                return Err(format!("the path {} has an empty part", abridged(&new.key)));
            }
            let position = entries.iter().position(|entry| entry.key == key).unwrap_or_else(|| {
                let node = Node { place: new.place, value: Tree::Table(vec![]) };
                entries.push(Entry { key: key.to_owned(), place: new.place, node });
                entries.len() - 1
            });
            let entry = &mut entries[position];
            match rest {
                Some(rest) => put(&mut entry.node, rest, new),
                None => {
                    (entry.node, entry.place) = (new.node.clone(), new.place);
                    Ok(())
                }
            }
        }
        Tree::List(nodes) => put_in_named(nodes, path, new),
        _ => Err(format!("the path {} goes on where the scenario has a single value", abridged(&new.key))),
    }
}

/// Puts a value below the element that the path calls by name (a name may have dots in it), or below all of them for `*`.
fn put_in_named(nodes: &mut [Node], path: &str, new: &Entry) -> Result<(), String> {
    if let Some(rest) = path.strip_prefix("*.") {
        return nodes.iter_mut().try_for_each(|node| put(node, rest, new));
    }
    let names: Vec<String> = nodes.iter().filter_map(|node| node.get("name")?.text().map(str::to_owned)).collect();
    if names.is_empty() {
        return Err(format!("the path {} goes on where the scenario has no table", abridged(&new.key)));
    }
    if path == "*" || names.iter().any(|name| name == path) {
        return Err(format!(
            "the path {} ends at a tier; it must name a value of it, as in tiers.{path}.params",
            abridged(&new.key)
        ));
    }
    let below = |name: &str| path.strip_prefix(name).and_then(|rest| rest.strip_prefix('.'));
    let Some(name) = names.iter().filter(|name| below(name).is_some()).max_by_key(|name| name.len()) else {
        let word = path.split('.').next().unwrap_or_default();
        let near = did_you_mean(word, names.iter().map(String::as_str));
        return Err(format!("the path {} names nothing{near} (allowed: *, {})", abridged(&new.key), names.join(", "))
            .replace("? (", " ("));
    };
    let rest = below(name).expect("the name was found by this");
    let node = nodes.iter_mut().find(|node| node.get("name").and_then(Node::text) == Some(name));
    put(node.expect("the name came from the list"), rest, new)
}

/// A value as in TOML, or a bare word as a text.
fn parse(value: &str) -> Result<Node, String> {
    let line = format!("value = {value}");
    let bare = || Node { place: Place::Byte(0), value: Tree::Text(value.to_owned()) };
    let table = DeTable::parse(&line).ok();
    // A line feed within the value may begin a second key.
    let values: Vec<_> = table.as_ref().map_or(vec![], |table| table.get_ref().values().collect());
    if let [value] = values[..] {
        return Ok(from_value(value));
    }
    let is_word = value.chars().all(|c| c.is_alphanumeric() || " -_./".contains(c));
    if is_word {
        Ok(bare())
    } else {
        Err(format!("the value {} is not valid TOML; a text needs quotes", abridged(value)))
    }
}

/// Gives a whole tree one place.
fn stamp(node: &mut Node, place: Place) {
    node.place = place;
    match &mut node.value {
        Tree::List(nodes) => nodes.iter_mut().for_each(|node| stamp(node, place)),
        Tree::Table(entries) => entries.iter_mut().for_each(|entry| {
            entry.place = place;
            stamp(&mut entry.node, place);
        }),
        _ => {}
    }
}

/// The leaves of a tree of tables, each with its dotted path for a key.
fn flatten(above: &str, entry: &Entry, leaves: &mut Vec<Entry>) {
    let key = if above.is_empty() { entry.key.clone() } else { format!("{above}.{}", entry.key) };
    match entry.node.entries() {
        Some(entries) if !entries.is_empty() => entries.iter().for_each(|entry| flatten(&key, entry, leaves)),
        _ => leaves.push(Entry { key, place: entry.place, node: entry.node.clone() }),
    }
}
