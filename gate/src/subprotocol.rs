//! Sec-WebSocket-Protocol as a carrier: `dashgate, <credential>` and Bokeh's own `bokeh, <token>`.

use crate::reason::Reason;

/// The marker a client offers before its credential, and that is answered when the upstream selects nothing.
pub const MARKER: &[u8] = b"dashgate";
const BOKEH: &[u8] = b"bokeh";

/// What the offered subprotocols carry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offer<'a> {
    /// The item after the marker.
    pub marked: Option<&'a [u8]>,
    /// The item after `bokeh`.
    pub bokeh: Option<&'a [u8]>,
    items: Vec<&'a [u8]>,
}

/// Reads all Sec-WebSocket-Protocol fields as the one list they are (RFC 6455 section 11.3.4).
///
/// `reads_marker` and `reads_bokeh`: which of the two forms some session kind reads.
///
/// # Errors
/// `credential_repeated` for a marker twice; `token_malformed` for one without a credential; `credential_disguised` for
/// `bokeh` in any other form than two items, which Bokeh itself refuses only after the 101.
pub fn parse<'a>(fields: &[&'a [u8]], reads_marker: bool, reads_bokeh: bool) -> Result<Offer<'a>, Reason> {
    let mut offer = Offer::default();
    for item in fields.iter().flat_map(|field| field.split(|byte| *byte == b',')) {
        if !item.iter().all(|byte| (0x20..=0x7e).contains(byte) || *byte == b'\t') {
            return Err(Reason::CredentialDisguised);
        }
        offer.items.push(item);
    }
    let mut items = offer.items.iter().map(|item| item.trim_ascii());
    let mut others = Vec::new();
    while let Some(item) = items.next() {
        if reads_marker && item == MARKER {
            let credential = items.next().filter(|credential| !credential.is_empty()).ok_or(Reason::TokenMalformed)?;
            if offer.marked.replace(credential).is_some() {
                return Err(Reason::CredentialRepeated);
            }
        } else {
            others.push(item);
        }
    }
    if reads_bokeh && others.iter().any(|item| item.eq_ignore_ascii_case(BOKEH)) {
        let [first, token] = others.as_slice() else { return Err(Reason::CredentialDisguised) };
        if *first != BOKEH {
            return Err(Reason::CredentialDisguised);
        }
        offer.bokeh = Some(token);
    }
    Ok(offer)
}

impl Offer<'_> {
    /// The list without its credentials: the marker goes with its credential, `bokeh` stays.
    /// `None` where nothing is to be taken out; an empty list where nothing is left.
    #[must_use]
    pub fn without(&self, take_marked: bool, take_bokeh: bool) -> Option<Vec<u8>> {
        let takes_marked = take_marked && self.marked.is_some();
        let takes_bokeh = take_bokeh && self.bokeh.is_some();
        if !takes_marked && !takes_bokeh {
            return None;
        }
        let mut kept: Vec<u8> = Vec::new();
        let mut items = self.items.iter();
        let mut push = |item: &[u8]| {
            if kept.is_empty() {
                kept.extend_from_slice(item.trim_ascii_start());
            } else {
                kept.push(b',');
                kept.extend_from_slice(item);
            }
        };
        let mut is_token = false;
        while let Some(item) = items.next() {
            if self.marked.is_some() && item.trim_ascii() == MARKER {
                // What follows is the marker's credential, even if it reads `bokeh`, as `parse` has it.
                let pair = [Some(item), items.next()];
                pair.into_iter().flatten().filter(|_| !takes_marked).for_each(|item| push(item));
            } else if std::mem::take(&mut is_token) {
                // Bokeh's token: left out.
            } else {
                push(item);
                is_token = takes_bokeh && item.trim_ascii() == BOKEH;
            }
        }
        Some(kept)
    }
}
