//! What verified credentials become: claims, then a session with one effective end. Also the ring of keys they verify under.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::facts::Facts;
use crate::reason::Reason;
use crate::secret::{Key, fingerprint};
use crate::table::Table;
use crate::time::Time;

/// The longest subject in bytes, of any format: it goes up in a header of every request, and into the access log.
pub const MAX_SUBJECT_BYTES: usize = 256;

/// Whether a text can go where subjects do: not too long, and no control characters.
pub(crate) fn may_be_subject(text: &str) -> bool {
    text.len() <= MAX_SUBJECT_BYTES && !text.chars().any(char::is_control)
}

/// The keys one session kind accepts, in the configured order.
#[derive(Clone, Debug, Default)]
pub struct Ring {
    keys: Vec<Arc<Key>>,
    by_id: Table<usize>,
    headers: Table<Option<usize>>,
}

/// JWT headers as the usual libraries write them, by their members' order. Comparing one costs less than reading it, and
/// says the same. `ALG` stands for the algorithm.
const HEADERS: [&str; 3] = [r#"{"alg":"ALG"}"#, r#"{"alg":"ALG","typ":"JWT"}"#, r#"{"typ":"JWT","alg":"ALG"}"#];
/// Those that name a key; `KID` stands for its id.
const NAMED_HEADERS: [&str; 7] = [
    r#"{"alg":"ALG","kid":"KID"}"#,
    r#"{"kid":"KID","alg":"ALG"}"#,
    r#"{"alg":"ALG","kid":"KID","typ":"JWT"}"#,
    r#"{"alg":"ALG","typ":"JWT","kid":"KID"}"#,
    r#"{"typ":"JWT","alg":"ALG","kid":"KID"}"#,
    r#"{"typ":"JWT","kid":"KID","alg":"ALG"}"#,
    r#"{"kid":"KID","typ":"JWT","alg":"ALG"}"#,
];

impl Ring {
    /// A ring of these keys.
    #[must_use]
    pub fn new(keys: Vec<Arc<Key>>) -> Self {
        Self::for_algorithm(keys, "HS256")
    }

    /// A ring of these keys for JWTs of that `alg`.
    #[must_use]
    pub fn for_algorithm(keys: Vec<Arc<Key>>, algorithm: &str) -> Self {
        let (mut by_id, mut headers) = (Table::default(), Table::default());
        for (index, key) in keys.iter().enumerate() {
            by_id.insert(key.id().as_bytes().into(), index);
            let is_plain = key.id().bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\'));
            for header in NAMED_HEADERS.iter().filter(|_| is_plain) {
                let text = URL_SAFE_NO_PAD.encode(header.replace("ALG", algorithm).replace("KID", key.id()));
                headers.insert(text.into_bytes().into(), Some(index));
            }
        }
        for header in HEADERS {
            headers.insert(URL_SAFE_NO_PAD.encode(header.replace("ALG", algorithm)).into_bytes().into(), None);
        }
        Self { keys, by_id, headers }
    }

    /// The key id in a JWT's first segment, if that is a usual header that names one of the keys or none.
    pub(crate) fn known_header(&self, segment: &[u8]) -> Option<Option<&str>> {
        match self.headers.get(segment)? {
            None => Some(None),
            Some(index) => self.keys.get(*index).map(|key| Some(key.id())),
        }
    }

    /// The keys, in the configured order.
    #[must_use]
    pub fn keys(&self) -> &[Arc<Key>] {
        &self.keys
    }

    /// The key that made `signature` over `message`, tried under the named key only, or under all without a name.
    ///
    /// # Errors
    /// `key_unknown`, `signature_invalid`, or `key_retired`: an unknown name never falls back to another key.
    pub fn verify(
        &self,
        named: Option<&str>,
        message: &[u8],
        signature: &[u8],
        now: Time,
    ) -> Result<&Arc<Key>, Reason> {
        let verified = match named {
            Some(id) => {
                let key =
                    self.by_id.get(id.as_bytes()).and_then(|index| self.keys.get(*index)).ok_or(Reason::KeyUnknown)?;
                key.verifies(message, signature).then_some(key)
            }
            None => self.keys.iter().find(|key| key.verifies(message, signature)),
        };
        let key = verified.ok_or(Reason::SignatureInvalid)?;
        match key.retire_at() {
            Some(end) if now >= end => Err(Reason::KeyRetired),
            _ => Ok(key),
        }
    }
}

/// A session: signature checked, in time, meant for the dashboard it was verified for.
#[derive(Clone, Debug)]
pub struct Session {
    key: Arc<Key>,
    pub(crate) subject: Option<String>,
    pub(crate) end: Time,
    pub(crate) issued: Option<Time>,
    pub(crate) facts: Facts,
    fingerprint: String,
}

impl Session {
    pub(crate) fn new(key: &Arc<Key>, signature: &[u8]) -> Self {
        Self {
            key: Arc::clone(key),
            subject: None,
            end: key.retire_at().unwrap_or(Time::FAR),
            issued: None,
            facts: Facts::default(),
            fingerprint: hexadecimal(&fingerprint(signature)),
        }
    }

    /// The id of the key that verified it.
    #[must_use]
    pub fn key_id(&self) -> &str {
        self.key.id()
    }

    /// Whose session it is, where the format says.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.subject.as_deref()
    }

    /// The backend it names, where a dashboard asks for one.
    #[must_use]
    pub fn backend(&self) -> Option<&str> {
        self.facts.backend.as_deref()
    }

    /// How many bytes of text it holds.
    pub(crate) fn size(&self) -> usize {
        let texts =
            [&self.subject, &self.facts.id, &self.facts.backend].into_iter().flatten().chain(&self.facts.groups);
        texts.map(String::len).fold(0, usize::saturating_add)
    }

    /// When it ends: the earliest of all bounds; `Time::FAR` where the format has none.
    #[must_use]
    pub fn end(&self) -> Time {
        self.end
    }

    /// The public fingerprint, 16 hexadecimal digits.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }
}

/// Lower-case hexadecimal digits of some bytes.
#[must_use]
pub fn hexadecimal(bytes: &[u8]) -> String {
    let mut digits = String::with_capacity(bytes.len().saturating_mul(2));
    let each = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0x0f]);
    digits.extend(each.filter_map(|digit| char::from_digit(u32::from(digit), 16)));
    digits
}
