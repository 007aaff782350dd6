//! `cargo run -p dashgate --example sessions -- POLICY COUNT`: sessions for the benchmark, for a policy of one
//! dashboard and one session kind. Prints a forged one, then that many good ones, each of another subject, one a
//! line.

#[path = "../src/mint_signed.rs"]
mod mint_signed;
#[path = "../src/output.rs"]
#[expect(dead_code, reason = "the command's own; its failures are what making a value says")]
mod output;

use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signer, SigningKey};
use gate::session::{Ring, Session};
use gate::{Format, Gate, Reason, Time, bokeh, jwt, signed};
use serde_json::{Map, json};

/// The private half of RFC 8037's example key (appendix A.1), for policies that hold its public half.
const PRIVATE: &str = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [policy, count] = arguments.as_slice() else { panic!("usage: sessions POLICY COUNT") };
    let gate = Gate::load(policy.as_bytes(), &|name| std::env::var(name).ok()).expect("a policy");
    let (format, audience) = gate.judges(0, 0).expect("a session kind");
    let seconds = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_secs();
    let maker = Maker { format, audience, now: seconds };
    let sessions: Vec<String> = (0..count.parse().expect("a number")).map(|number| maker.session(number)).collect();
    println!("{}\n{}", maker.forged(&sessions[0]), sessions.join("\n"));
}

struct Maker<'a> {
    format: &'a Format,
    audience: &'a str,
    now: u64,
}

impl Maker<'_> {
    fn session(&self, number: usize) -> String {
        let subject = format!("person-{number:05}@example.org");
        let session = match self.format {
            Format::Jwt(policy) => self.jwt(policy, &subject, number),
            Format::Bokeh(ring) => bokeh(ring, number),
            Format::Signed(policy) => self.signed(policy, &subject, number),
        };
        self.verify(&session).expect("a session made here is one");
        session
    }

    /// The same with one character of its signature changed, so that it is refused for that and nothing else.
    fn forged(&self, session: &str) -> String {
        let changed = (0..session.len()).rev().filter_map(|at| {
            let other = if &session[at..=at] == "0" { "1" } else { "0" };
            let text = format!("{}{other}{}", &session[..at], &session[at + 1..]);
            (self.verify(&text).err() == Some(Reason::SignatureInvalid)).then_some(text)
        });
        changed.into_iter().nth(10).expect("a signature has more than ten characters")
    }

    fn verify(&self, text: &str) -> Result<Session, Reason> {
        let (text, now) = (text.as_bytes(), Time::from_seconds(self.now));
        match self.format {
            Format::Jwt(policy) => jwt::verify(text, policy, self.audience, now),
            Format::Bokeh(ring) => bokeh::verify_id(text, ring, now),
            Format::Signed(policy) => signed::verify(text, policy, "", now),
        }
    }

    fn jwt(&self, policy: &jwt::Policy, subject: &str, number: usize) -> String {
        let key = &policy.ring.keys()[0];
        let header = json!({"alg": policy.algorithm.name(), "kid": key.id(), "typ": "JWT"});
        let claims = json!({"iss": policy.issuer, "sub": subject, "aud": self.audience, "iat": self.now,
                            "exp": self.now + 3600, "jti": format!("{number:016x}")});
        let text = format!("{}.{}", encoded(header.to_string()), encoded(claims.to_string()));
        let signature = match policy.algorithm {
            jwt::Algorithm::Hs256 => key.sign(text.as_bytes()),
            jwt::Algorithm::EdDsa => {
                let private = URL_SAFE_NO_PAD.decode(PRIVATE).expect("base64url");
                let signer = SigningKey::from_bytes(&private.try_into().expect("32 bytes"));
                signer.sign(text.as_bytes()).to_bytes().to_vec()
            }
        };
        format!("{text}.{}", encoded(signature))
    }

    fn signed(&self, policy: &signed::Policy, subject: &str, number: usize) -> String {
        let key = &policy.ring.keys()[0];
        let payload = match &policy.subject_from {
            None => format!("{number:032}").into_bytes(),
            path => mint_signed::payload(path.as_ref(), Some(subject), Map::new()).expect("a payload"),
        };
        mint_signed::write(policy, key, &payload, Time::from_seconds(self.now)).expect("a value")
    }
}

fn bokeh(ring: &Ring, number: usize) -> String {
    let base = format!("{number:044}");
    let signature = encoded(ring.keys()[0].sign(base.as_bytes()));
    format!("{base}.{signature}")
}

fn encoded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
