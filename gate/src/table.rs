//! Tables that requests are looked up in: as quick with ten thousand entries as with one.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// A table by name.
pub(crate) type Table<V> = HashMap<Box<[u8]>, V, Quick>;

/// Hashes for tables whose keys no client chooses: names in the configuration, signatures of verified sessions, numbers of
/// streams.
/// Whoever could choose them could make all lookups slow.
pub type Quick = BuildHasherDefault<Mixer>;

/// Multiplies and folds, eight bytes at a time.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mixer(u64);

impl Hasher for Mixer {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        words.iter().for_each(|word| self.write_u64(u64::from_le_bytes(*word)));
        if !rest.is_empty() {
            let mut last = [0u8; 8];
            last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
            self.write_u64(u64::from_le_bytes(last));
        }
    }

    fn write_u32(&mut self, word: u32) {
        self.write_u64(u64::from(word));
    }

    fn write_u64(&mut self, word: u64) {
        // The 64-bit golden ratio, odd: every bit of the word reaches the top ones, and the fold brings those down.
        let mixed = (self.0 ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = mixed ^ mixed >> 32;
    }

    fn write_usize(&mut self, length: usize) {
        self.write_u64(u64::try_from(length).unwrap_or_default());
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
