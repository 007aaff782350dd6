//! No bytes of a request can make the gate panic, and none of what is thrown at it here is let in.

use gate::{Decision, Gate, Request, Time, structpb};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::stage::{NOW, Policy, Sent, bokeh_id, bokeh_token, token};

const NAMES: &[&str] = &[
    ":authority",
    ":method",
    ":path",
    "host",
    "upgrade",
    "origin",
    "authorization",
    "bokeh-session-id",
    "content-length",
    "content-type",
    "transfer-encoding",
    "sec-fetch-site",
    "sec-fetch-mode",
    "sec-fetch-dest",
    "access-control-request-method",
    "grpc-timeout",
    "cookie",
    "sec-websocket-protocol",
    "x-dashgate-subject",
    "x_dashgate",
    "x-other",
];

/// Knuth's linear congruential generator (MMIX): the same requests on every machine.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % sides
    }
}

/// Decides, and finishes a form with the same bytes. Nothing may be forwarded.
#[track_caller]
fn check_refused(gate: &Gate, sent: &Sent, body: &[u8]) {
    match sent.decide(gate) {
        Decision::Permit(permit) => panic!("{:?} let in: {:?}", sent.headers, permit.record()),
        Decision::Answer(answer) => assert!((200..600).contains(&answer.status)),
        Decision::AwaitBody(pending) => {
            let answer = gate.finish_connect(&pending, body, Time::from_seconds(NOW));
            assert_eq!(answer.record.verdict.word(), "refuse");
        }
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn survives_every_byte_in_every_header() {
    let gate = Policy::new().gate();
    for (method, url) in [
        ("GET", "https://report.example.org/"),
        ("POST", "https://either.example.org/"),
        ("POST", "https://report.example.org/.dashgate/connect"),
    ] {
        let plain = Sent::new(method, url);
        for name in NAMES {
            let old =
                plain.headers.iter().find(|(known, _)| known == name).map_or(&[][..], |(_, value)| value.as_slice());
            for byte in 0..=255u8 {
                for value in [[old, &[byte]].concat(), [&[byte], old].concat()] {
                    check_refused(&gate, &plain.clone().replacing(name, &value), &value);
                }
            }
            check_refused(&gate, &plain.clone().with(name, b"\xff").with(name, "x"), b"");
        }
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn survives_thousands_of_odd_requests() {
    let gate = Policy::new().gate();
    // Nothing here signs anyone in: the tokens are for dashboards whose hosts are not among the authorities.
    let (jwt, id, bokeh) = (token("plot"), bokeh_id('a'), bokeh_token('a'));
    let words: Vec<&[u8]> = vec![
        b"",
        b"GET",
        b"POST",
        b"OPTIONS",
        b"CONNECT",
        b"websocket",
        b"h2c",
        b"report.example.org",
        b"lab.example.org",
        b"tb.example.org.",
        b"/",
        b"/tb/",
        b"/.dashgate/connect",
        b"/.dashgate/session?dashboard=tb",
        b"/%2e%2e",
        b"/?bokeh-session-id=",
        b"&bokeh-token=",
        b"null",
        b"https://report.example.org",
        b"https://portal.example.org",
        b"Bearer ",
        b"dashgate, ",
        b"bokeh, ",
        b"__Host-dashgate-report=",
        b"; ",
        b",",
        b"%",
        b"%4",
        b"=",
        b"\xff",
        b"\0",
        b"application/grpc",
        b"application/x-www-form-urlencoded",
        b"16384",
        b"0",
        b"99999999S",
        b"navigate",
        b"document",
        b"cross-site",
        b"iframe",
        b"chunked",
        b"token=",
        b"&next=/",
        jwt.as_bytes(),
        id.as_bytes(),
        bokeh.as_bytes(),
        &jwt.as_bytes()[..60],
    ];
    let mut dice = Dice(2026);
    for _ in 0..10_000 {
        let authority = ["report.example.org", "lab.example.org", "lab.example.org."][dice.roll(3)];
        let url = format!("https://{authority}/");
        let mut sent = Sent::new(["GET", "POST", "HEAD", "OPTIONS"][dice.roll(4)], &url);
        sent.ends = dice.roll(2) == 0;
        let mut body = Vec::new();
        for _ in 0..dice.roll(7) {
            let value: Vec<u8> = (0..dice.roll(4)).flat_map(|_| words[dice.roll(words.len())].to_vec()).collect();
            let name = NAMES[dice.roll(NAMES.len())];
            body.extend_from_slice(&value);
            let replaces = name.starts_with(':') && dice.roll(8) > 0;
            sent = if replaces { sent.replacing(name, value) } else { sent.with(name, value) };
        }
        check_refused(&gate, &sent, &body);
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn survives_odd_configurations() {
    let mut dice = Dice(7);
    let text = Policy::new().0.to_string().into_bytes();
    let nothing = |_: &str| None;
    for _ in 0..500 {
        let mut odd = text.clone();
        for _ in 0..=dice.roll(3) {
            let at = dice.roll(odd.len());
            odd[at] = u8::try_from(dice.roll(256)).expect("a byte");
        }
        odd.truncate(1 + dice.roll(odd.len()));
        assert!(Gate::load(&odd, &nothing).is_err());
        let mut bytes: Vec<u8> =
            (0..dice.roll(40)).map(|_| [0x0a, 0x12, 0x1a, 0x2a, 0x32, 0x11, 0xff, 0x80, 2, 9][dice.roll(10)]).collect();
        bytes.insert(0, 0x0a);
        // Whether it is a Struct by luck or not: no dashboard is in it.
        let _ = structpb::parse(&bytes);
        assert!(Gate::load(&bytes, &nothing).is_err());
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn survives_times_at_both_ends() {
    let gate = Policy::new().gate();
    let sent = Sent::get("https://report.example.org/").with_session("report");
    for now in [Time::from_seconds(0), Time::FAR] {
        let Decision::Answer(answer) = sent.decide_at(&gate, now) else { panic!("let in") };
        assert!(matches!(answer.record.code, "session_not_yet_valid" | "session_expired"));
    }
    let nothing = Request::new(std::iter::empty::<(&[u8], &[u8])>(), true);
    assert!(matches!(gate.decide(&nothing, Time::FAR), Decision::Answer(_)));
}
