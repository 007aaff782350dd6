//! What a signed value holds, read only after its signature was checked: the subject, where a path leads to one.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use crate::json::Json;
use crate::reason::Reason;
use crate::session::may_be_subject;

/// The most bytes a compressed payload may inflate to.
pub const MAX_INFLATED_BYTES: usize = 64 * 1024;

/// How a payload is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payload {
    /// As it is.
    Plain,
    /// An id that means something to the app's store only: 32 to 64 letters, digits, `-` and `_`, as uid-safe makes them.
    Id,
    /// base64 with padding.
    Base64,
    /// base64url without padding; with a `.` before it, of zlib data.
    Base64Url,
    /// So written, a JSON string that holds the payload.
    Nested,
}

impl Payload {
    /// Whether a text has the form that such payloads always have.
    #[must_use]
    pub fn fits(self, text: &[u8]) -> bool {
        let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        self != Self::Id || ((32..=64).contains(&text.len()) && text.iter().all(is_plain))
    }

    /// The payload's bytes.
    ///
    /// # Errors
    /// `claims_malformed`.
    pub fn decode(self, text: &[u8]) -> Result<Cow<'_, [u8]>, Reason> {
        let decoded = match (self, text.strip_prefix(b".")) {
            (Self::Plain | Self::Id, _) => return Ok(Cow::Borrowed(text)),
            (Self::Base64, _) => STANDARD.decode(text).ok(),
            (Self::Base64Url, None) => URL_SAFE_NO_PAD.decode(text).ok(),
            (Self::Nested, _) => {
                let outer = Self::Base64Url.decode(text)?;
                Json::parse(&outer).ok().and_then(|json| json.text().map(|text| text.as_bytes().to_vec()))
            }
            (Self::Base64Url, Some(text)) => URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| inflated(&bytes)),
        };
        decoded.map(Cow::Owned).ok_or(Reason::ClaimsMalformed)
    }
}

/// RFC 1950. A key's holder could make a bomb: it goes off at 64 KiB.
fn inflated(bytes: &[u8]) -> Option<Vec<u8>> {
    miniz_oxide::inflate::decompress_to_vec_zlib_with_limit(bytes, MAX_INFLATED_BYTES).ok()
}

/// Where the subject is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubjectPath {
    /// The whole payload, as text.
    Whole,
    /// The member of that name of the member of that name, from the outside in.
    Members(Vec<String>),
}

impl SubjectPath {
    /// Reads `.` (the whole payload) or `member.member`.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        match text {
            "." => Self::Whole,
            _ => Self::Members(text.split('.').map(str::to_owned).collect()),
        }
    }

    /// The subject there.
    ///
    /// # Errors
    /// `subject_missing` where there is none: the app's visitor did not log in. `claims_malformed` where it is no name.
    pub fn subject(&self, payload: &[u8]) -> Result<String, Reason> {
        match self {
            Self::Whole => text(payload),
            Self::Members(names) => member(&Json::parse(payload).map_err(|_| Reason::ClaimsMalformed)?, names),
        }
    }
}

fn member(json: &Json<'_>, names: &[String]) -> Result<String, Reason> {
    if !matches!(json, Json::Object(_)) {
        return Err(Reason::ClaimsMalformed);
    }
    match names.iter().try_fold(json, |json, name| json.member(name)) {
        None | Some(Json::Null) => Err(Reason::SubjectMissing),
        Some(found) => subject(found),
    }
}

fn subject(found: &Json<'_>) -> Result<String, Reason> {
    match found {
        Json::Text(name) => text(name.as_bytes()),
        // Many frameworks number their users.
        Json::Whole(number) => Ok(number.to_string()),
        _ => Err(Reason::ClaimsMalformed),
    }
}

fn text(bytes: &[u8]) -> Result<String, Reason> {
    let text = std::str::from_utf8(bytes).map_err(|_| Reason::ClaimsMalformed)?;
    match text.is_empty() {
        true => Err(Reason::SubjectMissing),
        false if may_be_subject(text) => Ok(text.to_owned()),
        false => Err(Reason::ClaimsMalformed),
    }
}
