use super::*;
use crate::geometry::kernel::Kernel;
use crate::geometry::kernel::lanes::run;
use crate::seed::Stream;
use crate::training::features::Features;

/// Concepts that are active on average in the examples, or four fifths of all if they are fewer.
const ACTIVE: f64 = 8.0;

/// Narrow ones and wide ones, with d = 1, d > n, one to five chunks of units, and remainders of all kinds; each as it is, and through pairs.
fn shapes() -> Vec<Shape> {
    let narrow = [(1, 1), (2, 1), (7, 3), (20, 5), (16, 16), (40, 17), (5, 9), (3, 70), (100, 20), (90, 17)];
    let wide = [(2100, 1), (150, 16), (90, 30), (24, 24), (53, 40), (70, 64), (33, 70)];
    let mut shapes = Vec::new();
    for (n, d) in narrow.into_iter().chain(wide) {
        for is_relu in [true, false] {
            let importance: Vec<f64> = (0..n).map(|i| libm::pow(0.99, f64::from(i))).collect();
            let size = Size { n_concepts: n as usize, d_model: d };
            let load = Load { samples: 150.0, active: ACTIVE };
            let shape = Shape::new(size, is_relu, &importance, Decay::Plain(0.0), load);
            shapes.extend([false, true].map(|is_paired| Shape { is_paired, ..shape.clone() }));
        }
    }
    assert!(shapes.iter().filter(|shape| shape.is_narrow()).count() == 4 * narrow.len());
    shapes
}

/// 150 samples: for a narrow shape more than two groups of them, the last one not full.
fn example(shape: &Shape) -> (Weights, Batch) {
    let mut rng = Stream::from_seed(3).rng();
    let mut batch = Batch::default();
    let density = (ACTIVE / shape.n as f64).clamp(0.02, 0.8);
    Features::new(vec![density; shape.n], 1.0).draw(&mut rng, 150, Kernel::best(), &mut batch);
    (shape.draw(&mut rng, 0.5, 0.2), batch)
}

/// Σ over samples of Σᵢ Iᵢ(x̂ᵢ − xᵢ)²/2, from the formula, in double precision.
fn reference(shape: &Shape, state: &[f64], batch: &Batch) -> f64 {
    let (columns, bias) = state.split_at(shape.n * shape.d);
    let mut loss = 0.0;
    for row in 0..batch.n_samples {
        let mut x = vec![0.0; shape.n];
        if row < batch.ends.len() {
            let (concepts, values) = batch.sample(row);
            concepts.iter().zip(values).for_each(|(&i, &v)| x[i as usize] = f64::from(v));
        }
        let h: Vec<f64> = (0..shape.d).map(|k| (0..shape.n).map(|i| columns[i * shape.d + k] * x[i]).sum()).collect();
        for i in 0..shape.n {
            let z = bias[i] + (0..shape.d).map(|k| columns[i * shape.d + k] * h[k]).sum::<f64>();
            let answer = if shape.is_relu { z.max(0.0) } else { z };
            loss += f64::from(shape.importance[i / LANES].0[i % LANES]) * (answer - x[i]).powi(2) / 2.0;
        }
    }
    loss
}

#[test]
fn theory_the_gradient_is_that_of_central_differences() {
    for shape in shapes() {
        let (weights, batch) = example(&shape);
        let mut bench = shape.bench();
        bench.learn_from(&shape, &batch);
        Gradient { shape: &shape, weights: &weights, batch: &batch, scale: 1.0, bench: &mut bench }.put(Kernel::best());
        let mut found = shape.gather(&bench.gradient);
        found.extend(bench.bias_gradient.iter().flat_map(|chunk| chunk.0).take(shape.n));
        let state: Vec<f64> = shape.state(&weights).into_iter().map(f64::from).collect();
        let step = 1e-5;
        let largest = found.iter().fold(0.0f32, |most, x| most.max(x.abs()));
        for index in (0..state.len()).step_by(1 + state.len() / 100) {
            let at = |shift: f64| {
                let mut state = state.clone();
                state[index] += shift;
                reference(&shape, &state, &batch)
            };
            let slope = (at(step) - at(-step)) / (2.0 * step);
            // Single precision over sums of 150 samples; a kink of the ReLU within the step would be a larger error, and is not there.
            let error = (f64::from(found[index]) - slope).abs();
            assert!(
                error < 2e-5 * f64::from(largest) + 1e-6,
                "{}×{}: {index}: {} against {slope}",
                shape.d,
                shape.n,
                found[index]
            );
        }
    }
}

#[test]
fn theory_the_loss_is_that_of_the_formula() {
    for shape in shapes() {
        let (weights, batch) = example(&shape);
        let mut bench = shape.bench();
        bench.see(&shape, &batch);
        let sums = run(Kernel::best(), Loss { shape: &shape, weights: &weights, batch: &batch, bench: &mut bench });
        let state: Vec<f64> = shape.state(&weights).into_iter().map(f64::from).collect();
        let expected = 2.0 * reference(&shape, &state, &batch);
        assert!((sums.loss.0 - expected).abs() < 1e-5 * expected, "{} against {expected}", sums.loss.0);
        assert!((sums.by_concept.iter().sum::<f64>() - sums.loss.0).abs() < 1e-9 * expected);
        // The squares, sample by sample, and of those without active concepts.
        let mut squares = 0.0;
        for index in 0..batch.ends.len() {
            let (concepts, values) = batch.sample(index);
            let (owners, ends) = (vec![0; concepts.len()], vec![concepts.len() as u32]);
            let alone = Batch { n_samples: 1, ends, owners, concepts: concepts.to_vec(), values: values.to_vec() };
            squares += libm::pow(2.0 * reference(&shape, &state, &alone), 2.0);
        }
        let empty = Batch { n_samples: 1, ..Batch::default() };
        squares += batch.n_empty() as f64 * libm::pow(2.0 * reference(&shape, &state, &empty), 2.0);
        assert!((sums.loss.1 - squares).abs() < 1e-5 * squares, "{} against {squares}", sums.loss.1);
    }
}

#[test]
fn law_every_instruction_set_gives_the_same_bits() {
    for shape in shapes() {
        let (weights, batch) = example(&shape);
        let results: Vec<(State, Sums)> = Kernel::available()
            .map(|kernel| {
                let (mut weights, mut bench) = (weights.clone(), shape.bench());
                bench.learn_from(&shape, &batch);
                for _ in 0..3 {
                    Gradient { shape: &shape, weights: &weights, batch: &batch, scale: 0.1, bench: &mut bench }
                        .put(kernel);
                    let (optimizer, rate) = (Optimizer::Adamw, 0.01);
                    run(kernel, Move { shape: &shape, weights: &mut weights, bench: &bench, optimizer, rate });
                }
                bench.see(&shape, &batch);
                let sums = run(kernel, Loss { shape: &shape, weights: &weights, batch: &batch, bench: &mut bench });
                (shape.state(&weights), sums)
            })
            .collect();
        assert!(results.windows(2).all(|pair| pair[0] == pair[1]), "{} × {}", shape.d, shape.n);
    }
}

#[test]
fn theory_the_signed_decay_pulls_rows_to_length_1() {
    // γ = −1 at the rate 0.1: a row of length 2 becomes 2 + 0.1 · (−1) · 2 · (1 − 1/2) = 1.9, one of length ½ 0.5 − 0.05 · (1 − 2) = 0.55. γ = 0.5: 2 · 0.95.
    for (gamma, before, after) in [(-1.0, 2.0, 1.9), (-1.0, 0.5, 0.55), (0.5, 2.0, 1.9), (0.0, 2.0, 2.0)] {
        for d in [3, NARROW.0 + 1] {
            let size = Size { n_concepts: 1, d_model: d };
            let shape = Shape::new(size, true, &[1.0], Decay::Rows(gamma), Load { samples: 1.0, active: 1.0 });
            let mut state = vec![0.0; d + 1];
            state[2] = before as f32;
            let mut weights = shape.restore(&state);
            pull(&shape, &mut weights.columns, gamma, 0.1);
            assert!((f64::from(shape.state(&weights)[2]) - after).abs() < 1e-6);
        }
    }
}
