//! Bokeh's credentials in a query: finding them exactly, refusing their disguises, taking them out.

use crate::reason::Reason;
use crate::target::percent_decoded;

/// The parameter that carries a signed session id.
pub const SESSION_ID: &[u8] = b"bokeh-session-id";
/// The parameter that carries a token.
pub const TOKEN: &[u8] = b"bokeh-token";

/// Which of Bokeh's parameters a piece of a query is.
fn exact_name(piece: &[u8]) -> Option<&'static [u8]> {
    let name = piece.split(|byte| *byte == b'=').next().unwrap_or_default();
    [SESSION_ID, TOKEN].into_iter().find(|known| *known == name)
}

/// Whether Tornado, or a server that splits at `;` or ignores case, could take a piece for one of the parameters,
/// though it is not written as one: Tornado decodes names and strips what it takes for space around them.
fn is_disguised(piece: &[u8]) -> bool {
    piece.split(|byte| *byte == b';').enumerate().any(|(position, part)| {
        let name = part.split(|byte| *byte == b'=').next().unwrap_or_default();
        // Undoing a disguise only ever shortens, so a shorter name is neither.
        if name.len() < TOKEN.len() {
            return false;
        }
        let mut plain = percent_decoded(name);
        plain.retain(|byte| byte.is_ascii_graphic() && *byte != b'+');
        plain.make_ascii_lowercase();
        let names_credential = plain == SESSION_ID || plain == TOKEN;
        names_credential && (position > 0 || exact_name(piece).is_none())
    })
}

/// Bokeh's parameters of a query.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Found<'a> {
    /// `bokeh-session-id`
    pub session_id: Option<&'a [u8]>,
    /// `bokeh-token`
    pub token: Option<&'a [u8]>,
}

impl Found<'_> {
    /// Whether any of them is there.
    #[must_use]
    pub fn any(&self) -> bool {
        self.session_id.is_some() || self.token.is_some()
    }
}

/// Finds Bokeh's parameters.
///
/// # Errors
/// `credential_disguised`, or `credential_repeated` where one occurs twice (Tornado takes the last, others the first).
pub fn find(query: &[u8]) -> Result<Found<'_>, Reason> {
    let mut found = Found::default();
    for piece in query.split(|byte| *byte == b'&') {
        if is_disguised(piece) {
            return Err(Reason::CredentialDisguised);
        }
        let Some(name) = exact_name(piece) else { continue };
        let value = piece.strip_prefix(name).unwrap_or_default();
        let value = value.strip_prefix(b"=").unwrap_or(value);
        let slot = if name == TOKEN { &mut found.token } else { &mut found.session_id };
        if slot.replace(value).is_some() {
            return Err(Reason::CredentialRepeated);
        }
    }
    Ok(found)
}

/// A path and query without Bokeh's parameters; all else byte for byte.
#[must_use]
pub fn without(path: &[u8], query: &[u8]) -> Vec<u8> {
    let mut kept = path.to_vec();
    let mut separator = b'?';
    for piece in query.split(|byte| *byte == b'&').filter(|piece| exact_name(piece).is_none()) {
        kept.push(separator);
        kept.extend_from_slice(piece);
        separator = b'&';
    }
    kept
}
