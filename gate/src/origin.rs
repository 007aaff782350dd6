//! Origins: their one canonical form (RFC 6454 section 6.2) and the sets they are matched against.

use crate::authority;
use crate::table::Table;

/// Splits a canonical `scheme://host[:port]` of http or https into scheme and authority.
///
/// # Errors
/// A sentence that says which form is expected.
pub fn split(text: &str) -> Result<(&str, &str), &'static str> {
    const EXPECTED: &str = "must be an origin in its canonical form, such as https://host or https://host:8443 \
                            (lower case, no default port, no path)";
    let (scheme, rest) = text.split_once("://").ok_or(EXPECTED)?;
    let parsed = authority::parse(rest.as_bytes()).map_err(|_| EXPECTED)?;
    let default = match scheme {
        "https" => ":443",
        "http" => ":80",
        _ => return Err(EXPECTED),
    };
    if parsed.dotted || parsed.text != rest || rest.ends_with(default) {
        return Err(EXPECTED);
    }
    Ok((scheme, rest))
}

/// Checks an entry of `origins`: an origin, or one whose first label is `*`.
///
/// # Errors
/// A sentence that says which form is expected.
pub fn check_pattern(text: &str) -> Result<(), &'static str> {
    let Some((scheme, rest)) = text.split_once("://*.") else { return split(text).map(|_| ()) };
    split(&format!("{scheme}://{rest}"))?;
    let host = rest.split(':').next().unwrap_or_default();
    if !host.contains('.') && host != "localhost" {
        return Err("has a wildcard over a whole top-level domain");
    }
    Ok(())
}

/// Origins that are allowed: exact ones, and patterns with one wildcard label.
#[derive(Clone, Debug, Default)]
pub struct OriginSet {
    entries: Table<()>,
    wildcards: bool,
}

impl OriginSet {
    /// Adds an entry that passed `check_pattern`.
    pub fn insert(&mut self, entry: &str) {
        self.wildcards |= entry.contains("://*.");
        self.entries.insert(entry.as_bytes().into(), ());
    }

    /// Whether `origin` is allowed. A pattern matches exactly one non-empty label, whole (CVE-2026-21883 matched fewer).
    #[must_use]
    pub fn allows(&self, origin: &[u8]) -> bool {
        let Ok(origin) = std::str::from_utf8(origin) else { return false };
        if origin.contains('*') {
            return false;
        }
        self.entries.contains_key(origin.as_bytes()) || (self.wildcards && self.allows_by_pattern(origin))
    }

    fn allows_by_pattern(&self, origin: &str) -> bool {
        let Some((scheme, rest)) = origin.split_once("://") else { return false };
        let Some((label, parent)) = rest.split_once('.') else { return false };
        let is_label = !label.is_empty()
            && label.len() <= 63
            && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        is_label && self.entries.contains_key(format!("{scheme}://*.{parent}").as_bytes())
    }

    /// Whether there is no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}
