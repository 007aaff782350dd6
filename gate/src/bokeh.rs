//! Bokeh's signed session ids and tokens, exactly as Bokeh 3.9 makes them (`bokeh.util.token`).
//!
//! Ids and tokens share a key and a shape, and Bokeh takes either for the other; here each has a grammar the other fails.
//! A token's deflated part is never inflated: nothing the gate needs is in it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::json::Json;
use crate::reason::Reason;
use crate::session::{Ring, Session};
use crate::time::Time;

/// The longest token in bytes: it carries the page request's cookies, so it grows with them.
pub const MAX_TOKEN_BYTES: usize = 24 * 1024;

const ID_BASE_BYTES: usize = 44;
const SIGNATURE_BYTES: usize = 43;

/// Verifies a signed session id (`generate_session_id`). It has no time in it: only the key's retirement ends it.
///
/// # Errors
/// The reason of the earliest check that fails.
pub fn verify_id(id: &[u8], ring: &Ring, now: Time) -> Result<Session, Reason> {
    let (base, signature) = split_id(id)?;
    let key = ring.verify(None, base, &signature, now)?;
    Ok(Session::new(key, &signature))
}

/// 44 letters and digits, a dot, 43 characters of canonical base64url.
fn split_id(id: &[u8]) -> Result<(&[u8], Vec<u8>), Reason> {
    let (base, rest) = id.split_at_checked(ID_BASE_BYTES).ok_or(Reason::TokenMalformed)?;
    let signature = rest.strip_prefix(b".").ok_or(Reason::TokenMalformed)?;
    if signature.len() != SIGNATURE_BYTES || !base.iter().all(u8::is_ascii_alphanumeric) {
        return Err(Reason::TokenMalformed);
    }
    Ok((base, decode(signature)?))
}

/// Verifies a token (`generate_jwt_token`), its expiry included, and returns the session of the id inside.
///
/// # Errors
/// The reason of the earliest check that fails.
pub fn verify_token(token: &[u8], ring: &Ring, now: Time) -> Result<Session, Reason> {
    let token = open_token(token, ring, now)?;
    // No skew: Bokeh allows none, and a token it would refuse after the 101 is better refused before.
    if now >= token.expires { Err(Reason::SessionExpired) } else { Ok(token.session) }
}

/// Whether a page's own query, which it appends to its WebSocket's URL, names the session of the WebSocket's token.
/// Bokeh ignores it there; two different sessions in one request are refused all the same.
#[must_use]
pub fn names_same_session(session: &Session, id: Option<&[u8]>, token: Option<&[u8]>, ring: &Ring, now: Time) -> bool {
    let same = |other: Result<Session, Reason>| other.is_ok_and(|other| other.fingerprint() == session.fingerprint());
    id.is_none_or(|id| same(verify_id(id, ring, now)))
        && token.is_none_or(|token| same(open_token(token, ring, now).map(|token| token.session)))
}

struct Token {
    session: Session,
    expires: Time,
}

fn open_token(token: &[u8], ring: &Ring, now: Time) -> Result<Token, Reason> {
    if token.len() > MAX_TOKEN_BYTES {
        return Err(Reason::CredentialTooLong);
    }
    let dot = token.iter().position(|byte| *byte == b'.').ok_or(Reason::TokenMalformed)?;
    let (signed, rest) = token.split_at_checked(dot).ok_or(Reason::TokenMalformed)?;
    let signature = rest.strip_prefix(b".").ok_or(Reason::TokenMalformed)?;
    if signed.is_empty() || signature.len() != SIGNATURE_BYTES {
        return Err(Reason::TokenMalformed);
    }
    let signature = decode(signature)?;
    let key = ring.verify(None, signed, &signature, now)?;
    // Not even base64 is undone before the signature over the received text was checked.
    let payload = decode(signed).map_err(|_| Reason::ClaimsMalformed)?;
    let payload = Json::parse(&payload).map_err(|_| Reason::ClaimsMalformed)?;
    let (id, expires) = read_payload(&payload)?;
    let (base, id_signature) = split_id(id.as_bytes()).map_err(|_| Reason::ClaimsMalformed)?;
    // The same key for both, as Bokeh has one key: an id of a retired key does not live on in tokens of a new one.
    if !key.verifies(base, &id_signature) {
        return Err(Reason::ClaimsMalformed);
    }
    Ok(Token { session: Session::new(key, &id_signature), expires })
}

fn read_payload<'a>(payload: &'a Json<'_>) -> Result<(&'a str, Time), Reason> {
    let (mut id, mut expires) = (None, None);
    for (name, value) in payload.members() {
        match (name.as_ref(), value) {
            ("session_id", Json::Text(text)) => id = Some(text.as_ref()),
            ("session_expiry", Json::Whole(seconds)) => expires = Some(Time::from_seconds(*seconds)),
            ("__bk__zlib_", Json::Text(_)) => {}
            _ => return Err(Reason::ClaimsMalformed),
        }
    }
    id.zip(expires).ok_or(Reason::ClaimsMalformed)
}

fn decode(text: &[u8]) -> Result<Vec<u8>, Reason> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| Reason::TokenMalformed)
}
