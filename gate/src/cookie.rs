//! The Cookie and Set-Cookie fields: finding one cookie, and taking dashgate's out while all else stays byte for byte.

use crate::bytes;
use crate::reason::Reason;
use crate::table::Table;

/// What every cookie of dashgate's begins with, whatever the dashboard.
pub const PREFIX: &[u8] = b"__Host-dashgate";

/// Counts the redirects to the portal within a minute; `_` keeps it apart from every dashboard's cookie.
pub const BOUNCE: &[u8] = b"__Host-dashgate_bounce";

/// Holds the token of a connect form from another site's page for the second step.
pub const PENDING: &[u8] = b"__Host-dashgate_pending";

/// One piece between two `;`: its raw text, its name without the spaces around it, its value as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair<'a> {
    raw: &'a [u8],
    /// Before the first `=`; all of it without one.
    pub name: &'a [u8],
    /// After the first `=`.
    pub value: &'a [u8],
    /// Whether the name stands right before its `=`: some servers strip a space there, others make it part of the name.
    exact: bool,
}

/// The pairs of one Cookie field (RFC 6265 section 5.4, as servers read it).
pub fn pairs(field: &[u8]) -> impl Iterator<Item = Pair<'_>> {
    let mut rest = Some(field);
    let pieces = std::iter::from_fn(move || {
        let text = rest?;
        let end = bytes::find(text, b';').unwrap_or(text.len());
        let (raw, after) = text.split_at_checked(end).unwrap_or((text, b""));
        rest = after.get(1..);
        Some(raw)
    });
    pieces.map(|raw| {
        let at = bytes::find(raw, b'=').unwrap_or(raw.len());
        let (name, value) = raw.split_at_checked(at).unwrap_or((raw, b""));
        let (exact, value) = (!name.ends_with(b" "), value.strip_prefix(b"=").unwrap_or(value));
        Pair { raw, name: name.trim_ascii(), value, exact }
    })
}

/// Refuses fields with bytes that cookie parsers disagree about: Tornado strips A0 and 85 where others do not, so
/// `;<A0>name=evil` is a cookie `name` to one and not to the other.
///
/// # Errors
/// `cookie_invalid`.
pub fn check(fields: &[&[u8]]) -> Result<(), Reason> {
    let clean = fields.iter().all(|field| bytes::are_printable(field));
    if clean { Ok(()) } else { Err(Reason::CookieInvalid) }
}

/// The value of the cookie of that name.
///
/// # Errors
/// `credential_repeated` if it occurs twice, `credential_disguised` if a space follows its name: servers differ in what
/// counts then.
pub fn find<'a>(fields: &[&'a [u8]], name: &[u8]) -> Result<Option<&'a [u8]>, Reason> {
    let mut values = fields.iter().flat_map(|field| pairs(field)).filter(|pair| pair.name == name);
    match (values.next(), values.next()) {
        (_, Some(_)) => Err(Reason::CredentialRepeated),
        (Some(pair), None) if !pair.exact => Err(Reason::CredentialDisguised),
        (first, None) => Ok(first.map(|pair| pair.value)),
    }
}

/// A value with the chunks of its cookie behind it, so many: `VALUE; NAME_1=VALUE; NAME_2=VALUE`. What else bears such a name, left
/// from an earlier and longer one, is not looked at.
///
/// # Errors
/// Those of [`find`], for each of them; `token_malformed` where one is missing.
pub fn with_chunks(fields: &[&[u8]], name: &[u8], value: &[u8], count: usize) -> Result<Vec<u8>, Reason> {
    let mut chunks = vec![None; count];
    for pair in fields.iter().flat_map(|field| pairs(field)) {
        let number = pair.name.strip_prefix(name).and_then(|rest| rest.strip_prefix(b"_")).and_then(ordinal);
        let Some(chunk) = number.and_then(|number| chunks.get_mut(number.checked_sub(1)?)) else { continue };
        if chunk.is_some() {
            return Err(Reason::CredentialRepeated);
        }
        if !pair.exact {
            return Err(Reason::CredentialDisguised);
        }
        *chunk = Some(pair.value);
    }
    let mut whole = value.to_vec();
    for (index, chunk) in chunks.into_iter().enumerate() {
        let number = index.saturating_add(1).to_string();
        let value = chunk.ok_or(Reason::TokenMalformed)?;
        whole.extend([b"; ", name, b"_", number.as_bytes(), b"=", value].concat());
    }
    Ok(whole)
}

/// A number from 1 to 99 as it is usually written.
fn ordinal(text: &[u8]) -> Option<usize> {
    let digit = |byte: &u8| byte.is_ascii_digit().then(|| usize::from(byte & 0x0f));
    match text {
        [b'0', ..] => None,
        [one] => digit(one),
        [ten, one] => digit(ten)?.checked_mul(10)?.checked_add(digit(one)?),
        _ => None,
    }
}

/// Cookies by name, some of them by what their names begin with.
#[derive(Debug, Default)]
pub struct Names {
    whole: Table<()>,
    stems: Vec<Box<[u8]>>,
}

impl Names {
    /// One more, and with it those whose names begin with this one's and a `_` where they hold more of the same.
    pub fn insert(&mut self, name: &[u8], and_more: bool) {
        self.whole.insert(name.into(), ());
        if and_more {
            self.stems.push([name, b"_"].concat().into());
        }
    }

    /// Whether the cookie of that name is one of them.
    #[must_use]
    pub fn contains(&self, name: &[u8]) -> bool {
        self.whole.contains_key(name) || self.stems.iter().any(|stem| name.starts_with(stem))
    }
}

/// A Cookie field without the pairs `is_credential` names; `None` where nothing is to be taken out.
#[must_use]
pub fn without(field: &[u8], is_credential: impl Fn(&[u8]) -> bool) -> Option<Vec<u8>> {
    let mut kept = Vec::with_capacity(field.len());
    let mut taken = false;
    for pair in pairs(field) {
        if is_credential(pair.name) {
            taken = true;
        } else if kept.is_empty() {
            kept.extend_from_slice(pair.raw.trim_ascii_start());
        } else {
            kept.push(b';');
            kept.extend_from_slice(pair.raw);
        }
    }
    taken.then_some(kept)
}

/// The name a browser could store a Set-Cookie line under. A line without a name counts by its value, because a
/// browser sends such a cookie as its bare value.
#[must_use]
pub fn name_of_set_cookie(line: &[u8]) -> &[u8] {
    let skip = line.iter().take_while(|byte| **byte <= 0x20 || **byte == b'=').count();
    let line = line.get(skip..).unwrap_or_default();
    let end = line.iter().position(|byte| matches!(byte, b'=' | b';')).unwrap_or(line.len());
    line.get(..end).unwrap_or_default().trim_ascii()
}
