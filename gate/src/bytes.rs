//! Looking through bytes eight at a time: a session makes cookies long, and every request's are read to the end.

const LOW: u64 = u64::from_ne_bytes([0x01; 8]);
const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);

/// Where `byte` is first.
#[must_use]
pub(crate) fn find(text: &[u8], byte: u8) -> Option<usize> {
    let (words, rest) = text.as_chunks::<8>();
    let wanted = u64::from_ne_bytes([byte; 8]);
    let mut before = 0usize;
    for word in words {
        let word = u64::from_le_bytes(*word) ^ wanted;
        // The lowest bit set is the top bit of the first byte that became zero (those above it may be wrong).
        let zero = word.wrapping_sub(LOW) & !word & HIGH;
        if zero != 0 {
            return usize::try_from(zero.trailing_zeros() >> 3).ok().map(|at| before.saturating_add(at));
        }
        before = before.saturating_add(8);
    }
    rest.iter().position(|other| *other == byte).map(|at| before.saturating_add(at))
}

/// Whether all are printable ASCII, the space included: 20 to 7E.
#[must_use]
pub(crate) fn are_printable(text: &[u8]) -> bool {
    let (words, rest) = text.as_chunks::<8>();
    let words_fine = words.iter().all(|word| {
        let word = u64::from_ne_bytes(*word);
        let below = word.wrapping_sub(LOW.wrapping_mul(0x20)) & !word;
        let above = word.wrapping_add(LOW) | word;
        (below | above) & HIGH == 0
    });
    words_fine && rest.iter().all(|byte| (0x20..=0x7e).contains(byte))
}

#[cfg(test)]
mod tests {
    use super::{are_printable, find};

    /// Every byte at every place of texts around the word's length, with neighbours that could carry or borrow.
    fn each_text(mut check: impl FnMut(&[u8])) {
        for length in 0..20usize {
            for filler in [0x00, 0x1f, 0x20, b'a', 0x7e, 0x7f, 0x80, 0xff] {
                check(&vec![filler; length]);
                for place in 0..length {
                    for byte in 0..=255 {
                        let mut text = vec![filler; length];
                        text.splice(place..=place, [byte]);
                        check(&text);
                    }
                }
            }
        }
    }

    #[test]
    fn finds_what_a_search_byte_by_byte_finds() {
        each_text(|text| {
            for byte in [0x00, 0x01, b';', b'=', 0x7f, 0x80, 0xff] {
                assert_eq!(find(text, byte), text.iter().position(|other| *other == byte), "{text:?} {byte}");
            }
        });
    }

    #[test]
    fn takes_exactly_20_to_7e_for_printable() {
        each_text(|text| {
            let expected = text.iter().all(|byte| (0x20..=0x7e).contains(byte));
            assert_eq!(are_printable(text), expected, "{text:?}");
        });
    }
}
