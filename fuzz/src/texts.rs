//! The small parsers, each beside a plainer reading of the same text: what they find, what they leave, what they let
//! by.

use gate::{Time, authority, cookie, query, target, time as clock};

const NAME: &[u8] = b"__Host-dashgate-report";

/// A Cookie field, read as servers read it: split at `;`, then at the first `=`, spaces around the name dropped.
fn plain_pairs(field: &[u8]) -> Vec<(&[u8], &[u8])> {
    let pieces = field.split(|byte| *byte == b';').map(|piece| {
        let mut parts = piece.splitn(2, |byte| *byte == b'=');
        (parts.next().unwrap_or_default().trim_ascii(), parts.next().unwrap_or_default())
    });
    pieces.collect()
}

/// Cookies: up to two fields, with a line break between them.
pub fn cookie(data: &[u8]) {
    let fields: Vec<&[u8]> = data.splitn(2, |byte| *byte == b'\n').collect();
    let printable = data.iter().filter(|byte| **byte != b'\n' || fields.len() < 2);
    let is_clean = printable.clone().all(|byte| (0x20..=0x7e).contains(byte));
    if fields.iter().all(|field| !field.contains(&b'\n')) {
        assert_eq!(cookie::check(&fields).is_ok(), is_clean);
    }
    let mut values = Vec::new();
    for field in &fields {
        let (found, plain): (Vec<_>, _) =
            (cookie::pairs(field).map(|pair| (pair.name, pair.value)).collect(), plain_pairs(field));
        assert_eq!(found, plain);
        values.extend(plain.iter().filter(|(name, _)| *name == NAME).map(|(_, value)| *value));
        check_without(field, &plain);
    }
    match (cookie::find(&fields, NAME), values.as_slice()) {
        (Ok(found), []) => assert_eq!(found, None),
        (Ok(found), [value]) => assert_eq!(found, Some(*value)),
        (Ok(_), _) => panic!("a cookie that occurs twice was found once"),
        (Err(_), values) => assert!(!values.is_empty(), "what is not there was refused"),
    }
    if let [line, ..] = fields.as_slice() {
        let name = cookie::name_of_set_cookie(line);
        assert!(!name.contains(&b'=') && !name.contains(&b';') && name == name.trim_ascii());
    }
}

/// What is taken out is gone, and what is left is the rest, in order.
fn check_without(field: &[u8], plain: &[(&[u8], &[u8])]) {
    let is_credential = |name: &[u8]| name.starts_with(cookie::PREFIX);
    let rest: Vec<_> = plain.iter().filter(|(name, _)| !is_credential(name)).copied().collect();
    match cookie::without(field, is_credential) {
        None => assert_eq!(rest.len(), plain.len(), "a credential was left"),
        Some(kept) => {
            assert!(rest.len() < plain.len(), "nothing was to be taken out");
            // An empty piece at the front leaves no trace: it says nothing.
            let told = |pairs: &[(&[u8], &[u8])]| -> Vec<(Vec<u8>, Vec<u8>)> {
                let all = pairs.iter().map(|(name, value)| (name.to_vec(), value.to_vec()));
                all.filter(|(name, value)| !name.is_empty() || !value.is_empty()).collect()
            };
            assert_eq!(told(&plain_pairs(&kept)), told(&rest));
            assert_eq!(cookie::without(&kept, is_credential), None, "a second time takes more out");
        }
    }
}

/// Seeds for `cookie`.
pub fn cookies() -> Vec<Vec<u8>> {
    owned(&[
        "theme=dark; __Host-dashgate-report=a.b.c; lang=en",
        "__Host-dashgate-report=1\n__Host-dashgate-report=2",
        "__Host-dashgate-report =x;;=;a=b=c; __host-dashgate-report=y",
        "__Host-dashgate_bounce=2; Path=/; HttpOnly",
        "user=\"2|1:0|10:1800000000|4:user|4:YWRh|00\"; \u{a0}__Host-dashgate-report=z",
    ])
}

/// A parameter's name as Tornado reads it: decoded, `+` and control characters are spaces, spaces around it dropped.
fn tornado_name(piece: &[u8]) -> Vec<u8> {
    let name = piece.split(|byte| *byte == b'=').next().unwrap_or_default();
    let spaced: Vec<u8> = name.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    let decoded = target::percent_decoded(&spaced);
    let spaced: Vec<u8> = decoded.iter().map(|byte| if *byte < 0x20 { b' ' } else { *byte }).collect();
    String::from_utf8_lossy(&spaced).trim().as_bytes().to_vec()
}

/// Queries: what Tornado takes for a credential is found or refused, and what is taken out leaves none.
pub fn query(data: &[u8]) {
    let Ok(found) = query::find(data) else { return };
    let pieces: Vec<&[u8]> = data.split(|byte| *byte == b'&').collect();
    for (name, value) in [(query::SESSION_ID, found.session_id), (query::TOKEN, found.token)] {
        let seen: Vec<&&[u8]> = pieces.iter().filter(|piece| tornado_name(piece) == name).collect();
        assert_eq!(seen.len(), usize::from(value.is_some()), "Tornado sees another number of them");
        if let (Some(value), [piece]) = (value, seen.as_slice()) {
            assert!(piece.ends_with(value) && piece.starts_with(name));
        }
    }
    let without = query::without(b"/app", data);
    let mut halves = without.splitn(2, |byte| *byte == b'?');
    assert_eq!(halves.next(), Some(&b"/app"[..]));
    let left: Vec<&[u8]> = halves.next().map(|rest| rest.split(|byte| *byte == b'&').collect()).unwrap_or_default();
    let names = [query::SESSION_ID, query::TOKEN].map(<[u8]>::to_vec);
    let others: Vec<&[u8]> = pieces.into_iter().filter(|piece| !names.contains(&tornado_name(piece))).collect();
    assert_eq!(left, others, "something else was changed");
}

/// Seeds for `query`.
pub fn queries() -> Vec<Vec<u8>> {
    owned(&[
        "bokeh-session-id=abc.def&theme=dark",
        "a=b&bokeh-token=x.y&c",
        "bokeh-token",
        "%62okeh-token=1",
        "a;bokeh-token=1&+bokeh-session-id+=2",
        "Bokeh-Token=1&bokeh-token=2&&=",
        "%00bokeh-session-id=1&bokeh%2Dtoken=2",
    ])
}

/// Authorities: what is accepted is `host[:port]` in its one form.
pub fn authority(data: &[u8]) {
    let Ok(parsed) = authority::parse(data) else { return };
    let text = parsed.text.as_str();
    assert_eq!(data.len(), text.len() + usize::from(parsed.dotted));
    assert!(!text.bytes().any(|byte| byte.is_ascii_uppercase() || b"@/\\,;? #%".contains(&byte) || byte <= 0x20));
    let again = authority::parse(text.as_bytes()).expect("its own text is an authority");
    assert_eq!((again.text.as_str(), again.dotted), (text, false));
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    };
    if let Some(port) = port {
        let number: u16 = port.parse().expect("a port");
        assert!(number > 0 && number.to_string() == port);
    }
    match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(address) => drop(address.parse::<std::net::Ipv6Addr>().expect("an address")),
        None => assert!(host.len() <= 253 && host.split('.').all(|label| !label.is_empty()) && !host.contains(':')),
    }
}

/// Seeds for `authority`.
pub fn authorities() -> Vec<Vec<u8>> {
    owned(&[
        "report.example.org",
        "Report.Example.Org.:8443",
        "[2001:db8::17]:443",
        "127.0.0.1:65535",
        "u@host",
        "a,b",
        "host:0443",
        "[::ffff:127.0.0.1]",
    ])
}

/// Targets: an accepted path is the one path any server reads in it, and encoding is undone by decoding.
pub fn target(data: &[u8]) {
    assert_eq!(target::percent_decoded(target::percent_encoded(data, b"%").as_bytes()), data);
    assert_eq!(target::percent_decoded(target::percent_encoded(data, target::QUERY_SPECIAL).as_bytes()), data);
    let Ok(parsed) = target::parse(data) else { return };
    let whole = match parsed.query {
        Some(query) => [parsed.path, b"?", query].concat(),
        None => parsed.path.to_vec(),
    };
    assert_eq!(whole, data);
    assert!(data.iter().all(|byte| byte.is_ascii_graphic() && *byte != b'#'));
    assert!(parsed.path.starts_with(b"/") && !parsed.path.contains(&b'?'));
    let decoded = target::percent_decoded(parsed.path);
    assert!(!decoded.iter().any(|byte| matches!(byte, b'\\' | 0)));
    let segments = |path: &[u8]| path.split(|byte| *byte == b'/').map(<[u8]>::to_vec).collect::<Vec<_>>();
    let (raw, decoded) = (segments(parsed.path), segments(&decoded));
    assert_eq!(raw.len(), decoded.len(), "decoding makes another number of segments");
    assert!(!decoded.iter().any(|segment| matches!(segment.as_slice(), b"." | b"..")), "it climbs");
    assert!(!decoded[1..decoded.len() - 1].iter().any(Vec::is_empty), "servers differ in what `//` means");
    // A prefix looks the same to whoever decodes first.
    let own = decoded.get(1).is_some_and(|first| first == target::OWN.as_bytes());
    assert_eq!(parsed.own_endpoint().is_some(), own);
}

/// Seeds for `target`.
pub fn targets() -> Vec<Vec<u8>> {
    owned(&[
        "/",
        "/data/plugin/scalars/tags?run=a&b",
        "/.dashgate/connect?next=/x",
        "/a/%2e%2e/b",
        "/a%20b/%C3%A4",
        "/%2edashgate/session",
        "/a//b",
        "//",
        "/a;b",
        "/?%00",
        "http://host/",
    ])
}

/// Times: what the gate writes for Envoy is never longer than meant, and what it reads is what was written.
pub fn time(data: &[u8]) {
    if let Some(bytes) = data.first_chunk::<8>() {
        let nanos = u64::from_le_bytes(*bytes);
        let text = clock::encode_timeout(nanos);
        let read = clock::decode_timeout(text.as_bytes()).expect("the gate's own text");
        assert!(read <= nanos.max(1) && read > 0, "{nanos} became {text}");
        // 99,999,999 of one unit are at least 27 hours in the next but the last.
        assert!(nanos - read.min(nanos) <= nanos / 1000, "{nanos} became {text}");
    }
    if let Some(nanos) = clock::decode_timeout(data) {
        let digits = data.len() - 1;
        assert!((1..=8).contains(&digits) && data[..digits].iter().all(u8::is_ascii_digit));
        assert_eq!(nanos == 0, data[..digits].iter().all(|byte| *byte == b'0'));
    }
    if let Some(end) = std::str::from_utf8(data).ok().and_then(|text| clock::parse_utc(text).ok()) {
        // Nanoseconds in 64 bits end in the year 2554: what is later is as far as there is.
        let expected = u64::from(data[17] & 15) * 10 + u64::from(data[18] & 15);
        assert!(end == Time::FAR || end.seconds() % 60 == expected);
        assert!(data.ends_with(b"Z"));
    }
}

/// Seeds for `time`.
pub fn times() -> Vec<Vec<u8>> {
    owned(&["2026-12-01T00:00:00Z", "1970-01-01T00:00:00Z", "2028-02-29T23:59:59Z", "99999999S", "1n", "300m", "0H"])
}

fn owned(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}
