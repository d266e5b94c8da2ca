//! Seed → stream → generator: the only place where randomness begins.

use std::io::Write as _;

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng as _, SeedableRng};
use sha2::{Digest, Sha256};

/// The generator of every random number: xoshiro256++ (Blackman & Vigna 2021, ACM TOMS 47), by name and never `StdRng`,
/// whose algorithm may change with a release.
pub type Rng = Xoshiro256PlusPlus;

/// What a stream is named by, hashed: 256 bits.
pub type Key = [u8; 32];

/// Bytes of a hash as people write them.
pub fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A source of randomness that is named by what it is for.
///
/// A stream is the SHA-256 of its name's parts: the seed, then one word after another, each with its length before it so that no two
/// names run together. Two streams with different names are independent; the same name gives the same numbers on every machine,
/// in whatever order, on whatever thread, with whatever else around it.
#[derive(Clone)]
pub struct Stream(Sha256);

impl Stream {
    /// The stream that everything of one scenario descends from.
    pub fn from_seed(seed: u64) -> Self {
        Self(Sha256::new_with_prefix("superpose stream 1")).stream(&seed.to_string())
    }

    /// The stream for one purpose within this one.
    pub fn stream(&self, purpose: &str) -> Self {
        let mut name = self.0.clone();
        name.update((purpose.len() as u64).to_le_bytes());
        name.update(purpose);
        Self(name)
    }

    /// The generator of this stream, at its beginning. About 0.2 µs.
    pub fn rng(&self) -> Rng {
        Rng::from_seed(self.key())
    }

    /// The generator of the stream whose purpose is a number, as `stream(&number.to_string()).rng()`. About 0.1 µs.
    pub fn rng_of(&self, number: usize) -> Rng {
        let mut digits = [0; 20];
        let mut rest = &mut digits[..];
        write!(rest, "{number}").expect("20 digits are room for a number");
        let n_left = rest.len();
        let mut name = self.0.clone();
        name.update(((digits.len() - n_left) as u64).to_le_bytes());
        name.update(&digits[..digits.len() - n_left]);
        Rng::from_seed(name.finalize().into())
    }

    /// The hash of this stream's name: the same list of words gives the same key, and no other list does.
    pub fn key(&self) -> Key {
        self.0.clone().finalize().into()
    }
}

/// Eight generators side by side, for very many numbers: each is the same xoshiro256++, and begins at a state drawn from another generator.
///
/// Nothing but whole numbers: the same on every processor, and eight at a time where registers are wide.
pub struct Octet([[u64; 8]; 4]);

impl Octet {
    /// Eight states drawn from a generator.
    pub fn new(rng: &mut Rng) -> Self {
        let mut state = [[0; 8]; 4];
        state.iter_mut().flatten().for_each(|word| *word = rng.next_u64());
        Self(state)
    }

    /// The next number of each.
    #[inline(always)]
    pub fn words(&mut self) -> [u64; 8] {
        let (mut next, state) = ([0; 8], &mut self.0);
        for lane in 0..8 {
            let (a, b, c, d) = (state[0][lane], state[1][lane], state[2][lane], state[3][lane]);
            next[lane] = a.wrapping_add(d).rotate_left(23).wrapping_add(a);
            let (c, d) = (c ^ a, d ^ b);
            state[0][lane] = a ^ d;
            state[1][lane] = b ^ c;
            state[2][lane] = c ^ (b << 17);
            state[3][lane] = d.rotate_left(45);
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn theory_generator_is_seeded_with_the_hash_of_the_name() {
        // The name spelt out by hand and hashed with an independent tool:
        // printf 'superpose stream 1\1\0\0\0\0\0\0\0007\5\0\0\0\0\0\0\0hello' | sha256sum
        let seed = "0aff2d5215837022fb1e75563f55c19677d9ad6eb9a60cb0218f1a65e4fd5532";
        let bytes: Vec<u8> =
            (0..32).map(|i| u8::from_str_radix(&seed[2 * i..2 * i + 2], 16).expect("hexadecimal")).collect();
        let mut expected = Rng::from_seed(bytes.try_into().expect("32 bytes"));
        let mut rng = Stream::from_seed(7).stream("hello").rng();
        assert!((0..4).all(|_| rng.next_u64() == expected.next_u64()));
    }

    #[test]
    fn law_the_generator_of_a_number_is_that_of_its_digits() {
        let root = Stream::from_seed(7).stream("numbers");
        for number in [0, 9, 10, 12345, usize::MAX] {
            assert_eq!(root.rng_of(number).next_u64(), root.stream(&number.to_string()).rng().next_u64());
        }
    }

    #[test]
    fn theory_eight_generators_are_xoshiro_each() {
        let mut rng = Stream::from_seed(7).rng();
        let words: Vec<u64> = (0..32).map(|_| rng.next_u64()).collect();
        let mut octet = Octet::new(&mut Stream::from_seed(7).rng());
        let found: Vec<[u64; 8]> = (0..5).map(|_| octet.words()).collect();
        for lane in 0..8 {
            let state = (0..4).flat_map(|part| words[8 * part + lane].to_le_bytes()).collect::<Vec<u8>>();
            let mut alone = Rng::from_seed(state.try_into().expect("32 bytes"));
            assert!(found.iter().all(|next| next[lane] == alone.next_u64()));
        }
    }

    #[test]
    fn law_names_do_not_run_together() {
        let root = Stream::from_seed(0);
        let first = |s: &Stream| s.rng().next_u64();
        assert_ne!(first(&root.stream("ab").stream("c")), first(&root.stream("a").stream("bc")));
        assert_ne!(first(&root.stream("ab")), first(&root.stream("a").stream("b")));
        assert_ne!(first(&root), first(&Stream::from_seed(1)));
    }
}
