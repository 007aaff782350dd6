//! What a text of the configuration must be: one check each, with the sentence that says what is expected.

use super::url::Url;
use crate::backend::{self, Network};
use crate::{origin, target, time};

/// What a check says: nothing, or what the text must be.
pub type Check = Result<(), &'static str>;

/// Turns a condition into a check's result.
fn holds(condition: bool, otherwise: &'static str) -> Check {
    if condition { Ok(()) } else { Err(otherwise) }
}

/// A key id or session kind.
pub fn name(text: &str) -> Check {
    let fine = (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    holds(fine, "must be 1 to 64 letters, digits, - or _")
}

/// A dashboard's name: it goes into a cookie's name, a metric's and a URL.
pub fn label(text: &str) -> Check {
    let fine = (1..=63).contains(&text.len())
        && !text.starts_with('-')
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    holds(fine, "must be 1 to 63 lower-case letters, digits or -, not beginning with -")
}

pub fn variable(text: &str) -> Check {
    let fine = !text.is_empty()
        && !text.starts_with(|first: char| first.is_ascii_digit())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    holds(fine, "must be the name of an environment variable, not the key itself")
}

pub fn instant(text: &str) -> Check {
    time::parse_utc(text).map(|_| ())
}

pub fn printable(text: &str) -> Check {
    holds(!text.is_empty() && !text.chars().any(char::is_control), "must not be empty or hold control characters")
}

pub fn exact_origin(text: &str) -> Check {
    origin::split(text).map(|_| ())
}

pub fn salt(text: &str) -> Check {
    holds(text.len() <= 256, "must be at most 256 bytes")
}

pub fn path(text: &str) -> Check {
    let fine = text == "." || members(text).is_ok();
    holds(fine, "must be names with dots between them, or one dot for the whole text")
}

pub fn members(text: &str) -> Check {
    let fine = printable(text).is_ok() && text.split('.').all(|member| (1..=64).contains(&member.len()));
    holds(fine, "must be names with dots between them")
}

pub fn network(text: &str) -> Check {
    const EXPECTED: &str =
        "must be a network such as 10.20.0.0/16 or 2001:db8::/32 with no bit set after the prefix, or an address";
    let network = Network::parse(text).ok_or(EXPECTED)?;
    holds(
        network.is_exact() || !network.is_special(),
        "is loopback, link-local, metadata, multicast or translated addresses: list each by itself",
    )
}

pub fn zone(text: &str) -> Check {
    holds(
        backend::is_name(text) && text.contains('.') && !text.ends_with(".localhost"),
        "must be a domain of two labels or more in lower case, such as compute.example.org",
    )
}

pub fn ports(text: &str) -> Check {
    backend::parse_ports(text).map(|_| ()).ok_or("must be a port, or two with - between them, the smaller first")
}

pub fn token(text: &str) -> Check {
    let fine =
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte));
    holds(fine, "must be a token (RFC 9110 section 5.6.2)")
}

pub fn cookie_name(text: &str) -> Check {
    holds(
        token(text).is_ok() && !text.starts_with("__Host-dashgate_"),
        "must be a cookie name (RFC 6265) that does not begin with __Host-dashgate_",
    )
}

/// A cookie of the app's own: none that the gate sets, clears or removes as its own.
pub fn kind_cookie(text: &str) -> Check {
    const OWN: &str = "__host-dashgate";
    let is_own = text.get(..OWN.len()).is_some_and(|head| head.eq_ignore_ascii_case(OWN));
    holds(token(text).is_ok() && !is_own, "must be a cookie name (RFC 6265) that does not begin with __Host-dashgate")
}

pub fn address(text: &str) -> Check {
    Url::parse(text).map(|_| ())
}

pub fn link(text: &str) -> Check {
    let fine = (text.starts_with("https://") || text.starts_with("http://"))
        && text.bytes().all(|byte| (0x21..=0x7e).contains(&byte) && !matches!(byte, b'#' | b'"' | b'<' | b'>' | b'\\'));
    holds(fine, "must be an http or https URL without a fragment")
}

pub fn public(text: &str) -> Check {
    if text == "/" {
        return Err("must not be / (that would open everything; use open: true for that)");
    }
    let plain =
        target::parse(text.as_bytes()).ok().filter(|plain| plain.query.is_none() && plain.own_endpoint().is_none());
    holds(
        plain.is_some(),
        "must be a plain path such as /static/ (no dot segments, no //, no encoded slashes, no query)",
    )
}
