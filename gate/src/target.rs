//! The request target: a path that can be read in one way only, and a query left as it is.

use crate::reason::Reason;

/// A path and query whose path passed `check_path`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target<'a> {
    /// From the first `/` to before the first `?`.
    pub path: &'a [u8],
    /// After the first `?`; `None` without one.
    pub query: Option<&'a [u8]>,
}

/// Splits and checks a `:path` value.
///
/// # Errors
/// `path_invalid`.
pub fn parse(value: &[u8]) -> Result<Target<'_>, Reason> {
    let (path, query) = match value.iter().position(|byte| *byte == b'?').and_then(|at| value.split_at_checked(at)) {
        Some((path, rest)) => (path, rest.get(1..)),
        None => (value, None),
    };
    if !is_plain(path) || !query.unwrap_or_default().iter().all(|byte| (0x21..=0x7e).contains(byte) && *byte != b'#') {
        return Err(Reason::PathInvalid);
    }
    Ok(Target { path, query })
}

/// Whether a path means the same to every server: what Envoy normalises or refuses is refused again here, because
/// not every host of the filter normalises (CVE-2026-73511 and its kind).
fn is_plain(path: &[u8]) -> bool {
    let bytes_fine = path.iter().all(|byte| (0x21..=0x7e).contains(byte) && !matches!(byte, b'\\' | b';' | b'#'));
    let encoded_fine = !path.contains(&b'%')
        || path.windows(3).all(|window| {
            let [b'%', high, low] = window else { return true };
            let pair = [high.to_ascii_lowercase(), low.to_ascii_lowercase()];
            // An escaped letter hides a prefix from the gate and not from the backend; browsers and Envoy write it plain.
            let byte = digit(*high).zip(digit(*low)).map(|(high, low)| high << 4 | low);
            let is_unreserved = byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || b"-_~".contains(&byte));
            !is_unreserved && !matches!(&pair, b"2e" | b"2f" | b"5c" | b"00")
        });
    let mut segments = path.split(|byte| *byte == b'/');
    let starts_with_slash = segments.next().is_some_and(<[u8]>::is_empty) && !path.is_empty();
    let mut left = segments.peekable();
    let mut segments_fine = true;
    while let Some(segment) = left.next() {
        // Only the last segment may be empty: `/a/` is a path, `//` and `/a//b` are not.
        let empty_inside = segment.is_empty() && left.peek().is_some();
        segments_fine &= !empty_inside && segment != b"." && segment != b"..";
    }
    bytes_fine && encoded_fine && starts_with_slash && segments_fine
}

/// The segment all of the gate's own endpoints live under.
pub const OWN: &str = ".dashgate";

impl<'a> Target<'a> {
    /// What follows `/.dashgate/`, if the path lies there. Its segment has one spelling: escapes of its characters are
    /// no plain path.
    #[must_use]
    pub fn own_endpoint(&self) -> Option<&'a [u8]> {
        let rest = self.path.strip_prefix(b"/")?.strip_prefix(OWN.as_bytes())?;
        match rest.split_first() {
            None => Some(rest),
            Some((b'/', endpoint)) => Some(endpoint),
            Some(_) => None,
        }
    }
}

/// Undoes percent-encoding once; a `%` that starts no escape stays.
#[must_use]
pub fn percent_decoded(text: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        let escape = match (first, after) {
            (b'%', [high, low, after @ ..]) => {
                digit(*high).zip(digit(*low)).map(|(high, low)| (high << 4 | low, after))
            }
            _ => None,
        };
        let (byte, after) = escape.unwrap_or((*first, after));
        decoded.push(byte);
        rest = after;
    }
    decoded
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// Percent-encodes every byte outside 21-7E and the bytes in `also`.
#[must_use]
pub fn percent_encoded(text: &[u8], also: &[u8]) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text {
        if (0x21..=0x7e).contains(byte) && !also.contains(byte) {
            encoded.push(char::from(*byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// The characters of a query component that would end or change it.
pub const QUERY_SPECIAL: &[u8] = b"%&+=#?;\"<>'`{}|\\^[]";
