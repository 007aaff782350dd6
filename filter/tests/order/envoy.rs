//! A stand-in for Envoy: keeps header maps, filter state, counters, replies and log lines, and fails on demand.

use std::collections::BTreeMap;

use dashgate_filter::host::{Headers, Host, HostError, HostResult, LocalReply, Map};
use dashgate_filter::plugin::{Action, Plugin, Shared, Stream};

/// 2027-01-15T08:00:00Z.
pub const NOW: u64 = 1_800_000_000;

pub const POLICY: &str = r#"{
    "keys": [{"id": "main", "env": "MAIN", "encoding": "utf8"}, {"id": "bokeh", "env": "BOKEH", "encoding": "utf8"}],
    "sessions": {"portal": {"format": "jwt", "keys": ["main"], "carriers": ["cookie", "bearer", "subprotocol"]}},
    "connect": {"from": ["https://portal.example.org"]},
    "dashboards": [
        {"name": "portal", "url": "https://portal.example.org/", "open": true},
        {"name": "report", "url": "https://report.example.org/", "sessions": ["portal"]},
        {"name": "lab", "url": "https://lab.example.org/", "open": true, "shared_origin": true},
        {"name": "tb", "url": "https://lab.example.org/tb/", "sessions": ["portal"], "shared_origin": true}
    ]
}"#;

const SECRET: &str = "a key of this test, long enough to be one";

pub fn plugin() -> Plugin {
    let environment = |name: &str| matches!(name, "MAIN" | "BOKEH").then(|| SECRET.to_owned());
    Plugin::load(POLICY.as_bytes(), &environment).expect("a policy")
}

/// A token for the report with that subject, as JSON text.
pub fn token(subject: &str) -> String {
    use gate::secret::Key;
    let payload = format!(
        "{{\"aud\":\"https://report.example.org/\",\"sub\":{subject},\"iat\":{},\"exp\":{}}}",
        NOW - 10,
        NOW + 3600
    );
    let text = format!("eyJhbGciOiJIUzI1NiJ9.{}", base64url(payload.as_bytes()));
    let signature = Key::new("main", SECRET.as_bytes(), None).expect("a key").sign(text.as_bytes());
    format!("{text}.{}", base64url(&signature))
}

fn base64url(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let digits = bytes.chunks(3).flat_map(|chunk| {
        let bits = chunk.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        (0..=chunk.len()).map(move |place| char::from(DIGITS[(bits >> (18 - 6 * place)) as usize & 63]))
    });
    digits.collect()
}

/// An answer that was sent instead of forwarding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub status: u16,
    pub details: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
    pub grpc_status: Option<u32>,
}

type Lines = Vec<(String, Vec<u8>)>;

#[derive(Default)]
pub struct Envoy {
    pub request: Lines,
    pub trailers: Lines,
    pub response: Lines,
    pub body: Vec<u8>,
    pub state: BTreeMap<String, String>,
    pub counters: Vec<(String, u64)>,
    pub replies: Vec<Reply>,
    pub log: Vec<String>,
    /// Every host call that can fail, in order.
    pub calls: Vec<String>,
    /// The call that fails, counted from 0 over the whole stream.
    pub fails_at: Option<usize>,
    /// Whether all later ones fail, too.
    pub stays_broken: bool,
    pub nanos: u64,
    /// Hands this over instead of a header map.
    pub garbled: Option<Vec<u8>>,
}

impl Envoy {
    pub fn new(headers: &[(&str, &str)]) -> Self {
        let request = headers.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect();
        Self { request, nanos: NOW * 1_000_000_000, ..Self::default() }
    }

    /// A GET to the report with these headers, too.
    pub fn get(headers: &[(&str, &str)]) -> Self {
        let all = [&[(":authority", "report.example.org"), (":method", "GET"), (":path", "/a")], headers].concat();
        Self::new(&all)
    }

    /// A portal's connect form.
    pub fn form(body: &str) -> Self {
        let envoy = Self::new(&[
            (":authority", "report.example.org"),
            (":method", "POST"),
            (":path", "/.dashgate/connect"),
            ("x-dashgate-subject", "eve"),
            ("origin", "https://portal.example.org"),
            ("content-type", "application/x-www-form-urlencoded"),
        ]);
        Self { body: body.as_bytes().to_vec(), ..envoy }
    }

    fn call(&mut self, call: String) -> HostResult<()> {
        let number = self.calls.len();
        self.calls.push(call);
        match self.fails_at {
            Some(failing) if failing == number || (self.stays_broken && number > failing) => Err(HostError),
            _ => Ok(()),
        }
    }

    fn lines(&mut self, map: Map) -> &mut Lines {
        match map {
            Map::Request => &mut self.request,
            Map::RequestTrailers => &mut self.trailers,
            Map::Response => &mut self.response,
        }
    }

    /// All values of a request's header as the upstream would get it.
    pub fn sent(&self, name: &str) -> Vec<String> {
        let lines = self.request.iter().filter(|(known, _)| known == name);
        lines.map(|(_, value)| String::from_utf8_lossy(value).into_owned()).collect()
    }

    pub fn counted(&self) -> BTreeMap<&str, u64> {
        self.counters.iter().filter(|(_, count)| *count > 0).map(|(name, count)| (name.as_str(), *count)).collect()
    }
}

impl Host for Envoy {
    fn headers(&mut self, map: Map) -> HostResult<Headers> {
        self.call(format!("headers {map:?}"))?;
        if let Some(garbled) = &self.garbled {
            return Ok(Headers::from_serialized(garbled.clone()));
        }
        let lines = self.lines(map);
        let pairs: Vec<(&str, &[u8])> = lines.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect();
        Ok(Headers::from_serialized(Headers::serialize(&pairs)))
    }

    fn header(&mut self, map: Map, name: &str) -> HostResult<Option<Vec<u8>>> {
        self.call(format!("header {map:?} {name}"))?;
        Ok(self.lines(map).iter().find(|(known, _)| known == name).map(|(_, value)| value.clone()))
    }

    fn set_header(&mut self, map: Map, name: &str, value: &[u8]) -> HostResult<()> {
        self.call(format!("set {map:?} {name}"))?;
        self.lines(map).retain(|(known, _)| known != name);
        self.lines(map).push((name.to_owned(), value.to_vec()));
        Ok(())
    }

    fn add_header(&mut self, map: Map, name: &str, value: &[u8]) -> HostResult<()> {
        self.call(format!("add {map:?} {name}"))?;
        self.lines(map).push((name.to_owned(), value.to_vec()));
        Ok(())
    }

    fn remove_header(&mut self, map: Map, name: &[u8]) -> HostResult<()> {
        self.call(format!("remove {map:?} {}", String::from_utf8_lossy(name)))?;
        self.lines(map).retain(|(known, _)| known.as_bytes() != name);
        Ok(())
    }

    fn request_body(&mut self, limit: usize) -> HostResult<Vec<u8>> {
        self.call(format!("body {limit}"))?;
        Ok(self.body.iter().take(limit).copied().collect())
    }

    fn set_state(&mut self, name: &str, value: &[u8]) -> HostResult<()> {
        self.call(format!("state {name}"))?;
        self.state.insert(name.to_owned(), String::from_utf8(value.to_vec()).expect("text"));
        Ok(())
    }

    fn now(&mut self) -> HostResult<u64> {
        self.call("now".to_owned())?;
        Ok(self.nanos)
    }

    fn define_counter(&mut self, name: &str) -> HostResult<u32> {
        self.call(format!("define {name}"))?;
        assert!(self.counters.iter().all(|(known, _)| known != name), "{name} is defined twice");
        self.counters.push((name.to_owned(), 0));
        Ok(u32::try_from(self.counters.len() - 1).expect("few counters"))
    }

    fn increment(&mut self, counter: u32) -> HostResult<()> {
        self.call(format!("increment {counter}"))?;
        // Counters live longer than streams: one that this stream did not define is known all the same.
        if let Some((_, count)) = self.counters.get_mut(counter as usize) {
            *count += 1;
        }
        Ok(())
    }

    fn reply(&mut self, reply: &LocalReply<'_>) -> HostResult<()> {
        self.call("reply".to_owned())?;
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("text");
        self.replies.push(Reply {
            status: reply.status,
            details: reply.details.to_owned(),
            headers: reply.headers.iter().map(|(name, value)| ((*name).to_owned(), text(value))).collect(),
            body: text(reply.body),
            grpc_status: reply.grpc_status,
        });
        Ok(())
    }

    fn warn(&mut self, message: &str) {
        self.log.push(message.to_owned());
    }

    fn error(&mut self, message: &str) {
        panic!("no request writes an error: {message}");
    }
}

/// Runs a request's headers through a fresh VM.
pub fn run(envoy: &mut Envoy, ends: bool) -> (Action, Stream) {
    let mut stream = Stream::default();
    let action = plugin().on_request_headers(envoy, &mut Shared::default(), &mut stream, ends);
    (action, stream)
}

/// A bearer's header value.
pub fn bearer(subject: &str) -> String {
    format!("Bearer {}", token(subject))
}
