//! Where a request is: its site, and whose part of it the URL names (`https://{subject}.hub.example.org/`,
//! `https://hub.example.org/s/{session}/`). Decides what the URL names, not whether that may be reached.

use std::borrow::Cow;
use std::sync::Arc;

use crate::policy::{Dashboard, Gate, Site};
use crate::session::{MAX_SUBJECT_BYTES, Session};
use crate::target::percent_decoded;

/// What a placeholder in a dashboard's URL stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// `{subject}`: whose session it is.
    Subject,
    /// `{session}`: the session's public id.
    Session,
}

impl Named {
    /// All of them, with the text that stands for each.
    pub const ALL: [(&'static str, Self); 2] = [("{subject}", Self::Subject), ("{session}", Self::Session)];
}

/// The placeholder in a dashboard's URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slot {
    pub named: Named,
    /// The last segment of the path, rather than the first label of the host.
    pub in_path: bool,
}

/// A site, and the label before it where the site is every host under a parent.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub site: Arc<Site>,
    /// A host label in lower case.
    pub label: Option<String>,
}

impl Place {
    /// The origin of a request here.
    pub fn origin(&self) -> Cow<'_, str> {
        match &self.label {
            None => Cow::Borrowed(&self.site.origin),
            Some(label) => Cow::Owned(self.site.origin.replacen('*', label, 1)),
        }
    }

    /// Whether an Origin is that of a request here.
    pub fn is_own(&self, origin: &[u8]) -> bool {
        self.origin().as_bytes() == origin
    }
}

impl Gate {
    /// The place of a host as a request writes it, in lower case and without a trailing dot.
    pub(crate) fn place(&self, authority: &[u8]) -> Option<Place> {
        if let Some(site) = self.sites.get(authority) {
            return Some(Place { site: Arc::clone(site), label: None });
        }
        if self.parents.is_empty() {
            return None;
        }
        let (label, parent) = std::str::from_utf8(authority).ok()?.split_once('.')?;
        let site = self.parents.get(parent.as_bytes()).filter(|_| is_label(label))?;
        Some(Place { site: Arc::clone(site), label: Some(label.to_owned()) })
    }
}

/// Whose part of a dashboard a request is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Whose<'a> {
    /// The URL names nobody.
    Anyones,
    /// The host's label names him, by [`label`].
    Label(&'a str),
    /// The segment names him, by this text.
    Segment(String),
    /// It cannot be anybody's name.
    Nobodys,
}

impl Dashboard {
    /// Whose part of it a path at a place is.
    pub(crate) fn whose<'a>(&self, place: &'a Place, path: &[u8]) -> Whose<'a> {
        match (self.slot, &place.label) {
            (None, _) => Whose::Anyones,
            (Some(Slot { in_path: false, .. }), Some(label)) => Whose::Label(label),
            (Some(Slot { in_path: true, .. }), _) => path
                .strip_prefix(self.path.as_ref())
                .and_then(|rest| rest.split(|byte| *byte == b'/').next())
                .and_then(segment)
                .map_or(Whose::Nobodys, Whose::Segment),
            (Some(_), None) => Whose::Nobodys,
        }
    }

    /// The cookie that holds its session there: one for each session that a path names, so that a browser can hold many.
    pub(crate) fn cookie_for(&self, whose: &Whose<'_>) -> Cow<'_, str> {
        match (self.slot, whose) {
            (Some(Slot { named: Named::Session, in_path: true }), Whose::Segment(id)) => {
                Cow::Owned(format!("{}{}", self.cookie_stem(), label(id)))
            }
            _ => Cow::Borrowed(&self.cookie),
        }
    }

    /// What the names of the cookies begin with that a path's sessions have: no dashboard's name holds the `_`.
    pub(crate) fn cookie_stem(&self) -> String {
        format!("{}_", self.cookie)
    }
}

impl Whose<'_> {
    /// Whether a session is the one that the URL names.
    pub fn is(&self, named: Named, session: &Session) -> bool {
        let name = match named {
            Named::Subject => session.subject(),
            Named::Session => session.facts.id.as_deref(),
        };
        match (self, name) {
            (Self::Label(shown), Some(name)) => label(name) == *shown,
            (Self::Segment(shown), Some(name)) => shown == name,
            _ => false,
        }
    }
}

/// A path's segment as the name it stands for, decoded once. None where some server could read another name: what an
/// escape hides may be undone twice.
fn segment(raw: &[u8]) -> Option<String> {
    // No name is longer, so nothing is done for one that is, whoever asks.
    if raw.len() > MAX_SUBJECT_BYTES.saturating_mul(3) {
        return None;
    }
    let text = String::from_utf8(percent_decoded(raw)).ok()?;
    let fine = (1..=MAX_SUBJECT_BYTES).contains(&text.len())
        && !text.chars().any(|each| each.is_control() || matches!(each, '%' | '/' | '\\'));
    fine.then_some(text)
}

/// Whether a text is a host label that browsers leave as it is: RFC 1123, in lower case, none that IDNA reserves.
pub(crate) fn is_label(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
        && text.get(2..4) != Some("--")
}

/// The host label of a name: the name itself where it is one, else `x-` and the name with each byte but `a-z` and `0-9`
/// written as `-` and two hexadecimal digits. No two names have one label, as names that begin with `x-` are encoded, too.
/// A name whose label has more than 63 bytes has no host of its own.
#[must_use]
pub fn label(name: &str) -> String {
    if is_label(name) && !name.starts_with("x-") {
        return name.to_owned();
    }
    let mut label = String::from("x-");
    for byte in name.bytes() {
        if byte.is_ascii_lowercase() || byte.is_ascii_digit() {
            label.push(char::from(byte));
        } else {
            label.push('-');
            label.push_str(&crate::session::hexadecimal(&[byte]));
        }
    }
    label
}
