//! JWT, HS256 or EdDSA, stricter than the libraries that make them (RFC 7515, 7519, 8725; PyJWT 2.15.1 as the maker).
//!
//! Decides whether one token is a session for one audience. Does not decide where tokens may come from.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::bytes;
use crate::facts::Paths;
use crate::json::Json;
use crate::reason::Reason;
use crate::session::{Ring, Session, may_be_subject};
use crate::time::Time;

/// The longest token in bytes, in any carrier.
pub const MAX_BYTES: usize = 8 * 1024;

/// The last second of the year 9999: no NumericDate beyond it is meant.
const LAST_SECOND: u64 = 253_402_300_799;

/// How tokens are signed: said by the configuration, never by the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// HMAC-SHA256 (RFC 7518 section 3.2).
    Hs256,
    /// Ed25519 (RFC 8037), under public keys: the gate can verify and not sign.
    EdDsa,
}

impl Algorithm {
    /// The `alg` that names it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::EdDsa => "EdDSA",
        }
    }
}

/// How one session kind's tokens are judged.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The only `alg` accepted.
    pub algorithm: Algorithm,
    /// Keys that may have signed.
    pub ring: Ring,
    /// The only `iss` accepted; `None`: any.
    pub issuer: Option<String>,
    /// How far clocks may differ.
    pub clock_skew_seconds: u64,
    /// The longest life from `iat` (or, without one, from now) to `exp`.
    pub max_lifetime_seconds: u64,
    /// Where a token says more than whose it is.
    pub facts: Paths,
}

/// Verifies a token for an audience at a time.
///
/// # Errors
/// The reason of the earliest check that fails, in the order of [`Reason`]'s list.
pub fn verify(token: &[u8], policy: &Policy, audience: &str, now: Time) -> Result<Session, Reason> {
    if token.len() > MAX_BYTES {
        return Err(Reason::CredentialTooLong);
    }
    let token = Segments::split(token)?;
    let signature = decode(token.signature)?;
    let key_id = match policy.ring.known_header(token.header) {
        Some(known) => known.map(Cow::Borrowed),
        None => read_header(token.header, policy.algorithm)?.map(Cow::Owned),
    };
    // A forged token costs one operation on the curve, however many keys there are.
    if key_id.is_none() && policy.algorithm == Algorithm::EdDsa && policy.ring.keys().len() > 1 {
        return Err(Reason::KeyUnknown);
    }
    let key = policy.ring.verify(key_id.as_deref(), token.signed, &signature, now)?;
    let mut session = Session::new(key, &signature);
    // Not even base64 is undone before the signature over the received text was checked.
    let payload = decode(token.payload).map_err(|_| Reason::ClaimsMalformed)?;
    let payload = Json::parse(&payload).map_err(|_| Reason::ClaimsMalformed)?;
    session.facts = policy.facts.read(&payload)?;
    Claims::read(&payload)?.apply(&mut session, policy, audience, now)?;
    Ok(session)
}

struct Segments<'a> {
    header: &'a [u8],
    payload: &'a [u8],
    signature: &'a [u8],
    /// The exact bytes the signature covers.
    signed: &'a [u8],
}

impl<'a> Segments<'a> {
    fn split(token: &'a [u8]) -> Result<Self, Reason> {
        let (header, rest) = split_at_dot(token)?;
        let (payload, signature) = split_at_dot(rest)?;
        if header.is_empty() || payload.is_empty() || signature.is_empty() || signature.contains(&b'.') {
            return Err(Reason::TokenMalformed);
        }
        let signed_length = header.len().saturating_add(payload.len()).saturating_add(1);
        let signed = token.get(..signed_length).ok_or(Reason::TokenMalformed)?;
        Ok(Self { header, payload, signature, signed })
    }
}

fn split_at_dot(text: &[u8]) -> Result<(&[u8], &[u8]), Reason> {
    let split = bytes::find(text, b'.').and_then(|at| text.split_at_checked(at));
    let (head, rest) = split.ok_or(Reason::TokenMalformed)?;
    Ok((head, rest.strip_prefix(b".").unwrap_or(rest)))
}

/// Canonical base64url only: no padding, no stray bits, so no two texts are one token.
fn decode(segment: &[u8]) -> Result<Vec<u8>, Reason> {
    URL_SAFE_NO_PAD.decode(segment).map_err(|_| Reason::TokenMalformed)
}

/// Reads the header and returns its key id, the one fact taken from before the signature.
fn read_header(segment: &[u8], algorithm: Algorithm) -> Result<Option<String>, Reason> {
    const REFUSED: [&str; 9] = ["crit", "b64", "zip", "jku", "jwk", "x5u", "x5c", "x5t", "x5t#S256"];
    let text = decode(segment)?;
    let header = Json::parse(&text).map_err(|_| Reason::TokenMalformed)?;
    let Json::Object(members) = &header else { return Err(Reason::TokenMalformed) };
    for name in ["alg", "kid", "typ"] {
        if header.member(name).is_some_and(|value| value.text().is_none()) {
            return Err(Reason::TokenMalformed);
        }
    }
    if header.member("alg").and_then(Json::text) != Some(algorithm.name()) {
        return Err(Reason::AlgorithmNotAllowed);
    }
    if members.iter().any(|(name, _)| REFUSED.contains(&name.as_ref())) {
        return Err(Reason::HeaderParameterNotAllowed);
    }
    Ok(header.member("kid").and_then(Json::text).map(str::to_owned))
}

/// The registered claims (RFC 7519 section 4.1), signature checked, not yet judged.
struct Claims<'a> {
    issuer: Option<&'a str>,
    subject: Option<&'a str>,
    audience: &'a [Json<'a>],
    expires: Time,
    not_before: Option<Time>,
    issued: Option<Time>,
}

impl<'a> Claims<'a> {
    fn read(payload: &'a Json<'a>) -> Result<Self, Reason> {
        if !matches!(payload, Json::Object(_)) {
            return Err(Reason::ClaimsMalformed);
        }
        if text(payload, "jti")?.is_some_and(|text| text.chars().any(char::is_control)) {
            return Err(Reason::ClaimsMalformed);
        }
        Ok(Self {
            issuer: text(payload, "iss")?,
            subject: subject(payload)?.filter(|subject| !subject.is_empty()),
            audience: audience(payload)?,
            expires: date(payload, "exp")?.ok_or(Reason::ClaimsMalformed)?,
            not_before: date(payload, "nbf")?,
            issued: date(payload, "iat")?,
        })
    }

    fn apply(self, session: &mut Session, policy: &Policy, audience: &str, now: Time) -> Result<(), Reason> {
        if policy.issuer.is_some() && self.issuer != policy.issuer.as_deref() {
            return Err(Reason::IssuerNotAllowed);
        }
        if !self.audience.iter().any(|named| named.text() == Some(audience)) {
            return Err(Reason::AudienceNotAllowed);
        }
        let latest_start = now.plus_seconds(policy.clock_skew_seconds);
        if self.not_before.max(self.issued).is_some_and(|start| start > latest_start) {
            return Err(Reason::SessionNotYetValid);
        }
        let last_end = self.issued.unwrap_or(now).plus_seconds(policy.max_lifetime_seconds);
        let mut end = self.expires.plus_seconds(policy.clock_skew_seconds);
        if self.issued.is_some() {
            end = end.min(last_end);
        }
        if now >= end {
            return Err(Reason::SessionExpired);
        }
        if self.expires > last_end {
            return Err(Reason::SessionLifetimeTooLong);
        }
        session.end = session.end.min(end);
        session.subject = self.subject.map(str::to_owned);
        session.issued = self.issued;
        Ok(())
    }
}

fn text<'a>(payload: &'a Json<'_>, name: &str) -> Result<Option<&'a str>, Reason> {
    match payload.member(name) {
        None => Ok(None),
        Some(Json::Text(text)) => Ok(Some(text.as_ref())),
        Some(_) => Err(Reason::ClaimsMalformed),
    }
}

fn subject<'a>(payload: &'a Json<'_>) -> Result<Option<&'a str>, Reason> {
    let text = text(payload, "sub")?;
    if text.is_none_or(may_be_subject) { Ok(text) } else { Err(Reason::ClaimsMalformed) }
}

/// One string, or a list of nothing but strings.
fn audience<'a>(payload: &'a Json<'a>) -> Result<&'a [Json<'a>], Reason> {
    match payload.member("aud") {
        None => Ok(&[]),
        Some(one @ Json::Text(_)) => Ok(std::slice::from_ref(one)),
        Some(Json::List(many)) if many.iter().all(|item| item.text().is_some()) => Ok(many),
        Some(_) => Err(Reason::ClaimsMalformed),
    }
}

/// A NumericDate: a JSON number, seconds from 0 to the end of year 9999, fractions allowed.
fn date(payload: &Json<'_>, name: &str) -> Result<Option<Time>, Reason> {
    match payload.member(name) {
        None => Ok(None),
        Some(Json::Whole(seconds)) if *seconds <= LAST_SECOND => Ok(Some(Time::from_seconds(*seconds))),
        Some(Json::Number(seconds)) if *seconds <= LAST_SECOND as f64 => {
            Time::from_fraction(*seconds).map(Some).ok_or(Reason::ClaimsMalformed)
        }
        Some(_) => Err(Reason::ClaimsMalformed),
    }
}
