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

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::hash::{BuildHasher, Hash};

    use super::Quick;

    /// How many of 4,096 places sixteen thousand keys come to: chance would leave 75 of them empty.
    fn places<K: Hash>(keys: impl Iterator<Item = K>) -> usize {
        keys.map(|key| Quick::default().hash_one(key) & 0xfff).collect::<HashSet<u64>>().len()
    }

    #[test]
    fn spreads_names_whatever_their_length() {
        for length in [1, 7, 8, 9, 15, 16, 17, 40] {
            let names = (0..16_384u32).map(|number| format!("{:x<length$}{number}", "").into_bytes());
            assert!(places(names.map(Vec::into_boxed_slice)) > 3800, "{length}");
            let names = (0..16_384u32).map(|number| format!("{number}{:x<length$}", "").into_bytes());
            assert!(places(names.map(Vec::into_boxed_slice)) > 3800, "{length}");
        }
    }

    #[test]
    fn spreads_numbers_and_places() {
        assert!(places(0..16_384u32) > 3800);
        assert!(places((0..16_384u32).map(|number| number.wrapping_mul(1000))) > 3800);
        assert!(places((0..16_384u64).map(|number| (number, (0usize, 0usize)))) > 3800);
        assert!(places((0..16_384usize).map(|number| (7u64, (number, 0usize)))) > 3800);
        assert!(places((0..16_384usize).map(|number| (7u64, (0usize, number)))) > 3800);
    }

    #[test]
    fn tells_texts_apart_that_differ_in_one_byte() {
        let text = b"https://dashboard-0000.example.org";
        let hash = |text: &[u8]| Quick::default().hash_one(text);
        for at in 0..text.len() {
            let mut other = *text;
            other.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1);
            assert_ne!(hash(text), hash(&other), "{at}");
        }
    }
}
