//! The authority of a request: exactly `host[:port]`. Decides its form, not whom it names.

use std::net::Ipv6Addr;

use crate::reason::Reason;

/// A well-formed authority in lower case, without its trailing dot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority {
    /// `host[:port]` in ASCII lower case, the port as written.
    pub text: String,
    /// Whether the host was written with a trailing dot.
    pub dotted: bool,
}

/// Reads an authority.
///
/// # Errors
/// `authority_invalid` for anything that two readers could understand in two ways: userinfo, lists, odd ports, odd hosts.
pub fn parse(value: &[u8]) -> Result<Authority, Reason> {
    let text = std::str::from_utf8(value).map_err(|_| Reason::AuthorityInvalid)?.to_ascii_lowercase();
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (address, port) = rest.split_once(']').ok_or(Reason::AuthorityInvalid)?;
            let parsed: Ipv6Addr = address.parse().map_err(|_| Reason::AuthorityInvalid)?;
            if parsed.to_string() != address {
                return Err(Reason::AuthorityInvalid);
            }
            (None, port)
        }
        None => {
            let at = text.find(':').unwrap_or(text.len());
            let (host, port) = text.split_at_checked(at).ok_or(Reason::AuthorityInvalid)?;
            (Some(host), port)
        }
    };
    if !port.is_empty() && !is_port(port) {
        return Err(Reason::AuthorityInvalid);
    }
    let Some(host) = host else { return Ok(Authority { text, dotted: false }) };
    match host.strip_suffix('.') {
        Some(dotless) if is_host(dotless) => Ok(Authority { text: format!("{dotless}{port}"), dotted: true }),
        None if is_host(host) => Ok(Authority { text, dotted: false }),
        _ => Err(Reason::AuthorityInvalid),
    }
}

/// `:` and 1 to 65535 without leading zeros.
fn is_port(text: &str) -> bool {
    let digits = text.strip_prefix(':').unwrap_or_default();
    digits.bytes().all(|byte| byte.is_ascii_digit())
        && !digits.starts_with('0')
        && digits.parse::<u16>().is_ok_and(|port| port > 0)
}

/// Labels of letters, digits, `-` and `_`, none empty, 253 bytes at most.
fn is_host(host: &str) -> bool {
    host.len() <= 253
        && host.split('.').all(|label| {
            !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        })
}
