//! Theory: numbers of the engine against closed forms and numbers worked out elsewhere.
// A test may compare with std's functions; a result may not come from them.
#![allow(clippy::disallowed_methods)]

mod experiment;

use std::f64::consts::{PI, TAU};
use std::path::Path;

use experiment::{Experiment, mean_and_error, run, write_npy};
use nalgebra::DMatrix;
use rand_distr::{Distribution, StandardNormal};
use superpose::seed::Stream;
use superpose::table::Value;

fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn close(what: &str, value: f64, expected: f64, tolerance: f64) {
    assert!((value - expected).abs() <= tolerance, "{what}: {value} against {expected} ± {tolerance}");
}

/// One tier of n concepts in d units for each line `name = embedding`.
fn tiers(n: usize, d: usize, replicates: usize, measures: &[&str], embeddings: &[(&str, &str)]) -> Experiment {
    let mut text = format!("name = \"t\"\nseed = 20\nreplicates = {replicates}\n[concepts]\ncount = {n}\n[measure]\n");
    measures.iter().for_each(|measure| text += &format!("{measure} = {{}}\n"));
    for (name, embedding) in embeddings {
        text += &format!("[[tiers]]\nname = \"{name}\"\nd_model = {d}\nembedding.{embedding}\n");
    }
    run(here(), &text)
}

/// One tier whose vectors come from a `.npy` file.
fn vectors(vectors: &[Vec<f64>]) -> Experiment {
    vectors_in(tempfile::tempdir().expect("a temporary folder").path(), vectors)
}

/// The same, with the file in this folder.
fn vectors_in(folder: &Path, vectors: &[Vec<f64>]) -> Experiment {
    write_npy(&folder.join("v.npy"), vectors);
    let text = "name = \"t\"\n[[tiers]]\nname = \"v\"\nembedding.file = { path = \"v.npy\" }\n\
                [measure]\noverlap = {}\nspectrum = {}\nsparsity = {}\ndimensionality = {}";
    run(folder, text)
}

/// A mean over replicates is within 4 of its own standard errors of the expectation: 1 chance in 4,000 for 39 degrees of freedom.
fn expect(what: &str, numbers: &[f64], expected: f64) {
    let (mean, error) = mean_and_error(numbers);
    assert!(error < 0.02 * expected.abs(), "{what}: {mean} ± {error} says nothing about {expected}");
    close(what, mean, expected, 4.0 * error);
}

/// ⟨c⁴⟩ of every replicate, from the columns that the engine writes.
fn fourth_moments(experiment: &Experiment, tier: &str) -> Vec<f64> {
    let kurtosis = experiment.numbers(tier, "excess_kurtosis_cosine");
    let square = experiment.numbers(tier, "mean_square_cosine");
    kurtosis.iter().zip(square).map(|(k, s)| (k + 3.0) * s * s).collect()
}

// §7.1, V01: E c² = 1/d, E c⁴ = 3/(d(d+2)), E|c| = Γ(d/2)/(√π Γ((d+1)/2)), E max|c| from the Poisson form with the beta tail.
#[test]
fn theory_v01_cosines_of_random_directions() {
    for d in [16, 64, 256, 768] {
        let e = tiers(300, d, 40, &["overlap"], &[("r", "fully_distributed = {}")]);
        let width = d as f64;
        expect(&format!("d = {d}: E c²"), &e.numbers("r", "mean_square_cosine"), 1.0 / width);
        expect(&format!("d = {d}: E c⁴"), &fourth_moments(&e, "r"), 3.0 / (width * (width + 2.0)));
        for (value, theory) in [
            ("mean_abs_cosine", "random_mean_abs_cosine"),
            ("mean_square_cosine", "random_mean_square_cosine"),
            ("coherence", "random_coherence"),
        ] {
            expect(&format!("d = {d}: {value}"), &e.numbers("r", value), e.number("r", theory));
        }
        let (mean, error) = mean_and_error(&e.numbers("r", "mean_cosine"));
        close(&format!("d = {d}: E c"), mean, 0.0, 4.0 * error);
    }
}

// §7.3, V02 in f32: Welch is met, and Σᵢⱼ cos² = n²/d. Entries are rounded to 2⁻²⁴ of themselves, so 1e-6 leaves room for the chain of a dot product.
#[test]
fn theory_v02_frames_meet_their_bounds() {
    let text = "name = \"t\"\n[measure]\noverlap = {}\nspectrum = {}\ndimensionality = {}\n[[tiers]]\nname = \"line\"\nd_model = 1\n\
        embedding.frame = { packing = \"simplex\" }\n[[tiers]]\nname = \"triangle\"\nd_model = 2\nembedding.frame = { packing = \"simplex\" }\n\
        [[tiers]]\nname = \"tetrahedron\"\nd_model = 3\nembedding.frame = { packing = \"simplex\" }\n\
        [[tiers]]\nname = \"simplex\"\nd_model = 100\nembedding.frame = { packing = \"simplex\" }\n\
        [[tiers]]\nname = \"icosahedron\"\nembedding.frame = { packing = \"icosahedron\" }\n\
        [[tiers]]\nname = \"lines28\"\nembedding.frame = { packing = \"lines28\" }\n\
        [[tiers]]\nname = \"hadamard2\"\nd_model = 2\nembedding.frame = { packing = \"hadamard\" }\n\
        [[tiers]]\nname = \"hadamard64\"\nd_model = 64\nembedding.frame = { packing = \"hadamard\" }\n";
    let e = run(here(), text);
    for (tier, n, d, coherence, bound) in [
        ("line", 2.0, 1.0, 1.0, 1.0),
        ("triangle", 3.0, 2.0, 0.5, 0.5),
        ("tetrahedron", 4.0, 3.0, 1.0 / 3.0, 1.0 / 3.0),
        ("simplex", 101.0, 100.0, 0.01, 0.01),
        ("icosahedron", 6.0, 3.0, 1.0 / 5f64.sqrt(), 1.0 / 5f64.sqrt()),
        ("lines28", 28.0, 7.0, 1.0 / 3.0, 1.0 / 3.0),
        // Four lines in the plane at 45°; 128 lines in 64 dimensions, of which Welch of order 1 says √((n − d)/(d(n − 1))).
        ("hadamard2", 4.0, 2.0, 0.5f64.sqrt(), 0.5f64.sqrt()),
        ("hadamard64", 128.0, 64.0, 0.125, 1.0 / 127f64.sqrt()),
    ] {
        let column = |name| e.number(tier, name);
        close(tier, column("coherence"), coherence, 1e-6);
        close(tier, column("welch_bound"), bound, 1e-12);
        let potential = n + n * (n - 1.0) * column("mean_square_cosine");
        close(tier, potential, n * n / d, 1e-6 * potential);
        // Tight frames of unit vectors: every Dᵢ is d/n (Scherlis et al. 2022), and D* = d/n.
        close(tier, column("sum_feature_dimensionality"), d, 1e-6 * d);
        close(tier, column("mean_feature_dimensionality"), d / n, 1e-6);
        close(tier, column("d_star"), d / n, 1e-6);
        close(tier, column("features_per_dimension"), n / d, 1e-12);
    }
    // The corners of a simplex add up to zero, so centring does nothing, and all d directions weigh the same.
    for (tier, d) in [("line", 1.0), ("triangle", 2.0), ("tetrahedron", 3.0), ("simplex", 100.0)] {
        close(tier, e.number(tier, "mean_cosine"), -1.0 / d, 1e-6);
        close(tier, e.number(tier, "centred_mean_cosine"), -1.0 / d, 1e-6);
        for rank in ["participation_ratio", "effective_rank", "stable_rank"] {
            close(tier, e.number(tier, rank), d, 1e-5 * d);
        }
    }
}

// §7.2, V03: E c² = 1/d for every s; E c⁴ = 3 E[K(K+2)]/(s²(s+2)²) with K hypergeometric.
#[test]
fn theory_v03_mean_square_is_blind_to_the_support_and_the_kurtosis_is_not() {
    let embeddings: Vec<_> = [1, 4, 16, 64, 256].map(|s| (s, format!("support = {{ active = {s} }}"))).into();
    let rows: Vec<_> = embeddings.iter().map(|(s, text)| (s.to_string(), text.as_str())).collect();
    let rows: Vec<_> = rows.iter().map(|(name, text)| (name.as_str(), *text)).collect();
    let e = tiers(1000, 256, 6, &["overlap"], &rows);
    let d = 256.0;
    for (s, _) in &embeddings {
        let (tier, s) = (s.to_string(), f64::from(*s));
        let mean = s * s / d;
        let variance = s * (s / d) * (1.0 - s / d) * (d - s) / (d - 1.0);
        let fourth = 3.0 * (variance + mean * mean + 2.0 * mean) / (s * s * (s + 2.0).powi(2));
        let (square, _) = mean_and_error(&e.numbers(&tier, "mean_square_cosine"));
        close(&format!("s = {s}: E c²"), square, 1.0 / d, 0.05 / d);
        let kurtosis = fourth * d * d;
        let (excess, _) = mean_and_error(&e.numbers(&tier, "excess_kurtosis_cosine"));
        close(&format!("s = {s}: kurtosis"), excess + 3.0, kurtosis, 0.1 * kurtosis);
        close(&format!("s = {s}: E c⁴"), mean_and_error(&fourth_moments(&e, &tier)).0, fourth, 0.1 * fourth);
        // Two supports of s units that do not touch: P(K = 0) = Π (d − s − k)/(d − k).
        let apart: f64 = (0..s as u32).map(f64::from).map(|k| ((d - s - k) / (d - k)).max(0.0)).product();
        let zeros = e.numbers(&tier, "zero_fraction");
        let (zero, error) = mean_and_error(&zeros);
        // The rarest zeros, of s = 64, are not seen at all: a millionth is three pairs.
        close(&format!("s = {s}: P(c = 0)"), zero, apart, 4.0 * error + 1e-6);
    }
}

// §8, V15. For n independent N(0, σ² I) vectors the centred scatter S is Wishart with ν = n − 1 degrees of freedom, and PR = (tr S)²/tr S².
// PR is free of scale, hence independent of tr S (Basu), so E[1/PR] = E[tr S²]/E[(tr S)²] = ν d (ν + d + 1)/(ν d (ν d + 2)) = (n + d)/(d(n − 1) + 2)
// without any approximation. The usual d(n − 1)/(d + n) drops the 2: it is low by 2/(n + d), that is by one part in d(n − 1)/2.
#[test]
fn theory_v15_participation_ratio_of_gaussian_vectors() {
    for (n, d) in [(10, 40), (50, 20), (200, 100), (100, 300)] {
        let e = tiers(n, d, 60, &["spectrum"], &[("g", "fully_distributed = {}")]);
        let (n, d) = (n as f64, d as f64);
        let ratios = e.numbers("g", "participation_ratio");
        let inverse: Vec<f64> = ratios.iter().map(|ratio| 1.0 / ratio).collect();
        let (mean, error) = mean_and_error(&inverse);
        close(&format!("{n} × {d}: E 1/PR"), mean, (n + d) / (d * (n - 1.0) + 2.0), 3.0 * error);
        let (mean, error) = mean_and_error(&ratios);
        // Between the mean and the inverse mean of the inverse lies a Jensen term, mean × (relative spread)².
        let spread = error * error * 60.0 / mean;
        let tolerance = 3.0 * error + 2.0 / (n + d) + spread;
        close(&format!("{n} × {d}: PR"), mean, d * (n - 1.0) / (d + n), tolerance);
    }
}

// E c² = k/u² for isotropic vectors on two blocks of u units that share k: exact for each pair, so the mean over pairs follows by counting k.
#[test]
fn theory_mean_square_cosine_of_blocks_on_a_ring() {
    for (n, d, u) in [(192usize, 64usize, 8usize), (50, 100, 30), (7, 10, 4), (300, 64, 64)] {
        let e = tiers(n, d, 40, &["overlap"], &[("b", &format!("semi_distributed = {{ units = {u} }}"))]);
        let blocks: Vec<Vec<bool>> = (0..n).map(|i| (0..d).map(|k| (k + d - i * d / n) % d < u).collect()).collect();
        let shared = |i: usize, j: usize| (0..d).filter(|&k| blocks[i][k] && blocks[j][k]).count() as f64;
        let pairs = (n * (n - 1) / 2) as f64;
        let counted: f64 = (0..n).flat_map(|i| (0..i).map(move |j| (i, j))).map(|(i, j)| shared(i, j)).sum::<f64>()
            / pairs
            / (u * u) as f64;
        let squares = e.numbers("b", "mean_square_cosine");
        let (mean, error) = mean_and_error(&squares);
        close(&format!("{n} {d} {u}: by counting"), mean, counted, 4.0 * error);
        if n % d == 0 || u == d {
            // Evenly spread: every unit lies in n u/d blocks.
            let (n, d, u) = (n as f64, d as f64, u as f64);
            close("closed form", (n - d / u) / (n - 1.0) / d, counted, 1e-12);
            assert!(error < 0.01 * mean);
        }
    }
}

// §7.4, V04: bipolar codes, 27 candidates, against the integral of Frady, Kleyko & Sommer (2018). 20,000 trials have a standard error of at most 0.0035, and the
// normal form is right to 0.006 from 256 units on: 0.01, as published figures are read.
#[test]
fn theory_v04_retrieval_from_a_sum_of_signs() {
    let sums = |width| {
        format!(
            "name = \"t\"\nseed = 20\n[concepts]\ncount = 1000\n[[tiers]]\nname = \"signs\"\nd_model = {width}\n\
        embedding.fully_distributed = {{ entries = \"rademacher\" }}\n[measure.bundling]\nitems = [10, 25, 50]\ntrials = 20000\n"
        )
    };
    // The integral itself to 30 digits by mpmath.
    for (width, integrals) in [
        (256, [0.9973491203265823, 0.8653114286256252, 0.6028009185562769]),
        (512, [0.9999973233954563, 0.9883297883239408, 0.8633891036234719]),
    ] {
        let e = run(here(), &sums(width));
        for (items, integral) in [10, 25, 50].into_iter().zip(integrals) {
            let (accuracy, theory) = (
                e.number("signs", &format!("bundling_accuracy_{items}")),
                e.number("signs", &format!("bundling_theory_{items}")),
            );
            close(&format!("{width} units, {items} items"), accuracy, theory, 0.01);
            close("the integral", theory, integral, 1e-12);
            let (auc, theory) = (
                e.number("signs", &format!("bundling_auc_{items}")),
                e.number("signs", &format!("bundling_auc_theory_{items}")),
            );
            close(&format!("{width} units, {items} items: area"), auc, theory, 0.005);
        }
    }
}

#[test]
fn theory_signs_have_the_mean_square_of_random_directions() {
    // Independent signs: E c² = Var(Σ ±1)/d² = 1/d, E c⁴ = (3 − 2/d)/d², both exact.
    let e = tiers(300, 96, 40, &["overlap", "sparsity"], &[("s", "fully_distributed = { entries = \"rademacher\" }")]);
    let d = 96.0;
    expect("E c²", &e.numbers("s", "mean_square_cosine"), 1.0 / d);
    expect("E c⁴", &fourth_moments(&e, "s"), (3.0 - 2.0 / d) / (d * d));
    // P(c = 0) = C(96, 48)/2⁹⁶, as a product of (2k − 1)/(2k).
    let central: f64 = (1..=48).map(|k| f64::from(2 * k - 1) / f64::from(2 * k)).product();
    expect("P(c = 0)", &e.numbers("s", "zero_fraction"), central);
    for (column, expected) in [("hoyer", 0.0), ("treves_rolls", 0.0), ("gini", 0.0), ("active_units_fraction", 1.0)] {
        close(column, e.number("s", column), expected, 1e-12);
    }
    close("every unit serves all", e.number("s", "polysemanticity"), 300.0, 1e-9);
}

// §13.2: entries with a mean. E c = (E x)²/E x² = 3/4, to second order 3/4 · (1 + 1/(10 d)): with f = Σx/√Σx², E c = (E f)²/d,
// and E f/f₀ = 1 − Cov(x, x²)/(2 E x E x² d) + 3 Var(x²)/(8 (E x²)² d) = 1 − 1/(4d) + 3/(10 d).
#[test]
fn theory_the_uniform_code_is_biased_until_it_is_centred() {
    let (n, d) = (300, 400);
    let e = tiers(n, d, 40, &["overlap"], &[("u", "fully_distributed = { entries = \"uniform\" }")]);
    let (n, d) = (n as f64, d as f64);
    expect("E c", &e.numbers("u", "mean_cosine"), 0.75 * (1.0 + 0.1 / d));
    // The centred vectors add up to zero, which correlates any two by ρ = −1/(n − 1): E c² = 1/d + ρ² and E c = ρ, to first order in 1/d and ρ².
    let rho = -1.0 / (n - 1.0);
    expect("centred E c²", &e.numbers("u", "centred_mean_square_cosine"), 1.0 / d + rho * rho);
    let (mean, error) = mean_and_error(&e.numbers("u", "centred_mean_cosine"));
    close("centred E c", mean, rho, 4.0 * error + rho.abs() / d);
}

#[test]
fn theory_localized_concepts_have_exact_values() {
    for (n, d, units) in [(50usize, 40usize, 1usize), (50, 40, 4), (50, 43, 4), (5, 40, 4), (30, 9, 1)] {
        let measures = ["overlap", "spectrum", "sparsity", "dimensionality"];
        let e = tiers(n, d, 1, &measures, &[("l", &format!("localized = {{ units = {units} }}"))]);
        let m = (d / units).min(n) as f64;
        let (n, d, u) = (n as f64, d as f64, units as f64);
        let status = e.cells("l", "status")[0];
        assert_eq!(*status, Value::Text("undefined: excess_kurtosis_cosine".into()));
        assert_eq!(*e.cells("l", "excess_kurtosis_cosine")[0], Value::Undefined);
        assert_eq!(*e.cells("l", "n_pairs")[0], Value::Whole((m * (m - 1.0) / 2.0) as u64));
        for (column, expected) in [
            ("represented_fraction", m / n),
            ("mean_cosine", 0.0),
            ("mean_abs_cosine", 0.0),
            ("mean_square_cosine", 0.0),
            ("coherence", 0.0),
            ("zero_fraction", 1.0),
            ("abs_cosine_p50", 0.0),
            ("abs_cosine_p999", 0.0),
            ("welch_bound", 0.0),
            ("zero_units_fraction", (d - u) / d),
            ("features_per_dimension", m / d),
        ] {
            assert_eq!(e.number("l", column), expected, "{column} with {units} units");
        }
        // What remains has the rounding of f64, and that of an f32 entry 1/√u, which is below 2⁻²⁴ of it and counts up to four times.
        let tolerance = if units == 1 { 1e-13 } else { 2.4e-7 };
        for (column, expected) in [
            ("hoyer", (d.sqrt() - u.sqrt()) / (d.sqrt() - 1.0)),
            ("treves_rolls", (1.0 - u / d) / (1.0 - 1.0 / d)),
            ("gini", 1.0 - u / d),
            ("active_units_fraction", u / d),
            ("polysemanticity", 1.0),
            // Centred, m axes are a regular simplex.
            ("centred_mean_cosine", -1.0 / (m - 1.0)),
            ("centred_mean_square_cosine", (m - 1.0).powi(-2)),
            ("participation_ratio", m - 1.0),
            ("effective_rank", m - 1.0),
            ("stable_rank", m - 1.0),
            ("d_star", d / m),
            ("mean_feature_dimensionality", 1.0),
            ("sum_feature_dimensionality", m),
        ] {
            close(
                &format!("{column} with {units} units"),
                e.number("l", column),
                expected,
                tolerance * expected.abs().max(1.0),
            );
        }
    }
}

// Elhage et al. (2022): the sticky values of Dᵢ, in three dimensions and on planes that do not touch.
#[test]
fn theory_feature_dimensionality_of_polytopes() {
    let axis = |d: usize, k: usize, size: f64| (0..d).map(|j| if j == k { size } else { 0.0 }).collect::<Vec<f64>>();
    // Antipodal pairs of different lengths: D = 1/2 as long as the two of a pair are equally long.
    let pairs: Vec<_> =
        (0..7).flat_map(|k| [1.0, -1.0].map(|sign| axis(7, k, sign * (0.6 + 0.1 * k as f64)))).collect();
    let e = vectors(&pairs);
    close("antipodal pairs", e.number("v", "mean_feature_dimensionality"), 0.5, 1e-6);
    close("antipodal pairs", e.number("v", "sum_feature_dimensionality"), 7.0, 1e-5);
    assert_eq!((e.number("v", "coherence"), e.number("v", "features_per_dimension")), (1.0, 2.0));
    close("antipodal pairs", e.number("v", "mean_cosine"), -7.0 / 91.0, 1e-6);
    // λ of ±a e_k is ∝ a².
    let lambda: Vec<f64> = (0..7).map(|k| (0.6 + 0.1 * f64::from(k)).powi(2)).collect();
    let (sum, square) = (lambda.iter().sum::<f64>(), lambda.iter().map(|x| x * x).sum::<f64>());
    close("antipodal pairs", e.number("v", "participation_ratio"), sum * sum / square, 1e-5);
    close("antipodal pairs", e.number("v", "stable_rank"), sum / lambda[6], 1e-5);

    let polygon =
        |m: usize| (0..m).map(|i| TAU * i as f64 / m as f64).map(|a| vec![a.cos(), a.sin()]).collect::<Vec<_>>();
    close("pentagon", vectors(&polygon(5)).number("v", "mean_feature_dimensionality"), 0.4, 1e-6);
    // A square antiprism whose corners are a tight frame: heights ±1/√3, the upper square turned by 45°.
    let antiprism: Vec<_> = (0..8)
        .map(|i| (TAU * (i % 4) as f64 / 4.0 + if i < 4 { 0.0 } else { PI / 4.0 }, if i < 4 { 1.0 } else { -1.0 }))
        .map(|(angle, side)| {
            vec![(2f64 / 3.0).sqrt() * angle.cos(), (2f64 / 3.0).sqrt() * angle.sin(), side / 3f64.sqrt()]
        })
        .collect();
    close("antiprism", vectors(&antiprism).number("v", "mean_feature_dimensionality"), 0.375, 1e-6);
    // A triangle, a pentagon and a lonely axis in spaces of their own: Σ Dᵢ = d, tight on each block though not as a whole.
    let mut blocks: Vec<Vec<f64>> = polygon(3).iter().map(|p| vec![p[0], p[1], 0.0, 0.0, 0.0]).collect();
    blocks.extend(polygon(5).iter().map(|p| vec![0.0, 0.0, 2.0 * p[0], 2.0 * p[1], 0.0]));
    blocks.push(axis(5, 4, 0.3));
    let e = vectors(&blocks);
    close("blocks", e.number("v", "sum_feature_dimensionality"), 5.0, 1e-5);
    close("blocks", e.number("v", "features_per_dimension"), 8.0 / 5.0, 1e-12);
}

/// The q-quantile of |t| of random directions: the density (1 − t²)^((d−3)/2) on [0, 1], summed by the midpoint rule in the angle.
fn beta_quantile(q: f64, d: i32) -> f64 {
    const N_STEPS: usize = 200_000;
    let step = PI / 2.0 / N_STEPS as f64;
    let density = |i: usize| ((i as f64 + 0.5) * step).cos().powi(d - 2);
    let total: f64 = (0..N_STEPS).map(density).sum();
    let mut cumulative = 0.0;
    let i = (0..N_STEPS).find(|&i| {
        cumulative += density(i);
        cumulative >= q * total
    });
    ((i.expect("q is below 1") as f64 + 0.5) * step).sin()
}

#[test]
fn theory_quantiles_of_random_directions_are_those_of_the_beta_distribution() {
    for d in [3, 16, 100, 400] {
        let e = tiers(400, d, 20, &["overlap"], &[("r", "fully_distributed = {}")]);
        for (column, q) in
            [("abs_cosine_p50", 0.5), ("abs_cosine_p90", 0.9), ("abs_cosine_p99", 0.99), ("abs_cosine_p999", 0.999)]
        {
            let expected = beta_quantile(q, d as i32);
            let (mean, error) = mean_and_error(&e.numbers("r", column));
            // A bin's middle is within 0.4 % of its values; the rest of 0.5 % is the step of the sum above.
            close(&format!("{column} at d = {d}"), mean, expected, 0.005 * expected + 4.0 * error);
        }
    }
    // d = 3: |t| is uniform on [0, 1] (Archimedes).
    close("Archimedes", beta_quantile(0.9, 3), 0.9, 1e-4);
}

// scenarios/vectors.npy: 96 words × 384 units. Worked out with numpy 2.4.6 alone, in f64: cosines from normalised rows, singular values by
// numpy.linalg.svd of the centred matrix (95 above rounding), Hoyer and Gini from their definitions. f32 dot products leave about 1e-7.
#[test]
fn theory_real_vectors_agree_with_numpy() {
    let folder = here().join("scenarios");
    let text = std::fs::read_to_string(folder.join("vectors.toml")).expect("the scenario is there");
    let e = run(&folder, &text);
    for (column, expected) in [
        ("n_concepts", 96.0),
        ("d_model", 384.0),
        ("mean_cosine", 0.27837925027514),
        ("mean_square_cosine", 0.0849041823616057),
        ("coherence", 0.823248256543231),
        ("centred_mean_cosine", -0.0104902673531447),
        ("centred_mean_square_cosine", 0.0119776319485204),
        ("participation_ratio", 45.5070637740844),
        ("effective_rank", 84.7866670528116),
        ("stable_rank", 15.0588141596961),
        ("hoyer", 0.232103351882593),
        ("gini", 0.426535680689404),
    ] {
        close(column, e.number("words", column), expected, 1e-6 * expected.abs());
    }
}

/// The columns that are sums over pairs or spectra, from their definitions in f64, with the whole Gram matrix and the singular values.
fn by_definition(w: &DMatrix<f64>) -> Vec<(&'static str, f64)> {
    let cosines = |w: &DMatrix<f64>| {
        let mut units = w.clone();
        units.column_iter_mut().for_each(|mut column| column /= column.norm());
        let gram = units.transpose() * &units;
        (0..gram.ncols()).flat_map(|i| (0..i).map(move |j| (i, j))).map(|pair| gram[pair]).collect::<Vec<f64>>()
    };
    let mean = |numbers: &[f64], of: fn(f64) -> f64| numbers.iter().map(|&x| of(x)).sum::<f64>() / numbers.len() as f64;
    let mut centred = w.clone();
    centred.column_iter_mut().for_each(|mut column| column -= &w.column_mean());
    let (raw, about) = (cosines(w), cosines(&centred));
    let sigma = centred.singular_values();
    let (sum, square) = (sigma.sum(), sigma.norm_squared());
    let parts = sigma.iter().filter(|&&s| s > 1e-9 * sigma.max()).map(|s| s / sum);
    let gram = w.transpose() * w;
    let dimensionality = (0..gram.ncols()).map(|i| gram[(i, i)].powi(2) / gram.column(i).norm_squared());
    vec![
        ("mean_cosine", mean(&raw, |c| c)),
        ("mean_abs_cosine", mean(&raw, f64::abs)),
        ("mean_square_cosine", mean(&raw, |c| c * c)),
        ("coherence", raw.iter().fold(0.0, |most, c| c.abs().max(most))),
        ("centred_mean_cosine", mean(&about, |c| c)),
        ("centred_mean_square_cosine", mean(&about, |c| c * c)),
        ("participation_ratio", square * square / sigma.map(|s| s.powi(4)).sum()),
        ("effective_rank", parts.map(|p| -p * p.ln()).sum::<f64>().exp()),
        ("stable_rank", square / sigma.max().powi(2)),
        ("d_star", w.nrows() as f64 / w.norm_squared()),
        ("sum_feature_dimensionality", dimensionality.sum()),
    ]
}

// Difficult embeddings against the definitions: any mean vector, short or long beside the vectors about it, and very different lengths.
#[test]
fn theory_difficult_embeddings_agree_with_the_definitions() {
    let mut rng = Stream::from_seed(9).rng();
    let mut normal = |n, d| DMatrix::<f64>::from_fn(d, n, |_, _| StandardNormal.sample(&mut rng));
    let (few, many, pole) = (normal(50, 12), normal(60, 300), normal(2, 12));
    let mut embeddings = Vec::new();
    // The centred sums change from one pass to two between means of 5 and 6.
    for mean in [0.0, 1.0, 3.0, 5.0, 6.0, 30.0, 1e3, 1e5] {
        embeddings.push((format!("50 × 12 about {mean}"), few.add_scalar(mean)));
        embeddings.push((format!("60 × 300 about {mean}"), many.add_scalar(mean)));
    }
    for exponent in [-18i32, -3, 3, 18] {
        let mut one = few.scale(if exponent.abs() > 3 { 10f64.powi(-exponent / 2) } else { 1.0 });
        one.column_mut(7).scale_mut(10f64.powi(exponent));
        embeddings.push((format!("one 1e{exponent} as long"), one));
    }
    let lengths = DMatrix::from_fn(12, 50, |k, i| few[(k, i)] * 10f64.powi(i as i32 % 21 - 10));
    embeddings.push(("lengths from 1e-10 to 1e10".into(), lengths));
    for radius in [0.1, 1e-3, 1e-5] {
        let cluster = |k, i| match i {
            0 => pole[(k, 0)] + 10.0 * pole[(k, 1)],
            1 => pole[(k, 0)] - 10.0 * pole[(k, 1)],
            _ => pole[(k, 0)] + radius * few[(k, i)],
        };
        embeddings.push((format!("a cluster of {radius} and two outliers"), DMatrix::from_fn(12, 50, cluster)));
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, w) in embeddings {
        // The engine rounds a file to f32; the definitions see the same numbers.
        let stored = w.map(|x| f64::from(x as f32));
        let rows: Vec<Vec<f64>> = stored.column_iter().map(|column| column.iter().copied().collect()).collect();
        let e = vectors_in(folder.path(), &rows);
        for (column, expected) in by_definition(&stored) {
            // f32 dot products leave 1e-7 of |wᵢ||wⱼ|; one pass loses at most a factor of 33 where the mean is long.
            close(&format!("{column} of {name}"), e.number("v", column), expected, 4e-6 * expected.abs().max(1.0));
        }
    }
}
