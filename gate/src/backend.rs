//! Private backends: the address a session names, and the addresses a dashboard allows. Decides about the text only; what
//! answers there is the network's business.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An address or a name, with a port, as a session names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Backend<'a> {
    host: Host<'a>,
    port: u16,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Host<'a> {
    Address(IpAddr),
    Name(&'a str),
}

/// Reads `10.20.0.17:43210`, `[2001:db8::17]:43210` or `node17.compute.example.org:43210`, each in its one canonical form.
pub(crate) fn parse(text: &str) -> Option<Backend<'_>> {
    let (host, port) = text.rsplit_once(':')?;
    let port = parse_port(port)?;
    let host = match host.strip_prefix('[') {
        Some(rest) => {
            let text = rest.strip_suffix(']')?;
            let address: Ipv6Addr = text.parse().ok()?;
            (address.to_string() == text).then_some(Host::Address(IpAddr::V6(address)))?
        }
        None => match host.parse::<IpAddr>() {
            Ok(IpAddr::V4(address)) => Host::Address(IpAddr::V4(address)),
            Ok(IpAddr::V6(_)) => return None,
            Err(_) => Host::Name(is_name(host).then_some(host)?),
        },
    };
    Some(Backend { host, port })
}

/// A decimal number from 1 to 65535 without leading zeros.
pub(crate) fn parse_port(text: &str) -> Option<u16> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    text.parse().ok().filter(|_| plain)
}

/// A port, or two with `-` between them.
pub(crate) fn parse_ports(text: &str) -> Option<(u16, u16)> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (parse_port(first)?, parse_port(last)?);
    (first <= last).then_some((first, last))
}

/// A host name in lower case that no resolver takes for an address: its last label begins with a letter.
pub(crate) fn is_name(text: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last = text.rsplit('.').next().unwrap_or_default();
    text.len() <= 253 && text.split('.').all(is_label) && last.starts_with(|first: char| first.is_ascii_lowercase())
}

/// Addresses, or names under a zone, with the ports allowed there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Allowed {
    pub hosts: Hosts,
    /// First and last.
    pub ports: (u16, u16),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Hosts {
    Network(Network),
    /// `.compute.example.org`: what the names end in.
    Zone(String),
}

impl Hosts {
    /// Whether it is more than any cluster has.
    pub fn is_vast(&self) -> bool {
        matches!(self, Self::Network(network) if network.prefix < bits(network.address) / 4)
    }
}

impl Allowed {
    /// Whether a backend is among them.
    pub fn holds(&self, backend: &Backend<'_>) -> bool {
        let (first, last) = self.ports;
        let is_host = match (&self.hosts, &backend.host) {
            (Hosts::Network(network), Host::Address(address)) => network.allows(*address),
            (Hosts::Zone(zone), Host::Name(name)) => name.ends_with(zone.as_str()),
            _ => false,
        };
        is_host && (first..=last).contains(&backend.port)
    }
}

/// A block of addresses (RFC 4632, RFC 4291 section 2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Network {
    address: IpAddr,
    prefix: u32,
}

impl Network {
    /// Reads `10.20.0.0/16`, `2001:db8::/32`, or one address: canonical, with no bit set after the prefix.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let parsed: IpAddr = address.parse().ok()?;
        let bits = bits(parsed);
        let prefix = match prefix {
            None => bits,
            Some("0") => 0,
            Some(text) => parse_port(text).map(u32::from).filter(|prefix| *prefix <= bits)?,
        };
        let network = Self { address: parsed, prefix };
        (parsed.to_string() == address && network.masked(parsed) == number(parsed)).then_some(network)
    }

    /// Whether it is one address.
    pub fn is_exact(&self) -> bool {
        self.prefix == bits(self.address)
    }

    /// Whether it lies wholly in addresses that only an exact entry allows.
    pub fn is_special(&self) -> bool {
        SPECIAL.iter().any(|special| special.prefix <= self.prefix && special.contains(self.address))
    }

    /// Whether an address is in it, and is none of those that must be listed themselves.
    fn allows(&self, address: IpAddr) -> bool {
        self.contains(address) && (self.is_exact() || !SPECIAL.iter().any(|special| special.contains(address)))
    }

    fn contains(&self, address: IpAddr) -> bool {
        bits(self.address) == bits(address) && self.masked(address) == number(self.address)
    }

    fn masked(&self, address: IpAddr) -> u128 {
        let host_bits = bits(address).saturating_sub(self.prefix);
        number(address).checked_shr(host_bits).unwrap_or(0).checked_shl(host_bits).unwrap_or(0)
    }
}

fn bits(address: IpAddr) -> u32 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(u32::from(address)),
        IpAddr::V6(address) => u128::from(address),
    }
}

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u32) -> Network {
    Network { address: IpAddr::V4(Ipv4Addr::new(a, b, c, d)), prefix }
}

const fn v6(high: [u16; 4], low: [u16; 4], prefix: u32) -> Network {
    let ([a, b, c, d], [e, f, g, h]) = (high, low);
    Network { address: IpAddr::V6(Ipv6Addr::new(a, b, c, d, e, f, g, h)), prefix }
}

/// What no block of addresses brings along: this host, this link, every cloud's metadata service, addresses of many, and
/// addresses that carry another one inside (RFC 6890, 4291, 6052, 3056, 4380).
const SPECIAL: [Network; 22] = [
    v4(0, 0, 0, 0, 8),
    v4(127, 0, 0, 0, 8),
    v4(169, 254, 0, 0, 16),
    v4(100, 100, 100, 200, 32), // Alibaba Cloud
    v4(168, 63, 129, 16, 32),   // Azure
    v4(192, 0, 0, 0, 24),       // Oracle Cloud among them
    v4(192, 88, 99, 0, 24),
    v4(224, 0, 0, 0, 4),
    v4(240, 0, 0, 0, 4),
    v6([0; 4], [0; 4], 96),
    v6([0; 4], [0, 0xffff, 0, 0], 96),
    v6([0; 4], [0xffff, 0, 0, 0], 96),
    v6([0x64, 0xff9b, 0, 0], [0; 4], 96),
    v6([0x64, 0xff9b, 1, 0], [0; 4], 48),
    v6([0x2001, 0, 0, 0], [0; 4], 32),
    v6([0x2002, 0, 0, 0], [0; 4], 16),
    v6([0xfd00, 0x42, 0, 0], [0, 0, 0, 0x42], 128),  // Scaleway
    v6([0xfd00, 0xec2, 0, 0], [0; 4], 32),           // Amazon
    v6([0xfd20, 0xce, 0, 0], [0, 0, 0, 0x254], 128), // Google Cloud
    v6([0xfe80, 0, 0, 0], [0; 4], 10),
    v6([0xfec0, 0, 0, 0], [0; 4], 10),
    v6([0xff00, 0, 0, 0], [0; 4], 8),
];
