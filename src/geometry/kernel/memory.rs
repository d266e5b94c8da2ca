//! Memory that is filled by all threads, the first touch of every page included.

use std::mem::MaybeUninit;
use std::ops::{Deref, DerefMut};

use rayon::prelude::*;

use super::lanes::{Chunk, LANES};

/// Bytes from which on large pages are asked for.
#[cfg(target_os = "linux")]
const LARGE: usize = 4 << 20;

/// So many parts of `len` ≥ 1 copies of a value each, every part then changed by a function of its number; with `parallel` shared out in the current rayon pool.
///
/// The system gives memory when it is touched, which by small pages takes as long as drawing the numbers that go there: Linux is asked for large ones.
pub fn filled<T: Copy + Send + Sync>(
    value: T,
    n_parts: usize,
    len: usize,
    parallel: bool,
    change: impl Fn(usize, &mut [T]) + Sync,
) -> Vec<T> {
    let total = n_parts * len;
    let mut filled = Vec::with_capacity(total);
    let room = &mut filled.spare_capacity_mut()[..total];
    ask_for_large_pages(room);
    let one = |(part_idx, part): (usize, &mut [MaybeUninit<T>])| {
        for place in part.iter_mut() {
            place.write(value);
        }
        // SAFETY: every place of this part was written to just now.
        change(part_idx, unsafe { &mut *(std::ptr::from_mut(part) as *mut [T]) });
    };
    if parallel {
        room.par_chunks_mut(len).enumerate().for_each(one);
    } else {
        room.chunks_mut(len).enumerate().for_each(one);
    }
    // SAFETY: the parts are all places up to here, and each was written to.
    unsafe { filled.set_len(total) };
    filled
}

/// What the system says to it changes nothing but time.
fn ask_for_large_pages<T>(room: &mut [MaybeUninit<T>]) {
    #[cfg(target_os = "linux")]
    if size_of_val(room) >= LARGE {
        let start = room.as_mut_ptr().cast::<u8>();
        let skipped = start.align_offset(4096);
        // SAFETY: these pages lie within memory that is ours, and the advice leaves their content as it is.
        let _ = unsafe {
            rustix::mm::madvise(
                start.add(skipped).cast(),
                size_of_val(room) - skipped,
                rustix::mm::Advice::LinuxHugepage,
            )
        };
    }
    #[cfg(not(target_os = "linux"))]
    let _ = room;
}

/// Numbers that begin on a cache line, so that no register is loaded from two.
#[derive(Clone, Debug)]
pub struct Aligned {
    chunks: Vec<Chunk>,
    len: usize,
}

impl Aligned {
    /// Zeros.
    pub fn zeros(len: usize) -> Self {
        Self { chunks: vec![Chunk::ZERO; len.div_ceil(LANES)], len }
    }
}

impl Deref for Aligned {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        // SAFETY: a chunk is sixteen numbers, laid out as C does and of its own alignment, and there are chunks for all.
        unsafe { std::slice::from_raw_parts(self.chunks.as_ptr().cast(), self.len) }
    }
}

impl DerefMut for Aligned {
    fn deref_mut(&mut self) -> &mut [f32] {
        // SAFETY: as above.
        unsafe { std::slice::from_raw_parts_mut(self.chunks.as_mut_ptr().cast(), self.len) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn law_every_part_is_there_in_its_place() {
        for (n_parts, len) in [(0, 3), (1, 1), (7, 5), (300, 70_000)] {
            for parallel in [false, true] {
                let found = filled(2_u32, n_parts, len, parallel, |part_idx, part| part[len - 1] = part_idx as u32);
                let expected = |at: usize| if at % len == len - 1 { (at / len) as u32 } else { 2 };
                assert_eq!(found.len(), n_parts * len);
                assert!(found.iter().enumerate().all(|(at, &entry)| entry == expected(at)));
            }
        }
    }

    #[test]
    fn law_aligned_numbers_begin_on_a_cache_line_and_are_all_there() {
        for len in [0, 1, 16, 17, 1000] {
            let mut numbers = Aligned::zeros(len);
            assert_eq!((numbers.len(), numbers.as_ptr() as usize % 64), (len, 0));
            numbers.iter_mut().enumerate().for_each(|(idx, number)| *number = idx as f32);
            assert!(numbers.iter().enumerate().all(|(idx, &number)| number == idx as f32));
        }
    }
}
