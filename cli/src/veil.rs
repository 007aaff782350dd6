//! Credentials become `****` before anything is printed. What is not a credential stays as it is.

const VEILED: &str = "****";
/// Parameters whose values are credentials of Bokeh's, of connect's, or of some dashboard's own (Jupyter's).
const PARAMETERS: [&str; 3] = ["token", "bokeh-token", "bokeh-session-id"];

/// A header's value, as it may be shown: bytes as the characters of the same number, which `explain --jsonl` reads back.
pub fn header(name: &str, value: &[u8]) -> String {
    text(name, &value.iter().map(|byte| char::from(*byte)).collect::<String>())
}

/// A header's value that is text already.
pub fn text(name: &str, text: &str) -> String {
    match name {
        "authorization" => VEILED.to_owned(),
        "cookie" => text.split(';').map(cookie).collect::<Vec<_>>().join(";"),
        "set-cookie" => match text.split_once(';') {
            Some((pair, attributes)) => format!("{};{attributes}", cookie(pair)),
            None => cookie(text),
        },
        "sec-websocket-protocol" => subprotocols(text),
        "bokeh-session-id" => VEILED.to_owned(),
        ":path" | "location" => address(text),
        _ => text.to_owned(),
    }
}

/// Keeps the name, and an empty value, which clears the cookie.
fn cookie(pair: &str) -> String {
    match pair.split_once('=') {
        Some((_, "")) => pair.to_owned(),
        Some((name, _)) => format!("{name}={VEILED}"),
        None => VEILED.to_owned(),
    }
}

fn subprotocols(list: &str) -> String {
    let mut after_marker = false;
    let items = list.split(',').map(|item| {
        let veiled = std::mem::replace(&mut after_marker, matches!(item.trim(), "dashgate" | "bokeh"));
        if veiled { format!(" {VEILED}") } else { item.to_owned() }
    });
    items.collect::<Vec<_>>().join(",")
}

fn address(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for piece in text.split_inclusive(['?', '&', '#']) {
        let (body, separator) = match piece.char_indices().last() {
            Some((at, '?' | '&' | '#')) => piece.split_at(at),
            _ => (piece, ""),
        };
        match body.split_once('=') {
            Some((name, _)) if PARAMETERS.contains(&name) => shown.push_str(&format!("{name}={VEILED}")),
            _ => shown.push_str(body),
        }
        shown.push_str(separator);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::header;

    #[test]
    fn veils_every_place_a_credential_can_stand_in() {
        for (name, value, shown) in [
            ("authorization", "Bearer abc", "****"),
            ("cookie", "theme=dark; __Host-dashgate-a=abc; odd", "theme=****; __Host-dashgate-a=****;****"),
            ("set-cookie", "__Host-dashgate-a=abc; Secure; Path=/", "__Host-dashgate-a=****; Secure; Path=/"),
            ("set-cookie", "__Host-dashgate-a=; Max-Age=0", "__Host-dashgate-a=; Max-Age=0"),
            ("sec-websocket-protocol", "chat, dashgate, abc, bokeh, def", "chat, dashgate, ****, bokeh, ****"),
            (":path", "/app?a=1&bokeh-session-id=abc&token=x#y", "/app?a=1&bokeh-session-id=****&token=****#y"),
            ("location", "/.dashgate/connect#token=abc&next=%2F", "/.dashgate/connect#token=****&next=%2F"),
            ("x-dashgate-subject", "ada", "ada"),
        ] {
            assert_eq!(header(name, value.as_bytes()), shown);
        }
    }
}
