//! Serialized header maps: what Envoy writes is read, anything else is an error and never a panic.

use dashgate_filter::host::{Headers, HostError};

fn read(bytes: &[u8]) -> Result<usize, HostError> {
    Headers::from_serialized(bytes.to_vec()).pairs().map(|pairs| pairs.len())
}

fn serialized() -> Vec<u8> {
    Headers::serialize(&[(":path", b"/a"), ("x", b""), ("", b"\xff\0v"), (":path", b"/b")])
}

#[test]
fn reads_back_what_it_writes() {
    let headers = Headers::from_serialized(serialized());
    let pairs = headers.pairs().expect("pairs");
    let expected: [(&[u8], &[u8]); 4] = [(b":path", b"/a"), (b"x", b""), (b"", b"\xff\0v"), (b":path", b"/b")];
    assert_eq!(pairs, expected);
    let bytes = Headers::serialize(&[("ab", b"c")]);
    assert_eq!(bytes, [1, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, b'a', b'b', 0, b'c', 0]);
    assert_eq!(Headers::serialize(&[]), [0, 0, 0, 0]);
    assert_eq!((read(&[]), read(&[0, 0, 0, 0])), (Ok(0), Ok(0)));
}

#[test]
fn refuses_every_truncation_and_anything_after_the_end() {
    let whole = serialized();
    assert_eq!(read(&whole), Ok(4));
    for length in 1..whole.len() {
        assert_eq!(read(&whole[..length]), Err(HostError), "{length}");
    }
    for byte in [0, 1, 0xff] {
        assert_eq!(read(&[whole.as_slice(), &[byte]].concat()), Err(HostError));
        assert_eq!(read(&[0, 0, 0, 0, byte]), Err(HostError));
    }
}

#[test]
fn refuses_lengths_and_counts_that_lie() {
    let whole = serialized();
    // The count and the eight lengths, each with every bit flipped.
    for at in 0..4 + 4 * 8 {
        for bit in 0..8 {
            let mut odd = whole.clone();
            odd[at] ^= 1 << bit;
            assert_eq!(read(&odd), Err(HostError), "bit {bit} of byte {at}");
        }
    }
    assert_eq!(read(&[0xff; 64]), Err(HostError));
    assert_eq!(read(&[0xff, 0xff, 0xff, 0x7f]), Err(HostError));
}

#[test]
fn refuses_texts_that_do_not_end_where_they_should() {
    let good = Headers::serialize(&[("ab", b"c")]);
    assert_eq!(read(&good), Ok(1));
    for at in [14, 16] {
        let mut odd = good.clone();
        odd[at] = b'x';
        assert_eq!(read(&odd), Err(HostError), "{at}");
    }
}
