//! Kernel: the instruction set that the all-pairs pass runs on, chosen at run time.
//!
//! Every variant gives the same bits: a dot product is one chain of fused multiply-adds in the order of the entries
//! whatever the width of a register, and everything else is written once, over a fixed number of lanes.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
pub(crate) mod lanes;
pub(crate) mod memory;
mod scalar;

use super::histogram::{Bins, Counters, Nonzero};
use super::panels::{Block, PANEL, ROWS, Slice};
use super::reduction::Magnitudes;
use super::signs::SignDots;
use std::fmt;

/// An instruction set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kernel {
    /// 512-bit registers.
    Avx512,
    /// 256-bit registers with fused multiply-add.
    Avx2,
    /// Whatever the compiler makes of plain code; the definition of the numbers.
    Scalar,
}

impl Kernel {
    /// All kernels, fastest first.
    pub const ALL: [Self; 3] = [Self::Avx512, Self::Avx2, Self::Scalar];

    /// The fastest kernel that this processor can run.
    pub fn best() -> Self {
        Self::available().next().expect("plain code runs everywhere")
    }

    /// The kernels that this processor can run, fastest first.
    pub fn available() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|kernel| kernel.is_available())
    }

    /// Whether this processor can run it.
    pub fn is_available(self) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => avx512::is_available(),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => avx2::is_available(),
            #[cfg(not(target_arch = "x86_64"))]
            Self::Avx512 | Self::Avx2 => false,
            Self::Scalar => true,
        }
    }

    /// Its name in a file or on a command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Avx512 => "avx512",
            Self::Avx2 => "avx2",
            Self::Scalar => "scalar",
        }
    }

    /// Runs a task compiled for this instruction set.
    ///
    /// # Panics
    /// If this processor cannot run the kernel.
    pub(super) fn run<T: Task>(self, task: T) -> T::Output {
        assert!(self.is_available(), "this processor cannot run the {self} kernel");
        // SAFETY: the assertion above found the features that the functions are compiled with.
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => unsafe { avx512::run(task) },
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => unsafe { avx2::run(task) },
            _ => task.run(scalar::DOTS),
        }
    }
}

impl fmt::Display for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The bins of a block, and where they are to be counted.
pub(super) type Uncounted<'a> = (&'a Bins, &'a mut Counters);

/// The dot products of blocks of 8 × 48 concepts. Each is one chain `entry.mul_add(entry, sum)` in slice order.
#[derive(Clone, Copy)]
pub(super) struct Dots {
    kernel: Kernel,
    set: fn(&[Slice], usize, &[Slice], &mut Block, bool),
    set_and_count: fn(&[Slice], usize, &[Slice], &mut Block, bool, Uncounted),
    set_of_signs: fn(SignDots),
    magnitudes: fn(Magnitudes),
    nonzero: fn(&Bins, &mut Nonzero) -> usize,
}

impl Dots {
    /// Adds to (`resume`) or sets a block: as many slices of the panel of the rows as of that of the columns, and of the former the 8 concepts from `first` on.
    #[inline(always)]
    pub fn set(self, rows: &[Slice], first: usize, columns: &[Slice], block: &mut Block, resume: bool) {
        (self.set)(rows, first, columns, block, resume);
    }

    /// The same, while the bins of a block before it are counted: one waits for arithmetic, the other for memory.
    #[inline(always)]
    pub fn set_and_count(
        self,
        rows: &[Slice],
        first: usize,
        columns: &[Slice],
        block: &mut Block,
        resume: bool,
        uncounted: Uncounted,
    ) {
        (self.set_and_count)(rows, first, columns, block, resume, uncounted);
    }

    /// Sets a block of vectors of ±1.
    #[inline(always)]
    pub fn set_of_signs(self, signs: SignDots) {
        (self.set_of_signs)(signs);
    }

    /// Writes the bins of a block, and keeps its largest numbers.
    #[inline(always)]
    pub fn magnitudes(self, magnitudes: Magnitudes) {
        (self.magnitudes)(magnitudes);
    }

    /// The bins of a block that are not 0, in order.
    #[inline(always)]
    pub fn nonzero<'a>(self, bins: &Bins, found: &'a mut Nonzero) -> &'a [u16] {
        let n_found = (self.nonzero)(bins, found);
        &found[..n_found]
    }

    /// Runs a task on lanes of the registers of this kernel.
    #[inline(always)]
    pub fn on_lanes<T: lanes::Task>(self, task: T) -> T::Output {
        lanes::run(self.kernel, task)
    }

    /// Runs a task that was compiled as a function of its own: within a larger one the compiler finds no registers for it.
    #[inline(always)]
    pub fn apart<T: Task>(self, task: T) -> T::Output {
        // SAFETY: there are dots of a kernel only where [`Kernel::run`] found its features.
        match self.kernel {
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx512 => unsafe { avx512::run(task) },
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx2 => unsafe { avx2::run(task) },
            _ => task.run(self),
        }
    }
}

/// All numbers of some blocks, one after the other.
pub(super) fn flattened(blocks: &mut [Block]) -> &mut [f32] {
    // SAFETY: a block is laid out as C does, 8 × 48 numbers in 1536 bytes, a multiple of its alignment: nothing lies between two.
    unsafe { std::slice::from_raw_parts_mut(blocks.as_mut_ptr().cast(), blocks.len() * ROWS * PANEL) }
}

/// Plain code to be compiled for each instruction set. `run` must be `#[inline(always)]`, and so must all it calls.
pub(super) trait Task {
    type Output;

    fn run(self, dots: Dots) -> Self::Output;
}

/// What makes the raw reads of a kernel sound: equal lengths, and 8 concepts from `first` inside the panel.
#[inline(always)]
fn check(rows: &[Slice], first: usize, columns: &[Slice]) {
    assert!(rows.len() == columns.len() && first <= PANEL - ROWS);
}

/// Moves the bins of a block that are not 0 together, and says how many they are.
#[inline(always)]
fn nonzero(bins: &Bins, found: &mut Nonzero) -> usize {
    let mut n_found = 0;
    for &bin in bins.as_flattened() {
        found[n_found] = bin;
        n_found += usize::from(bin != 0);
    }
    n_found
}

/// Counts the bins of a block.
#[inline(always)]
fn count((bins, counters): Uncounted) {
    bins.iter().for_each(|bins| counters.count(bins));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn law_the_best_kernel_is_available_and_plain_code_always_is() {
        assert!(Kernel::best().is_available());
        assert!(Kernel::available().any(|kernel| kernel == Kernel::Scalar));
    }

    struct Product<'a>(&'a [Slice], usize, &'a [Slice], usize);

    impl Task for Product<'_> {
        type Output = Block;

        #[inline(always)]
        fn run(self, dots: Dots) -> Block {
            let Self(rows, first, columns, split) = self;
            let mut block = Block([[f32::NAN; PANEL]; ROWS]);
            let mut counters = Counters::new();
            let bins: Bins = std::array::from_fn(|r| std::array::from_fn(|c| (r * c) as u16));
            dots.set(&rows[..split], first, &columns[..split], &mut block, false);
            dots.set_and_count(&rows[split..], first, &columns[split..], &mut block, true, (&bins, &mut counters));
            let mut expected = Counters::new();
            super::count((&bins, &mut expected));
            assert_eq!(counters.histogram(), expected.histogram());
            block
        }
    }

    /// Bits, not values: the chain may be cut anywhere, and -0 and rounding must agree.
    #[test]
    fn theory_a_dot_product_is_one_chain_of_fused_multiply_adds() {
        let entry = |seed: usize| ((seed * 7919 % 1013) as f32 / 506.0 - 1.0) / 3.0;
        for d in [0, 1, 2, 3, 5, 64, 131] {
            let slices = |salt: usize| -> Vec<Slice> {
                (0..d).map(|k| Slice(std::array::from_fn(|c| entry(salt + 48 * k + c)))).collect()
            };
            let (rows, columns) = (slices(1), slices(100_003));
            for (kernel, first) in Kernel::available().flat_map(|k| [0, 8, 40].map(|first| (k, first))) {
                for split in [0, d / 2, d] {
                    let block = kernel.run(Product(&rows, first, &columns, split));
                    for (r, c) in (0..ROWS).flat_map(|r| (0..PANEL).map(move |c| (r, c))) {
                        let chain = rows
                            .iter()
                            .zip(&columns)
                            .fold(0.0_f32, |sum, (row, column)| row.0[first + r].mul_add(column.0[c], sum));
                        assert_eq!(block.0[r][c].to_bits(), chain.to_bits(), "{kernel} d {d} ({r}, {c})");
                    }
                }
            }
        }
    }
}
