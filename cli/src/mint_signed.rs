//! Signed values as the web frameworks write them: what `gate::signed` reads, the other way round. For tests and portals.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use gate::Time;
use gate::secret::Key;
use gate::signed::{Grammar, Payload, Policy, SignatureText, SubjectPath, TimeText, Wire};
use serde_json::{Map, Value, json};

use crate::output::Failure;

/// Longer values are cut where a format has chunks: a browser drops cookies over 4,096 bytes, name and attributes included.
const MAX_UNCUT_BYTES: usize = 4000;
/// So that a chunk, in JSON and base64 again, fits a cookie.
const CHUNK_BYTES: usize = 2200;

/// A value with that payload, signed at that time; with the cookies of its chunks behind it where it is cut into some.
///
/// # Errors
/// Where the payload is written into a cookie as it is, and a cookie cannot hold it so; where it is too long.
pub fn write(policy: &Policy, key: &Key, payload: &[u8], now: Time) -> Result<String, Failure> {
    let whole = value(policy, &policy.cookie, key, payload, now)?;
    if policy.chunks.is_empty() || policy.cookie.len() + whole.len() <= MAX_UNCUT_BYTES {
        return Ok(whole);
    }
    let pieces = cut(&String::from_utf8_lossy(payload));
    if pieces.len() > policy.chunks.len() {
        return Err(Failure::new(format!("a login has at most {} chunks", policy.chunks.len())));
    }
    let mut text = value(policy, &policy.cookie, key, format!("chunks-{}", pieces.len()).as_bytes(), now)?;
    for (piece, (name, ring)) in pieces.iter().zip(&policy.chunks) {
        let same = |known: &&Arc<Key>| known.id() == key.id();
        let key = ring.keys().iter().find(same).ok_or_else(|| Failure::new("the chunks have no key of that id"))?;
        text += &format!("; {name}={}", value(policy, name, key, piece.as_bytes(), now)?);
    }
    Ok(text)
}

/// Cuts a text between characters.
fn cut(text: &str) -> Vec<String> {
    let mut pieces = vec![String::new()];
    for character in text.chars() {
        match pieces.last_mut() {
            Some(last) if last.len() < CHUNK_BYTES => last.push(character),
            _ => pieces.push(character.to_string()),
        }
    }
    pieces
}

/// The signed text in the cookie of that name.
fn value(policy: &Policy, cookie: &str, key: &Key, payload: &[u8], now: Time) -> Result<String, Failure> {
    let scheme = &policy.scheme;
    if scheme.payload == Payload::Plain && !payload.iter().all(|byte| is_written_as_it_is(*byte)) {
        return Err(Failure::new(
            "a cookie cannot hold this value: ; , \" \\ control characters and what is not ASCII would be escaped, \
             which the gate does not read",
        ));
    }
    let payload = match scheme.payload {
        Payload::Plain | Payload::Id => String::from_utf8_lossy(payload).into_owned(),
        Payload::Base64 => STANDARD.encode(payload),
        Payload::Base64Url => URL_SAFE_NO_PAD.encode(payload),
        Payload::Nested => URL_SAFE_NO_PAD.encode(json!(String::from_utf8_lossy(payload)).to_string()),
    };
    let time = written(scheme.time, now.seconds());
    let (signed, separator) = match scheme.grammar {
        Grammar::Timed(separator) => {
            (format!("{payload}{0}{time}", char::from(separator)), Some(char::from(separator)))
        }
        Grammar::Timeless(separator) => (payload, Some(char::from(separator))),
        Grammar::Tornado => {
            let fields = ["0", &time, cookie, &payload].map(|field| format!("{}:{field}|", field.len()));
            (format!("2|{}", fields.concat()), None)
        }
    };
    let signature = key.sign(signed.as_bytes());
    let signature = match scheme.signature {
        SignatureText::Hex => gate::session::hexadecimal(&signature),
        SignatureText::Base64Url => URL_SAFE_NO_PAD.encode(signature),
        SignatureText::Base64 => STANDARD_NO_PAD.encode(signature),
    };
    let value = signed + &separator.map(String::from).unwrap_or_default() + &signature;
    Ok(match scheme.wire {
        Wire::Quoted if !value.bytes().all(is_unquoted) => format!("\"{value}\""),
        Wire::Plain | Wire::Quoted => value,
        Wire::Express => {
            format!("s%3A{}", gate::target::percent_encoded(value.as_bytes(), b"+/=:@&$,?#%\"<>\\^`{|}[];"))
        }
    })
}

/// What Python's `http.cookies` writes without a backslash, in quotes or not.
fn is_written_as_it_is(byte: u8) -> bool {
    is_unquoted(byte) || b" ()/<=>?@[]{}".contains(&byte)
}

/// What Python's `http.cookies` leaves without quotes.
fn is_unquoted(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~:".contains(&byte)
}

fn written(text: TimeText, seconds: u64) -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    match text {
        TimeText::Decimal => seconds.to_string(),
        TimeText::BigEndian => {
            let bytes = seconds.to_be_bytes();
            URL_SAFE_NO_PAD.encode(&bytes[bytes.iter().take_while(|byte| **byte == 0).count()..])
        }
        TimeText::Base62 => {
            let mut digits = Vec::new();
            let mut left = seconds;
            while left > 0 || digits.is_empty() {
                digits.push(char::from(DIGITS[usize::try_from(left % 62).unwrap_or_default()]));
                left /= 62;
            }
            digits.into_iter().rev().collect()
        }
    }
}

/// The payload that names a subject where the policy looks for one, with more members beside it.
///
/// # Errors
/// Where the format has no place for what is asked for.
pub fn payload(
    path: Option<&SubjectPath>,
    subject: Option<&str>,
    more: Map<String, Value>,
) -> Result<Vec<u8>, Failure> {
    match (path, subject) {
        (Some(SubjectPath::Whole), Some(_)) if !more.is_empty() => {
            Err(Failure::new("--claim has no place where the whole value is the subject"))
        }
        (Some(SubjectPath::Whole), Some(subject)) => Ok(subject.as_bytes().to_vec()),
        (Some(SubjectPath::Members(names)), Some(subject)) => {
            let mut object = Value::Object(more);
            let mut place = &mut object;
            for name in names {
                if !place.is_object() {
                    *place = json!({});
                }
                place = &mut place[name.as_str()];
            }
            *place = json!(subject);
            Ok(object.to_string().into_bytes())
        }
        (Some(_), None) => Err(Failure::new("the session kind has subject_from, so it needs --subject")),
        (None, Some(_)) => {
            Err(Failure::new("the session kind has no subject_from, so there is no place for --subject"))
        }
        (None, None) => Ok(Value::Object(more).to_string().into_bytes()),
    }
}
