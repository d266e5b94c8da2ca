//! The parity network: one hidden layer that looks up its input, with its gradient.

use super::examples::{Examples, Tasks};
use crate::geometry::kernel::Kernel;
use crate::geometry::kernel::lanes::{Chunk, LANES, Lanes, Task, run};

/// Examples that go forward together before they go back, so that their hidden units stay in the first cache.
const BLOCK: usize = 32;

/// Nats by which an answer may be right before it is passed by: it would push with less than 1e-13 of the force of a wrong one, which is below the
/// rounding of their sum, and further on with numbers that are too small for the processor's fast ways.
const CERTAIN: f32 = 30.0;

/// z = u · ReLU(eᵢ + Σ v_b over the bits that are set + c) + a: how much more odd than even is believed, in nats.
///
/// The rows eᵢ (n of them), v_b, c and u of d entries follow each other in `weights`, then a; the same in `gradient`.
///
/// An input is one task and a few bits out of two values, so what the first layer makes of it is a sum of table rows: that of the task, and one for
/// every six bits, of the 64 that these can be. The gradient goes the same way back, from rows to bits. That takes a sixth of the products, no
/// multiplication, and the same bits whatever the width of a register.
pub struct Network {
    pub weights: Vec<f32>,
    pub gradient: Vec<f32>,
    /// Cross entropy of each example of the last pass, in nats.
    pub losses: Vec<f32>,
    d_model: usize,
    /// Rows of `n_chunks` lanes: the tasks, then the patterns of each group.
    table: Vec<Chunk>,
    /// The gradient of each row of the table.
    table_gradient: Vec<Chunk>,
    readout: Vec<Chunk>,
    readout_gradient: Vec<Chunk>,
    hidden: Vec<Chunk>,
    n_chunks: usize,
}

impl Network {
    /// A network of these weights.
    pub fn new(d_model: usize, tasks: &Tasks, n_bits: usize, weights: Vec<f32>) -> Self {
        assert_eq!(weights.len(), Self::n_weights(d_model, tasks.len(), n_bits));
        let n_chunks = d_model.div_ceil(LANES);
        let rows = |n: usize| vec![Chunk::ZERO; n * n_chunks];
        let n_rows = tasks.group(tasks.n_lookups() - 1).0.start;
        Self {
            gradient: vec![0.0; weights.len()],
            losses: Vec::new(),
            weights,
            d_model,
            table: rows(n_rows),
            table_gradient: rows(n_rows),
            readout: rows(1),
            readout_gradient: rows(1),
            hidden: rows(BLOCK),
            n_chunks,
        }
    }

    /// (n + bits + 2) d + 1.
    pub fn n_weights(d_model: usize, n_tasks: usize, n_bits: usize) -> usize {
        (n_tasks + n_bits + 2) * d_model + 1
    }

    /// The loss of each example, and the gradient of their mean.
    pub fn learn(&mut self, tasks: &Tasks, examples: &Examples, kernel: Kernel) {
        self.spread(tasks);
        self.table_gradient.fill(Chunk::ZERO);
        self.readout_gradient.fill(Chunk::ZERO);
        let bias = run(kernel, Pass { network: self, tasks, examples, learns: true });
        self.gather(tasks, bias);
    }

    /// The loss of each example.
    pub fn judge(&mut self, tasks: &Tasks, examples: &Examples, kernel: Kernel) {
        self.spread(tasks);
        run(kernel, Pass { network: self, tasks, examples, learns: false });
    }

    /// From the weights to the rows of the table. The bias is in those of the tasks.
    fn spread(&mut self, tasks: &Tasks) {
        let (d, n, n_chunks) = (self.d_model, tasks.len(), self.n_chunks);
        let (of_tasks, rest) = self.weights.split_at(n * d);
        let (of_bits, rest) = rest.split_at(rest.len() - 1 - 2 * d);
        let (bias, readout) = rest.split_at(d);
        for (row, of_task) in self.table.chunks_exact_mut(n_chunks).zip(of_tasks.chunks_exact(d)) {
            for (lanes, (of_task, bias)) in row.iter_mut().zip(of_task.chunks(LANES).zip(bias.chunks(LANES))) {
                for (entry, (of_task, bias)) in lanes.0.iter_mut().zip(of_task.iter().zip(bias)) {
                    *entry = of_task + bias;
                }
            }
        }
        for group in 0..tasks.n_lookups() - 1 {
            let (of_group, bits) = tasks.group(group);
            // Row 0, of no bits, stays zero; each further row is an earlier one with its lowest bit added.
            for pattern in 1..1_usize << bits.len() {
                let without = (of_group.start + (pattern & (pattern - 1))) * n_chunks;
                let of_bit = &of_bits[(bits.start + pattern.trailing_zeros() as usize) * d..][..d];
                let (before, row) = self.table.split_at_mut((of_group.start + pattern) * n_chunks);
                for ((lanes, before), of_bit) in row.iter_mut().zip(&before[without..]).zip(of_bit.chunks(LANES)) {
                    for ((entry, before), of_bit) in lanes.0.iter_mut().zip(&before.0).zip(of_bit) {
                        *entry = before + of_bit;
                    }
                }
            }
        }
        for (lanes, readout) in self.readout.iter_mut().zip(readout[..d].chunks(LANES)) {
            lanes.0[..readout.len()].copy_from_slice(readout);
        }
    }

    /// From the gradient of the rows to that of the weights.
    fn gather(&mut self, tasks: &Tasks, bias: f32) {
        let (d, n, n_chunks) = (self.d_model, tasks.len(), self.n_chunks);
        let row = |row: usize| &self.table_gradient[row * n_chunks..][..n_chunks];
        self.gradient.fill(0.0);
        let (of_tasks, rest) = self.gradient.split_at_mut(n * d);
        let (of_bits, rest) = rest.split_at_mut(rest.len() - 1 - 2 * d);
        let (of_bias, of_readout) = rest.split_at_mut(d);
        for (task, of_task) in of_tasks.chunks_exact_mut(d).enumerate() {
            add(row(task), of_task);
            add(row(task), of_bias);
        }
        for group in 0..tasks.n_lookups() - 1 {
            let (of_group, bits) = tasks.group(group);
            for (position, bit) in bits.clone().enumerate() {
                let of_bit = &mut of_bits[bit * d..][..d];
                for pattern in (0..1_usize << bits.len()).filter(|pattern| pattern >> position & 1 == 1) {
                    add(row(of_group.start + pattern), of_bit);
                }
            }
        }
        add(&self.readout_gradient, &mut of_readout[..d]);
        of_readout[d] = bias;
    }
}

/// Adds a row of lanes to as many numbers.
fn add(row: &[Chunk], numbers: &mut [f32]) {
    for (numbers, lanes) in numbers.chunks_mut(LANES).zip(row) {
        for (number, lane) in numbers.iter_mut().zip(&lanes.0) {
            *number += lane;
        }
    }
}

/// All examples forward and, to learn, back to the rows that they looked up.
struct Pass<'a> {
    network: &'a mut Network,
    tasks: &'a Tasks,
    examples: &'a Examples,
    learns: bool,
}

impl Task for Pass<'_> {
    type Output = f32;

    /// Fills in the losses, and adds to the gradients of rows and readout; returns that of the last bias.
    ///
    /// Products and sums are rounded one by one, over 16 lanes.
    #[inline(always)]
    fn run<L: Lanes, const R: usize>(self) -> f32 {
        let network = self.network;
        let n_lookups = self.tasks.n_lookups();
        let n_chunks = network.n_chunks;
        let Network { table, table_gradient, readout, readout_gradient, hidden, losses, weights, .. } = network;
        let last = weights[weights.len() - 1];
        let share = 1.0 / self.examples.odd.len() as f32;
        losses.clear();
        let mut bias = 0.0;
        for (rows, odd) in self.examples.rows.chunks(BLOCK * n_lookups).zip(self.examples.odd.chunks(BLOCK)) {
            let mut pushes = [0.0_f32; BLOCK];
            for (example, rows) in rows.chunks_exact(n_lookups).enumerate() {
                let hidden = &mut hidden[example * n_chunks..][..n_chunks];
                let mut sums = L::splat(0.0);
                for (chunk, (hidden, readout)) in hidden.iter_mut().zip(&*readout).enumerate() {
                    let row = |&row: &u32| L::load(&table[row as usize * n_chunks + chunk]);
                    let units = rows.iter().map(row).fold(L::splat(0.0), L::plus);
                    let units = units.only(units.positive());
                    units.store(hidden);
                    sums = sums.plus(units.times(L::load(readout)));
                }
                let mut total = Chunk::ZERO;
                sums.store(&mut total);
                pushes[example] = total.total() + last;
            }
            for (push, &odd) in pushes.iter_mut().zip(odd) {
                let margin = if odd { *push } else { -*push };
                let small = libm::expf(-margin.abs());
                losses.push((-margin).max(0.0) + libm::log1pf(small));
                // The probability of the wrong answer: minus the slope of the loss in the margin.
                let wrong = if margin > 0.0 { small / (1.0 + small) } else { 1.0 / (1.0 + small) };
                *push = match margin > CERTAIN {
                    true => 0.0,
                    false => share * if odd { -wrong } else { wrong },
                };
            }
            if !self.learns {
                continue;
            }
            for (example, rows) in rows.chunks_exact(n_lookups).enumerate() {
                let push = pushes[example];
                if push == 0.0 {
                    continue;
                }
                bias += push;
                let push = L::splat(push);
                let hidden = &hidden[example * n_chunks..][..n_chunks];
                for (chunk, (units, readout)) in hidden.iter().zip(&*readout).enumerate() {
                    let units = L::load(units);
                    let of_readout = &mut readout_gradient[chunk];
                    L::load(of_readout).plus(push.times(units)).store(of_readout);
                    let slope = push.times(L::load(readout)).only(units.positive());
                    for &row in rows {
                        let row = &mut table_gradient[row as usize * n_chunks + chunk];
                        L::load(row).plus(slope).store(row);
                    }
                }
            }
        }
        bias
    }
}

#[cfg(test)]
mod tests {
    use rand::RngExt;

    use super::*;
    use crate::seed::Stream;
    use crate::training::parity::examples::GROUP;

    const N_BITS: usize = 9;

    /// Hidden units: one, one less than lanes and one more, fewer than the 5 tasks and more.
    const WIDTHS: [usize; 5] = [1, 3, 15, 17, 40];

    /// A network of so many hidden units for 5 tasks, and 100 examples.
    fn network(d: usize) -> (Network, Tasks, Examples) {
        let tasks = Tasks::new(5, N_BITS, 2, 1.4, &Stream::from_seed(1));
        let mut rng = Stream::from_seed(2).rng();
        let weights = (0..Network::n_weights(d, 5, N_BITS)).map(|_| rng.random::<f32>() - 0.5).collect();
        let mut examples = Examples::default();
        tasks.draw(100, &mut rng, &mut examples);
        (Network::new(d, &tasks, N_BITS, weights), tasks, examples)
    }

    /// The mean loss in f64, from the definition: with an input of n + bits entries, all of them multiplied.
    fn mean_loss(d: usize, weights: &[f64], tasks: &Tasks, examples: &Examples) -> f64 {
        let n = tasks.len();
        let row = |index: usize| &weights[index * d..][..d];
        let losses = examples.rows.chunks(tasks.n_lookups()).zip(&examples.odd).map(|(rows, &odd)| {
            let is_one =
                |bit: usize| (rows[1 + bit / GROUP] as usize - tasks.group(bit / GROUP).0.start) >> (bit % GROUP) & 1;
            let input: Vec<f64> = (0..n)
                .map(|task| f64::from(u8::from(task == rows[0] as usize)))
                .chain((0..N_BITS).map(|bit| is_one(bit) as f64))
                .collect();
            let unit = |j: usize| (0..n + N_BITS).map(|i| input[i] * row(i)[j]).sum::<f64>() + row(n + N_BITS)[j];
            let z = (0..d).map(|j| unit(j).max(0.0) * row(n + N_BITS + 1)[j]).sum::<f64>() + weights[weights.len() - 1];
            (1.0 + (if odd { -z } else { z }).exp()).ln()
        });
        losses.sum::<f64>() / examples.odd.len() as f64
    }

    #[test]
    fn theory_loss_and_gradient_agree_with_central_differences_of_the_definition() {
        for d in WIDTHS {
            let (mut network, tasks, examples) = network(d);
            network.learn(&tasks, &examples, Kernel::best());
            let mut weights: Vec<f64> = network.weights.iter().map(|&w| f64::from(w)).collect();
            let mean = network.losses.iter().map(|&loss| f64::from(loss)).sum::<f64>() / 100.0;
            // Some twenty roundings of single precision.
            assert!((mean - mean_loss(d, &weights, &tasks, &examples)).abs() < 2e-6);
            let h = 1e-6;
            for i in 0..weights.len() {
                let w = weights[i];
                let mut at = |shifted: f64| {
                    weights[i] = shifted;
                    mean_loss(d, &weights, &tasks, &examples)
                };
                let slope = (at(w + h) - at(w - h)) / (2.0 * h);
                weights[i] = w;
                // No unit of these examples is within h of its kink; entries are below 0.3, with a rounding of each of 100 terms.
                let found = f64::from(network.gradient[i]);
                assert!((found - slope).abs() < 1e-6, "{d}: {i}: {found} against {slope}");
            }
        }
    }

    #[test]
    fn law_every_kernel_gives_the_same_bits() {
        let run = |kernel| {
            let (mut network, tasks, examples) = network(20);
            network.learn(&tasks, &examples, kernel);
            let numbers: Vec<u32> = network.losses.iter().chain(&network.gradient).map(|x| x.to_bits()).collect();
            network.judge(&tasks, &examples, kernel);
            (numbers, network.losses)
        };
        let plain = run(Kernel::Scalar);
        for kernel in Kernel::available() {
            assert_eq!(run(kernel), plain, "{kernel}");
        }
        assert!(
            plain.0.iter().zip(&plain.1).all(|(&a, b)| a == b.to_bits()),
            "to judge is to learn without a gradient"
        );
    }
}
