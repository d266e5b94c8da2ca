//! Work to be counted in instructions: `benches/guard/run` counts it under callgrind. `guard CASE AMOUNT` does AMOUNT of it on one thread.
//!
//! Only what `counted` does is counted: callgrind knows it by its name. Callgrind has no 512-bit registers, so the counts are those of the AVX2 kernel.

use std::env;
use std::hint::black_box;
use std::path::Path;

use superpose::embedding::fully_distributed::Entries;
use superpose::embedding::{Encoding, FullyDistributed, Model};
use superpose::geometry::embedding::Embedding;
use superpose::geometry::kernel::Kernel;
use superpose::geometry::pairs::{Wanted, pair_statistics};
use superpose::seed::Stream;
use superpose::training::{Elhage, Recipe, Size, ToyModel};

#[unsafe(no_mangle)]
#[inline(never)]
fn counted(work: &mut dyn FnMut()) {
    work();
}

fn draw(entries: Entries, n_concepts: usize, d_model: usize) -> Embedding {
    let model = Model { n_concepts, d_model, params: None, folder: Path::new(".") };
    FullyDistributed { entries }.embed(&model, &Stream::from_seed(1), false).expect("parameters that fit")
}

fn pairs(entries: Entries, n_concepts: usize, d_model: usize) {
    let embedding = draw(entries, n_concepts, d_model);
    counted(&mut || drop(black_box(pair_statistics(&embedding, Wanted::default(), Kernel::best(), false))));
}

/// Steps of 1024 samples, Adam, sparsity 0.9.
fn train(n_concepts: usize, d_model: usize, steps: u64) {
    let size = Size { n_concepts, d_model };
    let model: Elhage = serde_json::from_value(serde_json::json!({ "sparsity": 0.9 })).expect("a model");
    let recipe = Recipe { steps, restarts: 1, checkpoints: vec![steps], ..model.defaults(size) };
    counted(&mut || drop(black_box(model.train(size, &recipe, None, &Stream::from_seed(1), false))));
}

fn main() {
    let args: Vec<String> = env::args().collect();
    let amount = || args.get(2).and_then(|amount| amount.parse().ok()).expect("an amount");
    match args.get(1).map(String::as_str) {
        // Rows are the amount.
        Some("pairs_256") => pairs(Entries::Gaussian, amount() as usize, 256),
        Some("pairs_of_signs_1024") => pairs(Entries::Rademacher, amount() as usize, 1024),
        Some("drawing_256") => counted(&mut || drop(black_box(draw(Entries::Gaussian, amount() as usize, 256)))),
        // Steps are the amount.
        Some("training_20_5") => train(20, 5, amount()),
        Some("training_100_20") => train(100, 20, amount()),
        // So that `cargo bench` goes through.
        Some("--bench") | None => println!("benches/guard/run counts what this does"),
        Some(other) => panic!("no case {other:?}"),
    }
}
