//! Bytes: the CSV of a scenario is the same for any number of threads, any kernel and any memory budget.
// A test may compare with std's functions; a result may not come from them.
#![allow(clippy::disallowed_methods)]

mod experiment;

use std::fs;
use std::path::{Path, PathBuf};

use experiment::{plan, run_plan};
use superpose::geometry::kernel::Kernel;
use superpose::output::csv;
use superpose::scenario::document::Document;
use superpose::scenario::study::Study;

const PLENTY: u64 = 4 << 30;

/// The scenarios that come with the program, at smoke size.
fn smoke() -> Vec<Study> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let files = fs::read_dir(folder).expect("the folder is there").map(|entry| entry.expect("an entry").path());
    let mut files: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|x| x == "toml")).collect();
    files.sort();
    assert!(files.len() >= 6, "{files:?}");
    let smoke = |path: &PathBuf| {
        let mut document = Document::read(path).expect("it can be read");
        document.make_smoke().expect("it has a smoke size");
        Study::new(&document).expect("it can be planned")
    };
    files.iter().map(smoke).collect()
}

/// Tiers of widths that are no multiple of anything, with and without a dominant mean.
const TIERS: [&str; 5] = [
    "name = \"gaussian\"\nd_model = 70\nembedding.fully_distributed = {}\n",
    "name = \"uniform\"\nd_model = 71\nembedding.fully_distributed = { entries = \"uniform\" }\n",
    "name = \"blocks\"\nd_model = 70\nembedding.semi_distributed = {}\n",
    "name = \"support\"\nd_model = 70\nembedding.support = { active = 5 }\n",
    "name = \"localized\"\nd_model = 400\nembedding.localized = {}\n",
];

/// Units of more than two tiles of 192 concepts.
fn large(tiers: &[&str]) -> Study {
    let tiers: String = tiers.iter().map(|tier| format!("[[tiers]]\n{tier}")).collect();
    let text = format!(
        "name = \"large\"\nseed = 8\nreplicates = 2\n[concepts]\ncount = 601\n{tiers}\
         [measure]\noverlap = {{}}\nspectrum = {{}}\nsparsity = {{}}\ndimensionality = {{}}"
    );
    plan(Path::new("."), &text)
}

/// One tier of vectors that lie far off their centre, so that the centred sums take a pass of their own.
fn off_centre(folder: &Path) -> Study {
    let vector =
        |i: u32| (0..40).map(|k: u32| 20.0 + f64::from((i * i * 31 + k * k * 17 + i * k * 7) % 101) / 101.0).collect();
    experiment::write_npy(&folder.join("v.npy"), &(0..500).map(vector).collect::<Vec<_>>());
    let text = "name = \"off\"\nreplicates = 2\n[[tiers]]\nname = \"a\"\nembedding.file = { path = \"v.npy\" }\n\
        [measure]\noverlap = {}\nspectrum = {}\nsparsity = {}\ndimensionality = {}";
    plan(folder, text)
}

fn bytes(plan: &Study, n_threads: usize, kernel: Kernel, memory: u64) -> String {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().expect("threads");
    String::from_utf8(pool.install(|| csv::encode(&run_plan(plan, kernel, memory)).expect("in memory"))).expect("UTF-8")
}

/// The smallest budget that admits a plan: a second unit beside the hungriest does not fit, so that one has all cores.
fn tight(plan: &Study) -> u64 {
    plan.hungriest.2.bytes.ceil() as u64
}

/// Says which row and column differ first, not the whole files.
fn same(expected: &str, found: &str, circumstances: &str) {
    let header: Vec<&str> = expected.lines().next().expect("a header").split(',').collect();
    let mut rows = expected.lines().zip(found.lines()).enumerate();
    if let Some((row_idx, (a, b))) = rows.find(|(_, (a, b))| a != b) {
        let cells = header.iter().zip(a.split(',').zip(b.split(',')));
        let differing: Vec<_> = cells.filter(|(_, (a, b))| a != b).collect();
        panic!("{circumstances}: row {row_idx} differs: {differing:?}");
    }
    assert_eq!(expected, found, "{circumstances}");
}

#[test]
fn law_bytes_do_not_depend_on_threads_or_memory() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for plan in smoke().into_iter().chain([large(&TIERS), off_centre(folder.path())]) {
        let name = plan.first.plan.scenario.name.as_str();
        let expected = bytes(&plan, 1, Kernel::best(), PLENTY);
        for n_threads in [2, 7] {
            for memory in [PLENTY, tight(&plan)] {
                let found = bytes(&plan, n_threads, Kernel::best(), memory);
                same(&expected, &found, &format!("{name} with {n_threads} threads and {memory} bytes"));
            }
        }
    }
}

#[test]
fn law_bytes_do_not_depend_on_the_kernel() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for plan in smoke().into_iter().chain([large(&TIERS), off_centre(folder.path())]) {
        let name = plan.first.plan.scenario.name.as_str();
        let expected = bytes(&plan, 2, Kernel::Scalar, PLENTY);
        for kernel in Kernel::available().filter(|&kernel| kernel != Kernel::Scalar) {
            same(&expected, &bytes(&plan, 2, kernel, PLENTY), &format!("{name} with {kernel}"));
        }
    }
}

#[test]
fn law_a_large_unit_is_the_same_with_cores_of_its_own() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    // Every tier on its own, so that the budget sets each of them apart.
    let alone = TIERS.map(|tier| large(&[tier])).into_iter().chain([off_centre(folder.path())]);
    for (study_idx, study) in alone.enumerate() {
        for kernel in Kernel::available() {
            let expected = bytes(&study, 1, kernel, PLENTY);
            same(&expected, &bytes(&study, 3, kernel, tight(&study)), &format!("study {study_idx} with {kernel}"));
        }
    }
}
