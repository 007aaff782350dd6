//! Signed values: the sessions that web frameworks sign themselves. Each format is the same three ideas: split the text,
//! derive a key, compare; then a time and a payload. What differs is a row of [`Scheme`].
//!
//! Decides whether one value is a session. Stricter than the libraries: one text for one meaning, and no old versions.

mod login;
mod payload;
mod preset;
mod split;

use std::sync::Arc;

use crate::facts::Paths;
use crate::json::Json;
use crate::reason::Reason;
use crate::secret::Key;
use crate::session::{Ring, Session};
use crate::time::Time;

pub use login::{MAX_CHUNKS, chunk_count};
pub use payload::{Payload, SubjectPath};
pub use preset::{Preset, preset, recipe};
pub use split::{Grammar, SignatureText, TimeText, Wire};

/// The longest value in bytes, whatever its carrier.
pub const MAX_BYTES: usize = 8 * 1024;

/// How the values of one library are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scheme {
    /// What carrying it in a cookie adds around it.
    pub wire: Wire,
    /// Which parts it has.
    pub grammar: Grammar,
    /// How its signature is written.
    pub signature: SignatureText,
    /// How its time is written.
    pub time: TimeText,
    /// How its payload is written.
    pub payload: Payload,
}

/// How one session kind's values are judged.
#[derive(Clone, Debug)]
pub struct Policy {
    /// How they are written.
    pub scheme: Scheme,
    /// Keys that may have signed, each already derived as the library derives it.
    pub ring: Ring,
    /// The cookie that holds it; a part of what is signed in some formats.
    pub cookie: String,
    /// How long a value is good after it was signed; `None` where the format has no time.
    pub max_age_seconds: Option<u64>,
    /// How far the signer's clock may be ahead.
    pub clock_skew_seconds: u64,
    /// Where in the payload the subject is, which must be there; `None`: the payload is not read.
    pub subject_from: Option<SubjectPath>,
    /// Where in the payload, an object then, it says more.
    pub facts: Paths,
    /// Whether they are Streamlit's logins, each at one origin.
    pub is_login: bool,
    /// The cookies that may hold the chunks of a long login, each with its own keys; empty where only whole ones are taken.
    pub chunks: Vec<(String, Ring)>,
}

/// Verifies a value at a time, for the dashboard of that origin.
///
/// # Errors
/// The reason of the earliest check that fails, in the order of [`Reason`]'s list.
pub fn verify(value: &[u8], policy: &Policy, origin: &str, now: Time) -> Result<Session, Reason> {
    if policy.is_login {
        return login::verify(value, policy, origin, now);
    }
    let part = Part::open(value, &policy.cookie, &policy.ring, None, policy, now)?;
    let session = part.session(&part.signature);
    if policy.subject_from.is_none() && policy.facts.is_empty() {
        return Ok(session);
    }
    policy.read(session, &policy.scheme.payload.decode(&part.payload)?)
}

impl Policy {
    /// What a decoded payload says of a session.
    fn read(&self, mut session: Session, payload: &[u8]) -> Result<Session, Reason> {
        if let Some(path) = &self.subject_from {
            session.subject = Some(path.subject(payload)?);
        }
        if !self.facts.is_empty() {
            let payload = Json::parse(payload).map_err(|_| Reason::ClaimsMalformed)?;
            session.facts = self.facts.read(&payload)?;
        }
        Ok(session)
    }
}

/// One signed text whose signature, name and time are good.
struct Part<'a> {
    key: &'a Arc<Key>,
    signature: Vec<u8>,
    /// When it was signed and when it ends, where the format has a time.
    times: Option<(Time, Time)>,
    /// The payload's text.
    payload: Vec<u8>,
}

impl<'a> Part<'a> {
    /// Opens the text in the cookie of that name; `key` is the id of the one key that may have signed it, or any may.
    fn open(
        value: &[u8],
        cookie: &str,
        ring: &'a Ring,
        key: Option<&str>,
        policy: &Policy,
        now: Time,
    ) -> Result<Self, Reason> {
        if value.len() > MAX_BYTES {
            return Err(Reason::CredentialTooLong);
        }
        let scheme = &policy.scheme;
        let text = scheme.wire.unwrap(value)?;
        let parts = scheme.grammar.split(&text)?;
        let signature = scheme.signature.decode(parts.signature)?;
        let key = ring.verify(key, parts.signed, &signature, now)?;
        // From here on the text is what a holder of the key wrote.
        let named = parts.name.is_none_or(|name| name == cookie.as_bytes());
        if !named || !scheme.payload.fits(parts.payload) {
            return Err(Reason::ClaimsMalformed);
        }
        let mut times = None;
        if let (Some(time), Some(max_age)) = (parts.time, policy.max_age_seconds) {
            let signed_at = scheme.time.decode(time).ok_or(Reason::ClaimsMalformed)?;
            if signed_at > now.plus_seconds(policy.clock_skew_seconds) {
                return Err(Reason::SessionNotYetValid);
            }
            let end = signed_at.plus_seconds(max_age);
            if now >= end {
                return Err(Reason::SessionExpired);
            }
            times = Some((signed_at, end));
        }
        Ok(Self { key, signature, times, payload: parts.payload.to_vec() })
    }

    /// The session it is, by those signatures.
    fn session(&self, signatures: &[u8]) -> Session {
        let mut session = Session::new(self.key, signatures);
        if let Some((signed_at, end)) = self.times {
            session.end = session.end.min(end);
            session.issued = Some(signed_at);
        }
        session
    }
}
