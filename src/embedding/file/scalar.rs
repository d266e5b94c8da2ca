//! Scalar: how a number is written in a binary file.

use half::{bf16, f16};

/// A float of 2, 4 or 8 bytes, in either byte order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Scalar {
    pub float: Float,
    pub is_big: bool,
}

/// The kinds of float.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Float {
    /// IEEE 754 binary16.
    F16,
    /// The upper half of an f32.
    Bf16,
    /// IEEE 754 binary32.
    F32,
    /// IEEE 754 binary64.
    F64,
}

impl Float {
    /// Little-endian, as safetensors and word2vec write.
    pub fn little(self) -> Scalar {
        Scalar { float: self, is_big: false }
    }
}

impl Scalar {
    pub fn n_bytes(self) -> usize {
        match self.float {
            Float::F16 | Float::Bf16 => 2,
            Float::F32 => 4,
            Float::F64 => 8,
        }
    }

    /// Rounds to f32 what has more digits. `bytes` holds as many numbers as `values`.
    ///
    /// Nothing is written where zeros would be written over zeros: memory that the system has given as zeros is taken when it is first written to, and a file of zeros shall take none.
    pub fn decode(self, bytes: &[u8], values: &mut [f32]) {
        if is_zero(bytes) {
            if !values.iter().all(|value| value.to_bits() == 0) {
                values.fill(0.0);
            }
            return;
        }
        fn each<const N: usize>(bytes: &[u8], values: &mut [f32], is_big: bool, decode: impl Fn([u8; N]) -> f32) {
            let numbers = values.iter_mut().zip(bytes.as_chunks::<N>().0);
            if is_big {
                numbers.for_each(|(value, bytes)| {
                    let mut bytes = *bytes;
                    bytes.reverse();
                    *value = decode(bytes);
                });
            } else {
                numbers.for_each(|(value, bytes)| *value = decode(*bytes));
            }
        }
        match self.float {
            Float::F16 => each(bytes, values, self.is_big, |bytes| f16::from_le_bytes(bytes).to_f32()),
            Float::Bf16 => each(bytes, values, self.is_big, |bytes| bf16::from_le_bytes(bytes).to_f32()),
            Float::F32 => each(bytes, values, self.is_big, f32::from_le_bytes),
            Float::F64 => each(bytes, values, self.is_big, |bytes| f64::from_le_bytes(bytes) as f32),
        }
    }

    /// One number, not rounded.
    pub fn exact(self, bytes: &[u8]) -> f64 {
        if let (Float::F64, Some(bytes)) = (self.float, bytes.first_chunk()) {
            return if self.is_big { f64::from_be_bytes(*bytes) } else { f64::from_le_bytes(*bytes) };
        }
        let mut value = [0.0];
        self.decode(bytes, &mut value);
        f64::from(value[0])
    }
}

/// Whether all bytes are 0: then they are numbers 0 of any type.
pub(super) fn is_zero(bytes: &[u8]) -> bool {
    let (words, rest) = bytes.as_chunks::<64>();
    words.iter().all(|word| word.iter().fold(0, |all, byte| all | byte) == 0) && rest.iter().all(|byte| *byte == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    // IEEE 754: 0x3c00 is 1 in binary16, 0xc500 is −5, 0x0001 is 2⁻²⁴, 0x7c00 is infinite; 0x3f80 is 1 in bfloat16, 0xc0a0 is −5.
    #[test]
    fn theory_halves_are_those_of_the_standard() {
        let read = |float: Float, words: &[u16]| {
            let mut values = vec![0.0; words.len()];
            let little: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
            float.little().decode(&little, &mut values);
            let big: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
            let mut again = vec![0.0; words.len()];
            Scalar { float, is_big: true }.decode(&big, &mut again);
            assert_eq!(
                values.iter().map(|x| x.to_bits()).collect::<Vec<_>>(),
                again.iter().map(|x| x.to_bits()).collect::<Vec<_>>()
            );
            values
        };
        let tiny = 1.0 / (1 << 24) as f32;
        assert_eq!(read(Float::F16, &[0x3c00, 0xc500, 0x0001, 0x7c00]), [1.0, -5.0, tiny, f32::INFINITY]);
        assert_eq!(read(Float::Bf16, &[0x3f80, 0xc0a0, 0x7f80]), [1.0, -5.0, f32::INFINITY]);
        assert!(read(Float::F16, &[0x7e00])[0].is_nan());
    }

    #[test]
    fn theory_an_exact_number_is_not_rounded() {
        assert_eq!(Float::F64.little().exact(&0.1_f64.to_le_bytes()), 0.1);
        assert_eq!(Scalar { float: Float::F64, is_big: true }.exact(&1e300_f64.to_be_bytes()), 1e300);
        assert_eq!(Float::F32.little().exact(&0.5_f32.to_le_bytes()), 0.5);
    }
}
