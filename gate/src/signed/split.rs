//! Splitting a signed value into what was signed, its signature, its time and its payload. Nothing here is believed yet.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use crate::reason::Reason;
use crate::target::percent_decoded;
use crate::time::Time;

/// The parts of a value, as they stand in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parts<'a> {
    /// The exact bytes the signature covers.
    pub signed: &'a [u8],
    /// The signature's text.
    pub signature: &'a [u8],
    /// The time's text, where the format has one.
    pub time: Option<&'a [u8]>,
    /// The name it was signed for, where the format has one.
    pub name: Option<&'a [u8]>,
    /// The payload's text.
    pub payload: &'a [u8],
}

/// What carrying a value in a cookie adds around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    /// Nothing.
    Plain,
    /// Double quotes where the value holds characters that Python's `http.cookies` quotes; then no backslash inside.
    Quoted,
    /// `s:` before it, then `encodeURIComponent` (Express).
    Express,
}

impl Wire {
    /// The value without what the cookie added.
    ///
    /// # Errors
    /// `token_malformed`.
    pub fn unwrap(self, value: &[u8]) -> Result<Cow<'_, [u8]>, Reason> {
        match self {
            Self::Plain => Ok(Cow::Borrowed(value)),
            Self::Quoted => match value.strip_prefix(b"\"") {
                None => Ok(Cow::Borrowed(value)),
                Some(rest) => {
                    let inner = rest.strip_suffix(b"\"").ok_or(Reason::TokenMalformed)?;
                    let plain = !inner.contains(&b'\\') && !inner.contains(&b'"');
                    if plain { Ok(Cow::Borrowed(inner)) } else { Err(Reason::TokenMalformed) }
                }
            },
            Self::Express => {
                let decoded = percent_decoded(value);
                // One spelling: what JavaScript's encodeURIComponent makes of it.
                if encode_uri_component(&decoded) != value {
                    return Err(Reason::TokenMalformed);
                }
                decoded.strip_prefix(b"s:").map(|inner| Cow::Owned(inner.to_vec())).ok_or(Reason::TokenMalformed)
            }
        }
    }
}

/// ECMAScript's `encodeURIComponent` (ECMA-262 section 19.2.6.4), of bytes.
fn encode_uri_component(text: &[u8]) -> Vec<u8> {
    const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
    let digit = |half: u8| DIGITS.get(usize::from(half)).copied().unwrap_or('0');
    let mut encoded = String::with_capacity(text.len());
    for byte in text {
        if byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(byte) {
            encoded.push(char::from(*byte));
        } else {
            encoded.extend(['%', digit(byte >> 4), digit(byte & 0x0f)]);
        }
    }
    encoded.into_bytes()
}

/// Which parts a value has, and what stands between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grammar {
    /// `payload SEPARATOR time SEPARATOR signature`, split from the right.
    Timed(u8),
    /// `payload SEPARATOR signature`, split from the right.
    Timeless(u8),
    /// Tornado's version 2: `2|1:0|10:TIME|LENGTH:NAME|LENGTH:PAYLOAD|signature` (`tornado.web.create_signed_value`).
    Tornado,
}

impl Grammar {
    /// The parts of a value.
    ///
    /// # Errors
    /// `token_malformed`.
    pub fn split(self, value: &[u8]) -> Result<Parts<'_>, Reason> {
        let parts = match self {
            Self::Timed(separator) => split_last(value, separator).and_then(|(signed, signature)| {
                let (payload, time) = split_last(signed, separator)?;
                Some(Parts { signed, signature, time: Some(time), name: None, payload })
            }),
            Self::Timeless(separator) => split_last(value, separator).map(|(signed, signature)| Parts {
                signed,
                signature,
                time: None,
                name: None,
                payload: signed,
            }),
            Self::Tornado => split_tornado(value),
        };
        parts.filter(|parts| !parts.payload.is_empty()).ok_or(Reason::TokenMalformed)
    }
}

fn split_last(text: &[u8], separator: u8) -> Option<(&[u8], &[u8])> {
    let at = text.iter().rposition(|byte| *byte == separator)?;
    let (head, rest) = text.split_at_checked(at)?;
    Some((head, rest.get(1..)?))
}

fn split_tornado(value: &[u8]) -> Option<Parts<'_>> {
    let (signed, signature) = split_last(value, b'|')?;
    let signed = value.get(..signed.len().checked_add(1)?)?;
    let mut rest = signed.strip_prefix(b"2|")?;
    let mut field = || take_field(&mut rest);
    let (version, time, name, payload) = (field()?, field()?, field()?, field()?);
    // A secret that is one key has version 0; several keys are told apart by trying them.
    (version == b"0" && rest.is_empty()).then_some(Parts {
        signed,
        signature,
        time: Some(time),
        name: Some(name),
        payload,
    })
}

/// `LENGTH:TEXT|`, the length in decimal without leading zeros.
fn take_field<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let colon = rest.iter().position(|byte| *byte == b':')?;
    let (length, after) = rest.split_at_checked(colon)?;
    let (field, after) = after.get(1..)?.split_at_checked(usize::try_from(decimal(length)?).ok()?)?;
    *rest = after.strip_prefix(b"|")?;
    Some(field)
}

/// A decimal number as it is written by machines: digits only, no leading zero.
fn decimal(text: &[u8]) -> Option<u64> {
    let plain = !text.is_empty() && text.iter().all(u8::is_ascii_digit) && (text.len() == 1 || !text.starts_with(b"0"));
    std::str::from_utf8(text).ok().filter(|_| plain)?.parse().ok()
}

/// How a signature is written: each in one spelling only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureText {
    /// Lower-case hexadecimal.
    Hex,
    /// base64url without padding or stray bits.
    Base64Url,
    /// base64 without padding or stray bits.
    Base64,
}

impl SignatureText {
    /// The signature's bytes.
    ///
    /// # Errors
    /// `token_malformed`.
    pub fn decode(self, text: &[u8]) -> Result<Vec<u8>, Reason> {
        let bytes = match self {
            Self::Hex => hex(text),
            Self::Base64Url => URL_SAFE_NO_PAD.decode(text).ok(),
            Self::Base64 => STANDARD_NO_PAD.decode(text).ok(),
        };
        bytes.ok_or(Reason::TokenMalformed)
    }
}

fn hex(text: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => byte.checked_sub(b'0'),
        b'a'..=b'f' => byte.checked_sub(b'a')?.checked_add(10),
        _ => None,
    };
    let (pairs, rest) = text.as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect()
}

/// How a time, whole seconds since 1970, is written: each in one spelling only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeText {
    /// Decimal.
    Decimal,
    /// base62 with the digits `0-9A-Za-z` (Django).
    Base62,
    /// base64url of the big-endian bytes, without leading zero bytes (itsdangerous).
    BigEndian,
}

impl TimeText {
    /// The time.
    #[must_use]
    pub fn decode(self, text: &[u8]) -> Option<Time> {
        let seconds = match self {
            Self::Decimal => decimal(text)?,
            Self::Base62 => base62(text)?,
            Self::BigEndian => {
                let bytes = URL_SAFE_NO_PAD.decode(text).ok().filter(|bytes| (1..=8).contains(&bytes.len()))?;
                if bytes.starts_with(&[0]) {
                    return None;
                }
                bytes.iter().fold(0u64, |number, byte| number << 8 | u64::from(*byte))
            }
        };
        Some(Time::from_seconds(seconds))
    }
}

fn base62(text: &[u8]) -> Option<u64> {
    if text.is_empty() || (text.len() > 1 && text.starts_with(b"0")) {
        return None;
    }
    text.iter().try_fold(0u64, |number, byte| {
        let digit = match byte {
            b'0'..=b'9' => byte.checked_sub(b'0')?,
            b'A'..=b'Z' => byte.checked_sub(b'A')?.checked_add(10)?,
            b'a'..=b'z' => byte.checked_sub(b'a')?.checked_add(36)?,
            _ => return None,
        };
        number.checked_mul(62)?.checked_add(u64::from(digit))
    })
}
