//! The golden vectors as the targets use them: under which policies they stand, and which texts a key's holder wrote.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use gate::Time;
use gate::secret::Key;
use gate::session::Ring;
use serde_json::Value;

/// The cases of some files, sorted by what they are judged under.
pub struct Golden {
    /// One case for each way of judging: all that its token is judged by.
    pub contexts: Vec<Value>,
    /// Each token, with the number of its context.
    pub tokens: Vec<(usize, Vec<u8>)>,
    /// The tokens that a key's holder wrote as they stand: nothing else may ever verify, as a fuzzer holds no key.
    pub known: BTreeSet<Vec<u8>>,
}

impl Golden {
    /// Sorts the cases of these files' texts.
    pub fn read(files: &[&str]) -> Self {
        const JUDGED_BY: [&str; 9] = [
            "kind",
            "keys",
            "issuer",
            "audience",
            "clock_skew_seconds",
            "max_lifetime_seconds",
            "session",
            "password",
            "now",
        ];
        let mut golden = Self { contexts: Vec::new(), tokens: Vec::new(), known: BTreeSet::new() };
        let mut numbers = BTreeMap::new();
        for file in files {
            let file: Value = serde_json::from_str(file).expect("JSON");
            for case in file["cases"].as_array().expect("cases") {
                let judged_by: Vec<String> = JUDGED_BY.iter().map(|name| case[name].to_string()).collect();
                let number = *numbers.entry(judged_by).or_insert_with(|| {
                    golden.contexts.push(case.clone());
                    golden.contexts.len() - 1
                });
                let token = STANDARD.decode(case["token_base64"].as_str().expect("a token")).expect("base64");
                // What one of Jupyter's passwords did not sign, another one did.
                let is_signed = match case["expect"].as_str() {
                    Some("signature_invalid") => case["kind"] == "jupyter",
                    expected => expected != Some("token_malformed"),
                };
                if is_signed {
                    golden.known.insert(token.clone());
                }
                golden.tokens.push((number, token));
            }
        }
        golden
    }

    /// Sees that a text that verified is known, and that nothing like it verifies: shorter at its end, or another byte in its
    /// last hundred, where signatures are.
    pub fn check(&self, text: &[u8], verifies: impl Fn(&[u8]) -> bool) {
        assert!(self.known.contains(text), "a forged credential verified");
        for at in text.len().saturating_sub(100)..text.len() {
            let mut other = text.to_vec();
            other[at] = if text[at] == b'0' { b'1' } else { b'0' };
            for damaged in [&text[..at], &other] {
                assert!(self.known.contains(damaged) || !verifies(damaged), "a damaged credential verified");
            }
        }
    }
}

/// A point in time of a case.
pub fn moment(value: &Value) -> Option<Time> {
    match value.as_u64() {
        Some(seconds) => Some(Time::from_seconds(seconds)),
        None => value.as_f64().map(|seconds| Time::from_fraction(seconds).expect("a time")),
    }
}

/// A case's keys.
pub fn ring(keys: &Value) -> Ring {
    let key = |key: &Value| {
        let secret = URL_SAFE_NO_PAD.decode(key["secret_base64url"].as_str().expect("a secret")).expect("base64url");
        Arc::new(Key::new(key["id"].as_str().expect("an id"), &secret, moment(&key["retire_at"])).expect("a key"))
    };
    Ring::new(keys.as_array().expect("keys").iter().map(key).collect())
}

/// An input's first bytes as numbers, and the rest.
pub fn split<const COUNT: usize>(data: &[u8]) -> Option<([usize; COUNT], &[u8])> {
    let (numbers, rest) = data.split_first_chunk::<COUNT>()?;
    Some((numbers.map(usize::from), rest))
}

/// An input of these numbers and that text.
pub fn joined(numbers: &[usize], text: &[u8]) -> Vec<u8> {
    let numbers = numbers.iter().map(|number| u8::try_from(*number).expect("a byte"));
    numbers.chain(text.iter().copied()).collect()
}

/// base64url as every format here writes it.
pub fn encoded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
