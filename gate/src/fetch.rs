//! Fetch metadata (W3C): which site's page asked, and what for. Decides nothing about sessions.

use crate::reason::Reason;
use crate::request::{Field, Request};

const FRAMES: [&[u8]; 5] = [b"iframe", b"frame", b"embed", b"object", b"fencedframe"];

/// Checks Sec-Fetch-Site and -Dest, where a client sends them.
///
/// # Errors
/// `fetch_metadata_invalid`, `frame_not_allowed`, `site_not_allowed`.
pub(crate) fn check(request: &Request<'_>, embeds: bool, origin_allowed: bool) -> Result<(), Reason> {
    let site = once(request.site)?;
    let destination = once(request.destination)?;
    once(request.mode)?;
    let own = match site {
        None | Some(b"same-origin" | b"none") => true,
        Some(b"same-site" | b"cross-site") => false,
        Some(_) => return Err(Reason::FetchMetadataInvalid),
    };
    if destination.is_some_and(|destination| FRAMES.contains(&destination)) {
        let allowed = embeds || site == Some(b"same-origin");
        return if allowed { Ok(()) } else { Err(Reason::FrameNotAllowed) };
    }
    if own || origin_allowed || request.is_navigation() { Ok(()) } else { Err(Reason::SiteNotAllowed) }
}

fn once(field: Field<'_>) -> Result<Option<&[u8]>, Reason> {
    match field {
        Field::Absent => Ok(None),
        Field::One(value)
            if !value.is_empty() && value.iter().all(|byte| byte.is_ascii_lowercase() || *byte == b'-') =>
        {
            Ok(Some(value))
        }
        _ => Err(Reason::FetchMetadataInvalid),
    }
}

/// Whether the answer could end up in a frame: not if the browser says it is for something else.
pub(crate) fn may_be_framed(request: &Request<'_>) -> bool {
    match request.destination {
        Field::One(destination) => destination == b"document" || FRAMES.contains(&destination),
        _ => true,
    }
}
