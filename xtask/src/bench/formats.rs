//! `bench formats`: what a session of each format costs, seen before, for the first time, and forged, beside
//! `jwt_authn`.

use std::rc::Rc;

use super::bootstrap::{HERE, Setting, gate_listener, jwt_authn, native_listener, symmetric};
use super::scenario::{Ask, COOKIE, KEY_ID, PORTAL, Scenario, TOO_MANY_SESSIONS, URL, request};
use super::{Plan, table};
use crate::setup;
use crate::step::{Outcome, Problem, cargo, output};

/// One format: its session kind's configuration but for `keys`, and where its sessions travel.
struct Format {
    name: &'static str,
    kind: &'static str,
    carrier: Carrier,
    /// Its key is public.
    public: bool,
}

enum Carrier {
    Cookie(&'static str),
    /// A parameter of the query.
    Query(&'static str),
}

/// The public half of RFC 8037's example key (appendix A.2); the sessions are signed with the private one.
const PUBLIC: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

const JWT: &str = r#""format":"jwt","issuer":"https://portal.example.org","carriers":["cookie"]"#;
const EDDSA: &str = r#""format":"jwt","algorithm":"EdDSA","issuer":"https://portal.example.org","carriers":["cookie"]"#;
const DJANGO: &str = concat!(
    r#""format":"django","cookie":"sessionid","subject_from":"user","#,
    r#""salt":"django.contrib.sessions.backends.signed_cookies""#
);

const FORMATS: [Format; 7] = [
    Format { name: "jwt HS256", kind: JWT, carrier: Carrier::Cookie(COOKIE), public: false },
    Format { name: "jwt EdDSA", kind: EDDSA, carrier: Carrier::Cookie(COOKIE), public: true },
    signed("flask", r#""format":"flask","subject_from":"user""#, "session"),
    signed("django", DJANGO, "sessionid"),
    signed("tornado", r#""format":"tornado","subject_from":".""#, "user"),
    signed("express", r#""format":"express","max_stream_seconds":43200"#, "connect.sid"),
    Format {
        name: "bokeh",
        kind: r#""format":"bokeh","max_stream_seconds":43200"#,
        carrier: Carrier::Query("bokeh-session-id"),
        public: false,
    },
];

const fn signed(name: &'static str, kind: &'static str, cookie: &'static str) -> Format {
    Format { name, kind, carrier: Carrier::Cookie(cookie), public: false }
}

/// The variable that holds the key.
const VARIABLE: &str = "DASHGATE_KEY";

/// What is measured. Each format has two listeners, so that what is new to one is not told to the other.
pub fn plan() -> Outcome<Plan> {
    let mut python = setup::python()?;
    python.args(["-c", "import base64, secrets; print(base64.urlsafe_b64encode(secrets.token_bytes(33)).decode())"]);
    let key = output("making a key", &mut python)?.trim().to_string();
    let variables = [(VARIABLE.to_string(), key.clone())];
    let listeners = FORMATS.iter().flat_map(|format| [format, format]);
    let native = |name, filters: Vec<String>| Setting {
        name,
        environment: Vec::new(),
        listeners: filters.into_iter().map(|filter| native_listener(filter, HERE)).collect(),
    };
    let public = format!(r#"{{"kty":"OKP","crv":"Ed25519","alg":"EdDSA","kid":"{KEY_ID}","x":"{PUBLIC}"}}"#);
    let settings = vec![
        native("none", vec![String::new()]),
        native("jwt_authn", vec![jwt_authn(&symmetric(&key), ""), jwt_authn(&public, "")]),
        Setting {
            name: "dashgate",
            environment: variables.to_vec(),
            listeners: listeners.map(|format| gate_listener(&variables, &format.policy(), HERE)).collect(),
        },
    ];
    Ok(Plan {
        starts: 2,
        settings,
        scenarios: scenarios(&key)?,
        text: table::formats,
        memory: vec![("none", "without a filter"), ("jwt_authn", "with jwt_authn"), ("dashgate", "with dashgate")],
        request: "3 cookies, a session of its format".to_string(),
    })
}

/// The three scenarios of a format, by what they are called.
pub const STATES: [&str; 3] = ["seen before", "for the first time", "forged"];

/// The formats' names, in the table's order.
pub fn names() -> impl Iterator<Item = &'static str> {
    FORMATS.iter().map(|format| format.name)
}

fn scenarios(key: &str) -> Outcome<Vec<Scenario>> {
    let ask = |name: String, envoy, listener, status, requests: Vec<Vec<u8>>| Scenario {
        name,
        envoy,
        listener,
        base: "no filter",
        status,
        requests: Rc::from(requests),
    };
    let mut scenarios = Vec::new();
    for (at, format) in FORMATS.iter().enumerate() {
        let sessions = format.sessions(key)?;
        let [forged, first, ..] = sessions.as_slice() else {
            return Err(Problem::new(format!("no sessions were made for {}", format.name)));
        };
        let [seen, new, refused] = STATES.map(|state| format!("{}, {state}", format.name));
        let (one, forged) = (vec![format.request(first)], vec![format.request(forged)]);
        if at == 0 {
            scenarios.push(ask("no filter".to_string(), "none", 0, 200, one.clone()));
            scenarios.push(ask("jwt_authn".to_string(), "jwt_authn", 0, 200, one.clone()));
            scenarios.push(ask("jwt_authn, forged".to_string(), "jwt_authn", 0, 401, forged.clone()));
        }
        if format.public {
            scenarios.push(ask("jwt_authn EdDSA".to_string(), "jwt_authn", 1, 200, one.clone()));
            scenarios.push(ask("jwt_authn EdDSA, forged".to_string(), "jwt_authn", 1, 401, forged.clone()));
        }
        scenarios.push(ask(seen, "dashgate", 2 * at, 200, one));
        let all = sessions.iter().skip(1).map(|session| format.request(session)).collect();
        scenarios.push(ask(new, "dashgate", 2 * at + 1, 200, all));
        scenarios.push(ask(refused, "dashgate", 2 * at, 401, forged));
    }
    Ok(scenarios)
}

impl Format {
    fn policy(&self) -> String {
        let key = match self.public {
            true => format!(r#"{{"id":"{KEY_ID}","public_key":"{PUBLIC}"}}"#),
            false => format!(r#"{{"id":"{KEY_ID}","env":"{VARIABLE}","encoding":"base64url"}}"#),
        };
        let kind = format!(r#"{{{},"keys":["{KEY_ID}"]}}"#, self.kind);
        let dashboard = format!(r#"{{"name":"report","url":"{URL}","sessions":["kind"]}}"#);
        format!(
            r#"{{"keys":[{key}],"sessions":{{"kind":{kind}}},"connect":{{"from":["{PORTAL}"]}},"dashboards":[{dashboard}]}}"#
        )
    }

    /// A forged one, then many good ones, made by a program that knows the formats: xtask knows none.
    fn sessions(&self, key: &str) -> Outcome<Vec<String>> {
        let mut make = cargo(&["run", "--quiet", "--package", "dashgate", "--example", "sessions", "--"]);
        make.args([self.policy(), TOO_MANY_SESSIONS.to_string()]).env(VARIABLE, key);
        let text = output(&format!("making sessions for {}", self.name), &mut make)?;
        Ok(text.lines().map(str::to_string).collect())
    }

    fn request(&self, session: &str) -> Vec<u8> {
        let (cookie, query) = match self.carrier {
            Carrier::Cookie(name) => (format!("{name}={session}"), String::new()),
            Carrier::Query(name) => ("other=1".to_string(), format!("&{name}={session}")),
        };
        request(&Ask { cookie: &cookie, origin: None, site: "same-origin", page: false, query: &query })
    }
}
