//! Shards: ranges of the units of a study that are computed elsewhere, and the parts in which their records come back.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashSet};
use std::ops::Range;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::unit::{Inputs, RESULTS_EPOCH};
use super::{Failure, Fault, each_unit};
use crate::scenario::study::Study;
use crate::seed::{Key, hexadecimal};
use crate::store::{Batch, Store};
use crate::table::Value;

/// First line of a part.
const MAGIC: &[u8] = b"superpose part 1\n";

/// Bytes of the SHA-256 at the end of a part.
const SEAL: usize = 32;

/// The units of a shard: the k-th of n ranges, from 1, whose estimated costs are as equal as units allow. A function of the scenario alone. Some ranges are empty where n
/// is more than the number of units. About 20 µs for each point.
pub fn range(study: &Study, k: u64, n: u64) -> Result<Range<u64>, Fault> {
    // Unit u belongs to the shard in which the middle of its cost lies.
    let total = study.seconds.max(f64::MIN_POSITIVE);
    let (mut before, mut begin, mut end) = (0.0, 0, 0);
    each_unit(study, |number, job| {
        let seconds = job.cost().seconds;
        let shard = (((before + seconds / 2.0) / total * n as f64) as u64).min(n - 1) + 1;
        before += seconds;
        if shard < k {
            begin = number + 1;
        }
        if shard <= k {
            end = number + 1;
        }
        Ok(shard <= k)
    })?;
    Ok(begin..end)
}

/// The units of all n shards, as [`range`] gives each. About 20 µs for each point.
pub fn ranges(study: &Study, n: u64) -> Result<Vec<Range<u64>>, Fault> {
    let total = study.seconds.max(f64::MIN_POSITIVE);
    let (mut before, mut ends) = (0.0, Vec::new());
    each_unit(study, |number, job| {
        let seconds = job.cost().seconds;
        let shard = ((before + seconds / 2.0) / total * n as f64) as u64;
        before += seconds;
        // Shards before this one end here, unless they have ended already.
        while (ends.len() as u64) < shard.min(n - 1) {
            ends.push(number);
        }
        Ok(true)
    })?;
    ends.resize(n as usize, study.n_units);
    let begins = std::iter::once(0).chain(ends.clone());
    Ok(begins.zip(ends).map(|(begin, end)| begin..end).collect())
}

/// What the numbers of a study depend on, hashed: two studies with the same fingerprint have the same records. Title, analyses and figures have no part in it.
pub fn fingerprint(study: &Study, inputs: &Inputs) -> String {
    let mut scenario = serde_json::to_value(&study.first.plan.scenario).expect("a scenario has a JSON form");
    if let Some(values) = scenario.as_object_mut() {
        values.retain(|key, _| !["title", "analysis", "figure"].contains(&key.as_str()));
    }
    // The scenario names the files; where they lie may differ from machine to machine, but not in which order they are named.
    let digests: Vec<&str> =
        study.inputs.iter().filter_map(|file| inputs.get(file)).map(|input| input.digest.as_str()).collect();
    let all = (RESULTS_EPOCH, scenario, &study.sweep_as_written, digests, study.n_units);
    hexadecimal(&Sha256::digest(serde_json::to_vec(&all).expect("words and numbers have a JSON form")))
}

/// What a part says of itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// Name of the scenario.
    pub scenario: String,
    /// What its numbers depend on.
    pub fingerprint: String,
    /// Version of the engine that computed it.
    pub version: String,
    /// Epoch of its numbers.
    pub epoch: String,
    /// The units that it holds, by their numbers in plan order.
    pub units: Range<u64>,
    /// Which shard it is, and of how many, if it was asked for so.
    pub shard: Option<(u64, u64)>,
    /// Units of the study.
    pub n_units: u64,
    /// Records that it holds.
    pub n_records: u64,
    /// Units that failed, which have no records.
    pub failures: Vec<Failure>,
}

/// Records of some units with what they are.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// What it says of itself.
    pub header: Header,
    /// The records.
    pub records: Batch,
}

/// Why bytes are not a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PartError {
    /// They do not begin as one.
    #[error("is not a part that `superpose shard` wrote")]
    Foreign,
    /// They end before the part does, or are not what was written.
    #[error("is damaged: its SHA-256 is not that of its content; compute this shard again")]
    Damaged,
}

impl Part {
    /// The records of some units, from the store in which they were computed.
    pub fn gather(study: &Study, inputs: &Inputs, store: &Store, header: Header) -> Result<Self, Fault> {
        let (view, seeds) = (store.view()?, study.sweep.seeds);
        let mut records: BTreeMap<Key, Vec<Value>> = BTreeMap::new();
        let failed: HashSet<_> = header.failures.iter().map(|failure| failure.unit).collect();
        each_unit(study, |number, job| {
            if header.units.contains(&number) && !failed.contains(&job.unit()) {
                for key in job.records(seeds, inputs) {
                    if let Entry::Vacant(place) = records.entry(key) {
                        place.insert(view.get(&key)?.ok_or_else(|| view.lost())?);
                    }
                }
            }
            Ok(number < header.units.end)
        })?;
        let header = Header { n_records: records.len() as u64, ..header };
        Ok(Self { header, records: records.into_iter().collect() })
    }

    /// As bytes: a line that says what they are, the header as a line of JSON, the records, and the SHA-256 of all before it.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        serde_json::to_writer(&mut bytes, &self.header).expect("words and numbers have a JSON form");
        bytes.push(b'\n');
        bytes.extend(postcard::to_allocvec(&self.records).expect("numbers and words have a postcard form"));
        let seal = Sha256::digest(&bytes);
        bytes.extend_from_slice(&seal);
        bytes
    }

    /// From bytes, all of which must be as they were written.
    pub fn decode(bytes: &[u8]) -> Result<Self, PartError> {
        let (content, header) = open(bytes)?;
        let records: Batch = postcard::from_bytes(content).map_err(|_| PartError::Damaged)?;
        Ok(Self { header, records })
    }
}

impl Header {
    /// The header alone, of bytes that must be whole all the same.
    pub fn decode(bytes: &[u8]) -> Result<Self, PartError> {
        Ok(open(bytes)?.1)
    }

    /// Whether this engine has computed it, or another one whose numbers are the same.
    pub fn is_of_this_version(&self) -> bool {
        (self.version.as_str(), self.epoch.as_str()) == (env!("CARGO_PKG_VERSION"), RESULTS_EPOCH)
    }
}

/// The content and the header of a part whose checksum is right.
fn open(bytes: &[u8]) -> Result<(&[u8], Header), PartError> {
    let rest = bytes.strip_prefix(MAGIC).ok_or(PartError::Foreign)?;
    let (sealed, seal) = bytes.split_at_checked(bytes.len().saturating_sub(SEAL)).ok_or(PartError::Damaged)?;
    if rest.len() < SEAL || Sha256::digest(sealed).as_slice() != seal {
        return Err(PartError::Damaged);
    }
    let rest = &rest[..rest.len() - SEAL];
    let line = rest.iter().position(|&byte| byte == b'\n').ok_or(PartError::Damaged)?;
    let header = serde_json::from_slice(&rest[..line]).map_err(|_| PartError::Damaged)?;
    Ok((&rest[line + 1..], header))
}

/// What is left when some ranges are there, ascending.
pub fn gaps(mut ranges: Vec<Range<u64>>, n_units: u64) -> Vec<Range<u64>> {
    ranges.sort_by_key(|range| (range.start, range.end));
    let (mut gaps, mut covered) = (Vec::new(), 0);
    for range in ranges.into_iter().filter(|range| !range.is_empty()) {
        if range.start > covered {
            gaps.push(covered..range.start);
        }
        covered = covered.max(range.end);
    }
    if covered < n_units {
        gaps.push(covered..n_units);
    }
    gaps
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::engine::unit::read_inputs;
    use crate::engine::{self, Options};
    use crate::geometry::kernel::Kernel;
    use crate::scenario::document::Document;

    fn study(extra: &str) -> Study {
        let text = format!(
            "name = \"s\"\nseed = 3\nreplicates = 3\nconcepts.count = 20\n[[tiers]]\nname = \"a\"\nd_model = 8\n\
            embedding.fully_distributed = {{}}\n[measure.overlap]\n[sweep]\n\"tiers.a.d_model\" = [8, 16, 700, 9]\n{extra}"
        );
        let document = Document::parse(Path::new("s.toml"), text).expect("a scenario");
        Study::new(&document).expect("a study")
    }

    #[test]
    fn law_the_ranges_of_all_shards_are_the_units_in_order() {
        let study = study("");
        assert_eq!(study.n_units, 12);
        for n in 1..30 {
            let ranges: Vec<_> = (1..=n).map(|k| range(&study, k, n).expect("planned")).collect();
            assert_eq!(super::ranges(&study, n).expect("planned"), ranges);
            let all: Vec<u64> = ranges.iter().cloned().flatten().collect();
            assert_eq!(all, (0..12).collect::<Vec<_>>(), "{n} shards: {ranges:?}");
        }
        // Nine tenths of the cost are units 6 to 8, so no shard of three has more than two of them.
        let longest = (1..=3)
            .map(|k| range(&study, k, 3).expect("planned"))
            .map(|range| (6..9).filter(|unit| range.contains(unit)).count());
        assert!(longest.max() <= Some(2));
    }

    #[test]
    fn law_parts_put_together_are_the_records_of_one_run() {
        let study = study("");
        let inputs = read_inputs(&study).expect("no files");
        let run = |units: Range<u64>| {
            let store = Store::in_memory().expect("a store");
            let options = Options {
                units: units.clone(),
                kernel: Kernel::best(),
                memory: 1 << 30,
                stop_on_error: true,
                watch: &|_| {},
                stop: &|| false,
                stopped: &|_| {},
            };
            let outcome = engine::run(&study, &inputs, &store, &options).expect("ended");
            assert_eq!(
                (outcome.progress.n_done, outcome.progress.n_units),
                (units.end - units.start, units.end - units.start)
            );
            let header = Header {
                scenario: "s".to_owned(),
                fingerprint: fingerprint(&study, &inputs),
                version: "0".to_owned(),
                epoch: RESULTS_EPOCH.to_owned(),
                units,
                shard: None,
                n_units: study.n_units,
                n_records: 0,
                failures: outcome.failures,
            };
            Part::gather(&study, &inputs, &store, header).expect("gathered")
        };
        let whole = run(0..study.n_units);
        let mut records: Vec<_> =
            [0..5, 5..5, 5..11, 11..12].into_iter().flat_map(|units| run(units).records).collect();
        records.sort_by_key(|record| record.0);
        assert_eq!(records, whole.records);
        let bytes = whole.encode();
        assert_eq!(Part::decode(&bytes).expect("whole"), whole);
        assert_eq!(Part::decode(b"a,b\n1,2\n"), Err(PartError::Foreign));
        for at in (MAGIC.len()..bytes.len()).step_by(7) {
            assert_eq!(Part::decode(&bytes[..at]), Err(PartError::Damaged));
            let mut changed = bytes.clone();
            changed[at] ^= 4;
            assert_eq!(Part::decode(&changed), Err(PartError::Damaged));
        }
    }

    #[test]
    fn law_a_fingerprint_changes_with_what_numbers_depend_on() {
        let print = |extra: &str| fingerprint(&study(extra), &Inputs::new());
        assert_eq!(print(""), print("[[analysis]]\npower_law = { y = \"mean_square_cosine\", x = \"d_model\" }\n"));
        assert_ne!(print(""), print("seeds = \"independent\"\n"));
    }

    #[test]
    fn law_gaps_are_what_no_range_covers() {
        assert_eq!(gaps(vec![5..7, 0..2, 1..3, 4..4], 9), [3..5, 7..9]);
        assert_eq!(gaps(Vec::new(), 2).first(), Some(&(0..2)));
        assert!(gaps(vec![0..1, 1..2], 2).is_empty());
    }
}
