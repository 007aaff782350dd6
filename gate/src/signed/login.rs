//! Streamlit's logins: JSON that names the origin it was made at, in one cookie or, if it is long, in chunks.
//!
//! Decides whether a login is whole, and this dashboard's. A chunked one is read as it would stand in a Cookie field:
//! `VALUE; NAME_1=VALUE; NAME_2=VALUE`. The first value says how many chunks there are, and each is signed by itself.

use super::payload::MAX_INFLATED_BYTES;
use super::{Part, Policy};
use crate::json::Json;
use crate::reason::Reason;
use crate::session::Session;
use crate::time::Time;

/// The most chunks of one login: 16 cookies of 4,096 bytes are more than Envoy lets any request have.
pub const MAX_CHUNKS: usize = 16;
/// How far apart the parts of one login may be signed: Streamlit signs all within one call. Nothing else ties them together, so
/// that one who logs in twice within that time can join parts of both, which is why chunks are taken only where that is said.
const MAX_APART_SECONDS: u64 = 1;

/// How many chunks a login has that the first cookie says is in chunks; `None` of a whole one.
///
/// # Errors
/// Those of the first cookie. Only a key's holder gets past it: a login without one costs no search for chunks.
pub fn chunk_count(value: &[u8], policy: &Policy, now: Time) -> Result<Option<usize>, Reason> {
    let first = Part::open(value, &policy.cookie, &policy.ring, None, policy, now)?;
    let text = policy.scheme.payload.decode(&first.payload)?;
    Ok((2..=MAX_CHUNKS).find(|count| text.as_ref() == format!("chunks-{count}").as_bytes()))
}

/// Verifies a login, whole or in chunks.
///
/// # Errors
/// Of the first part that fails, the reason of its earliest failing check; then what is wrong with the whole.
pub fn verify(value: &[u8], policy: &Policy, origin: &str, now: Time) -> Result<Session, Reason> {
    let mut pieces = value.split(|byte| *byte == b';');
    let first = pieces.next().unwrap_or_default();
    let mut first = Part::open(first, &policy.cookie, &policy.ring, None, policy, now)?;
    let mut chunks = Vec::new();
    for piece in pieces {
        let (name, ring) = policy.chunks.get(chunks.len()).ok_or(Reason::TokenMalformed)?;
        let value = piece.strip_prefix(b" ").and_then(|piece| piece.strip_prefix(name.as_bytes()));
        let value = value.and_then(|piece| piece.strip_prefix(b"=")).ok_or(Reason::TokenMalformed)?;
        chunks.push(Part::open(value, name, ring, Some(first.key.id()), policy, now)?);
    }
    // Every signature is good from here on.
    let payload = match chunks.is_empty() {
        true => policy.scheme.payload.decode(&first.payload)?.into_owned(),
        false => joined(&mut first, &chunks, policy)?,
    };
    let login = Json::parse(&payload).ok().filter(|login| matches!(login, Json::Object(_)));
    let login = login.ok_or(Reason::ClaimsMalformed)?;
    if login.member("origin").and_then(Json::text) != Some(origin) {
        return Err(Reason::AudienceNotAllowed);
    }
    if !matches!(login.member("is_logged_in"), Some(Json::Bool(true))) {
        return Err(Reason::SubjectMissing);
    }
    let signatures: Vec<u8> =
        [&first].into_iter().chain(&chunks).flat_map(|part| part.signature.iter().copied()).collect();
    policy.read(first.session(&signatures), &payload)
}

/// The text of all chunks, in order; the first part then ends with the earliest of them.
fn joined(first: &mut Part<'_>, chunks: &[Part<'_>], policy: &Policy) -> Result<Vec<u8>, Reason> {
    let count = policy.scheme.payload.decode(&first.payload)?;
    // What fits one cookie has no chunks.
    if chunks.len() < 2 || count.as_ref() != format!("chunks-{}", chunks.len()).as_bytes() {
        return Err(Reason::ClaimsMalformed);
    }
    let times = || chunks.iter().chain([&*first]).filter_map(|part| part.times);
    let (earliest, latest) = (times().map(|(signed, _)| signed).min(), times().map(|(signed, _)| signed).max());
    if let (Some(earliest), Some(latest)) = (earliest, latest)
        && latest > earliest.plus_seconds(MAX_APART_SECONDS)
    {
        return Err(Reason::ClaimsMalformed);
    }
    // Of the earliest both the time and the end.
    first.times = times().min_by_key(|(_, end)| *end);
    let mut whole = Vec::new();
    for chunk in chunks {
        whole.extend_from_slice(&policy.scheme.payload.decode(&chunk.payload)?);
        if whole.len() > MAX_INFLATED_BYTES {
            return Err(Reason::ClaimsMalformed);
        }
    }
    Ok(whole)
}
