//! A request as a person or a JSON line describes it: the header map the filter would see.

use gate::{Request, Time};
use serde_json::Value;

use crate::arguments::Explain;
use crate::instant;
use crate::lines::Members;
use crate::output::Failure;

/// A described request.
pub struct Description {
    headers: Vec<(Vec<u8>, Vec<u8>)>,
    ends_with_headers: bool,
    /// The body of a connect form.
    pub body: Option<Vec<u8>>,
    /// When it is judged, if it says so.
    pub now: Option<Time>,
}

impl Description {
    /// From the command line.
    ///
    /// # Errors
    /// Where the URL or a header has no form that a client could send.
    pub fn of(arguments: &Explain) -> Result<Self, Failure> {
        let url = arguments.url.as_deref().unwrap_or_default();
        let (_, rest) = url.split_once("://").ok_or_else(|| Failure::new("URL must begin with https:// or http://"))?;
        if rest.contains('#') {
            return Err(Failure::new("URL must not have a fragment: no client sends one"));
        }
        let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        let mut headers = vec![
            (b":method".to_vec(), arguments.method.clone().into_bytes()),
            (b":authority".to_vec(), authority.as_bytes().to_vec()),
            (b":path".to_vec(), path.into_bytes()),
        ];
        if arguments.upgrade {
            for (name, value) in [
                ("connection", "Upgrade"),
                ("upgrade", "websocket"),
                ("sec-websocket-version", "13"),
                ("sec-websocket-key", "AAAAAAAAAAAAAAAAAAAAAA=="),
            ] {
                headers.push((name.into(), value.into()));
            }
        }
        for header in &arguments.header {
            let (name, value) = header.split_once(':').ok_or_else(|| Failure::new("-H must be 'NAME: VALUE'"))?;
            headers.push((name.trim().to_ascii_lowercase().into_bytes(), value.trim().as_bytes().to_vec()));
        }
        Ok(Self {
            headers,
            ends_with_headers: arguments.body.is_none() && !arguments.no_end_stream && !arguments.upgrade,
            body: arguments.body.clone().map(String::into_bytes),
            now: arguments.now,
        })
    }

    /// From a JSON line.
    ///
    /// # Errors
    /// Where a member is missing, unknown, or not of its type.
    pub fn from_json(line: Value) -> Result<Self, String> {
        let mut members = Members::of(line)?;
        let method = members.take_text("method")?.unwrap_or_else(|| "GET".to_owned());
        let mut headers = vec![(b":method".to_vec(), bytes(&method)?)];
        for (member, header) in [("authority", ":authority"), ("path", ":path")] {
            if let Some(text) = members.take_text(member)? {
                headers.push((header.as_bytes().to_vec(), bytes(&text)?));
            }
        }
        match members.take("headers") {
            None => {}
            Some(Value::Array(pairs)) => {
                for pair in &pairs {
                    let Some([Value::String(name), Value::String(value)]) = pair.as_array().map(Vec::as_slice) else {
                        return Err("headers must be pairs of name and value".to_owned());
                    };
                    headers.push(field(name, value)?);
                }
            }
            Some(Value::Object(fields)) => {
                for (name, values) in &fields {
                    for value in values.as_array().map_or(std::slice::from_ref(values), Vec::as_slice) {
                        headers.push(field(name, value.as_str().ok_or("a header's value must be a string")?)?);
                    }
                }
            }
            Some(_) => return Err("headers must be a list of pairs or an object".to_owned()),
        }
        let body = members.take_text("body")?.map(|body| bytes(&body)).transpose()?;
        // Envoy never ends the stream with the headers of an upgrade: the frames come where a body would.
        let upgrades = headers.iter().any(|(name, _)| name == b"upgrade");
        let ends_with_headers = members.take_truth("end_stream")?.unwrap_or(body.is_none() && !upgrades);
        let now = members.take("now").map(|now| instant::from_json(&now)).transpose()?;
        members.done()?;
        Ok(Self { headers, ends_with_headers, body, now })
    }

    /// What the gate sees of it.
    pub fn view(&self) -> Request<'_> {
        let headers = self.headers.iter().map(|(name, value)| (name.as_slice(), value.as_slice()));
        Request::new(headers, self.ends_with_headers)
    }
}

fn field(name: &str, value: &str) -> Result<(Vec<u8>, Vec<u8>), String> {
    Ok((bytes(&name.to_ascii_lowercase())?, bytes(value)?))
}

/// Each character U+0000 to U+00FF is the byte of that number: JSON has no bytes, and requests are not UTF-8.
fn bytes(text: &str) -> Result<Vec<u8>, String> {
    let byte = |letter| u8::try_from(letter).map_err(|_| "characters over U+00FF stand for no byte".to_owned());
    text.chars().map(byte).collect()
}
