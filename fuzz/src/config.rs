//! Configurations: accepted whole or refused with every problem, the same in JSON and as a Struct, and never a secret
//! told.

use gate::{Decision, Gate, Request, Time, structpb};
use serde_json::Value;

use crate::stage::{self, NOW};

/// Loads one document, as JSON and as the Struct that Envoy makes of YAML.
pub fn run(data: &[u8]) {
    let loaded = load(data);
    match &loaded {
        Ok(gate) => check_closed(gate),
        Err(problems) => assert!(!problems.is_empty(), "refused without a problem"),
    }
    if let Ok(read) = structpb::parse(data) {
        assert!(!format!("{read:?}").is_empty());
    }
    let Ok(document) = serde_json::from_slice::<Value>(data) else { return };
    let mut wire = Vec::new();
    // An empty Struct is no bytes, which is no document at all; and JSON text may say what a double cannot.
    if document.as_object().is_none_or(|members| members.is_empty()) || !write(&document, &mut wire) {
        return;
    }
    // What JSON repeats a Struct cannot.
    let is_repeated =
        matches!(&loaded, Err(problems) if problems.iter().any(|problem| problem.contains("duplicate member")));
    let is_deep = matches!(&loaded, Err(problems) if problems.iter().any(|problem| problem.contains("nested")));
    if !is_repeated && !is_deep {
        assert_eq!(told(&loaded), told(&load(&wire)), "YAML and JSON differ");
    }
}

type Loaded = Result<Gate, Vec<String>>;

/// Loads it twice.
fn load(document: &[u8]) -> Loaded {
    let load = || {
        let loaded = Gate::load(document, &stage::environment);
        loaded.map_err(|problems| problems.iter().map(ToString::to_string).collect::<Vec<_>>())
    };
    let (first, second) = (load(), load());
    assert_eq!(told(&first), told(&second));
    for problem in first
        .iter()
        .flat_map(Gate::warnings)
        .map(ToString::to_string)
        .chain(first.as_ref().err().into_iter().flatten().cloned())
    {
        for name in ["MAIN", "BOKEH", "FLASK", "TORNADO", "EXPRESS"] {
            let secret = stage::environment(name).expect("a secret");
            // A secret that stands in the document, as the name of a key that is not known, is told as that.
            let is_written = document.windows(secret.len()).any(|window| window == secret.as_bytes())
                || document.windows(2).any(|window| window == b"\\u");
            assert!(is_written || !problem.contains(&secret), "a secret is told: {problem}");
        }
    }
    first
}

/// What was accepted or refused, problems in one order: a Struct's members come in another than JSON's.
fn told(loaded: &Loaded) -> Vec<String> {
    let mut told = match loaded {
        Ok(gate) => {
            gate.warnings().iter().map(ToString::to_string).chain(gate.dashboard_names().map(str::to_owned)).collect()
        }
        Err(problems) => problems.clone(),
    };
    told.sort();
    told
}

/// Whoever shows nothing gets no further than `open` and `public`, whatever the policy.
fn check_closed(gate: &Gate) {
    for authority in ["report.example.org", "lab.example.org", "ada.hub.example.org", "users.example.org"] {
        for path in ["/", "/tb/", "/user/ada/", "/s/run-7/"] {
            let headers: [(&[u8], &[u8]); 3] =
                [(b":authority", authority.as_bytes()), (b":method", b"GET"), (b":path", path.as_bytes())];
            if let Decision::Permit(permit) = gate.decide(&Request::new(headers, true), Time::from_seconds(NOW)) {
                assert!(matches!(permit.record().code, "open" | "public") && permit.record().sessions.is_empty());
            }
        }
    }
}

/// Writes a JSON object as a `google.protobuf.Struct`; false where that cannot say the same.
fn write(document: &Value, to: &mut Vec<u8>) -> bool {
    let Value::Object(members) = document else { return false };
    members.iter().all(|(name, value)| {
        let mut entry = Vec::new();
        field(1, name.as_bytes(), &mut entry);
        let mut inner = Vec::new();
        let written = write_value(value, &mut inner);
        field(2, &inner, &mut entry);
        field(1, &entry, to);
        written
    })
}

fn write_value(value: &Value, to: &mut Vec<u8>) -> bool {
    match value {
        Value::Null => to.extend([0x08, 0]),
        Value::Bool(truth) => to.extend([0x20, u8::from(*truth)]),
        Value::String(text) => field(3, text.as_bytes(), to),
        Value::Number(number) => {
            // Doubles hold whole numbers up to 2^53; others have more than one spelling.
            let Some(whole) = number.as_u64().filter(|whole| *whole < 1 << 53) else { return false };
            to.push(0x11);
            to.extend((whole as f64).to_le_bytes());
        }
        Value::Array(items) => {
            let mut list = Vec::new();
            let written = items.iter().all(|item| {
                let mut inner = Vec::new();
                let written = write_value(item, &mut inner);
                field(1, &inner, &mut list);
                written
            });
            field(6, &list, to);
            return written;
        }
        Value::Object(_) => {
            let mut object = Vec::new();
            let written = write(value, &mut object);
            field(5, &object, to);
            return written;
        }
    }
    true
}

/// A field of bytes: its tag, its length, its content.
fn field(number: u8, content: &[u8], to: &mut Vec<u8>) {
    to.push(number << 3 | 2);
    let mut length = content.len();
    while length >= 0x80 {
        to.push(u8::try_from(length & 0x7f).expect("seven bits") | 0x80);
        length >>= 7;
    }
    to.push(u8::try_from(length).expect("seven bits"));
    to.extend_from_slice(content);
}

/// The policy of every feature, whole and dashboard by dashboard, in both forms.
pub fn seeds() -> Vec<Vec<u8>> {
    let whole = stage::policy();
    let mut documents = vec![whole.clone()];
    for dashboard in whole["dashboards"].as_array().expect("dashboards") {
        let mut one = whole.clone();
        one["dashboards"] = serde_json::json!([dashboard]);
        documents.push(one);
    }
    let mut seeds = Vec::new();
    for document in documents {
        let mut wire = Vec::new();
        assert!(write(&document, &mut wire));
        seeds.extend([document.to_string().into_bytes(), wire]);
    }
    seeds
}
