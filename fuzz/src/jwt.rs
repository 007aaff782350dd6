//! JWTs: no forged one verifies, and of one signed here nothing is believed that a plain reading of it does not say.

use std::sync::{Arc, LazyLock};

use ed25519_dalek::{Signer, SigningKey};
use gate::secret::Key;
use gate::session::{MAX_SUBJECT_BYTES, Ring, Session};
use gate::{Time, jwt};
use serde_json::{Value, json};

use crate::golden::{Golden, encoded, joined, moment, ring, split};

type Sign = dyn Fn(&[u8]) -> Vec<u8> + Send + Sync;

/// A policy, when and for whom tokens are judged by it, and what signs for it.
struct Context {
    policy: jwt::Policy,
    audience: String,
    now: Time,
    sign: Box<Sign>,
}

struct World {
    contexts: Vec<Context>,
    golden: Golden,
}

static HS256: LazyLock<World> = LazyLock::new(|| {
    let golden = Golden::read(&[include_str!("../../tests/golden/jwt.json")]);
    let contexts = golden.contexts.iter().map(|case| {
        let ring = ring(&case["keys"]);
        let key = Arc::clone(&ring.keys()[0]);
        let seconds = |name: &str| case[name].as_u64().expect("seconds");
        Context {
            policy: jwt::Policy {
                algorithm: jwt::Algorithm::Hs256,
                ring,
                issuer: case["issuer"].as_str().map(str::to_owned),
                clock_skew_seconds: seconds("clock_skew_seconds"),
                max_lifetime_seconds: seconds("max_lifetime_seconds"),
                facts: gate::facts::Paths::default(),
            },
            audience: case["audience"].as_str().expect("an audience").to_owned(),
            now: moment(&case["now"]).expect("a time"),
            sign: Box::new(move |text| key.sign(text)),
        }
    });
    World { contexts: contexts.collect(), golden }
});

const NOW: u64 = 1_800_000_000;
const AUDIENCE: &str = "https://report.example.org/";

/// No library's vectors are there for EdDSA: the tokens are made here, one key in the ring or two.
static EDDSA: LazyLock<World> = LazyLock::new(|| {
    let signers = [3, 4].map(|byte| SigningKey::from_bytes(&[byte; 32]));
    let ring = |count: usize| {
        let keys = signers.iter().zip(["edge", "edge-old"]).take(count);
        let public = |(signer, id): (&SigningKey, &str)| Key::public(id, signer.verifying_key().as_bytes(), None);
        Ring::for_algorithm(keys.map(|pair| Arc::new(public(pair).expect("a key"))).collect(), "EdDSA")
    };
    let context = |count: usize| {
        let signer = signers[0].clone();
        Context {
            policy: jwt::Policy {
                algorithm: jwt::Algorithm::EdDsa,
                ring: ring(count),
                issuer: None,
                clock_skew_seconds: 30,
                max_lifetime_seconds: 43_200,
                facts: gate::facts::Paths::default(),
            },
            audience: AUDIENCE.to_owned(),
            now: Time::from_seconds(NOW),
            sign: Box::new(move |text| signer.sign(text).to_bytes().to_vec()),
        }
    };
    let contexts = vec![context(1), context(2)];
    let mut golden = Golden { contexts: Vec::new(), tokens: Vec::new(), known: Default::default() };
    let claims = json!({"aud": AUDIENCE, "sub": "ada", "iat": NOW, "exp": NOW + 3600}).to_string();
    // The second is the oldest forgery of all: an HMAC with the public key as its secret.
    let public = Key::new("edge", signers[0].verifying_key().as_bytes(), None).expect("a key");
    for header in [r#"{"alg":"EdDSA","kid":"edge"}"#, r#"{"alg":"HS256","kid":"edge"}"#, r#"{"alg":"EdDSA"}"#] {
        for number in 0..contexts.len() {
            let text = format!("{}.{}", encoded(header), encoded(&claims));
            let signatures = [(true, (contexts[0].sign)(text.as_bytes())), (false, public.sign(text.as_bytes()))];
            for (by_holder, signature) in signatures {
                let token = format!("{text}.{}", encoded(signature)).into_bytes();
                if by_holder {
                    golden.known.insert(token.clone());
                }
                golden.tokens.push((number, token));
            }
        }
    }
    World { contexts, golden }
});

/// Runs one input for HS256.
pub fn run_hs256(data: &[u8]) {
    HS256.run(data);
}

/// The golden tokens, and claims to be signed.
pub fn seeds_hs256() -> Vec<Vec<u8>> {
    HS256.seeds()
}

/// Runs one input for EdDSA.
pub fn run_eddsa(data: &[u8]) {
    EDDSA.run(data);
}

/// Tokens made here, and claims to be signed.
pub fn seeds_eddsa() -> Vec<Vec<u8>> {
    EDDSA.seeds()
}

impl World {
    /// The first byte picks the policy, the second whether the rest is a token or `header\nclaims` to be signed.
    fn run(&self, data: &[u8]) {
        let Some(([context, mode], text)) = split::<2>(data) else { return };
        let context = &self.contexts[context % self.contexts.len()];
        if mode % 2 == 0 {
            if context.verify(text).is_some() {
                self.golden.check(text, |text| context.verify(text).is_some());
            }
            return;
        }
        let mut parts = text.splitn(2, |byte| *byte == b'\n');
        let (header, claims) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let signed = format!("{}.{}", encoded(header), encoded(claims));
        let token = format!("{signed}.{}", encoded((context.sign)(signed.as_bytes())));
        if let Some(session) = context.verify(token.as_bytes()) {
            let header: Value = serde_json::from_slice(header).expect("a header that was accepted is JSON");
            let claims: Value = serde_json::from_slice(claims).expect("claims that were accepted are JSON");
            context.check_header(&header);
            context.check_claims(&claims, &session);
        }
    }

    fn seeds(&self) -> Vec<Vec<u8>> {
        let tokens = self.golden.tokens.iter().map(|(context, token)| joined(&[*context, 0], token));
        // What a token says can be signed anew where it is text at all.
        let decode =
            |segment: &[u8]| base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, segment);
        let texts = self.golden.tokens.iter().filter_map(|(context, token)| {
            let mut segments = token.split(|byte| *byte == b'.');
            let (header, claims) = (decode(segments.next()?).ok()?, decode(segments.next()?).ok()?);
            let plain = !header.contains(&b'\n') && claims.len() < 1000;
            plain.then(|| joined(&[*context, 1], &[header.as_slice(), b"\n", &claims].concat()))
        });
        tokens.chain(texts).collect()
    }
}

impl Context {
    /// The session of a token, if it is one: twice the same verdict, and a session like any other.
    fn verify(&self, token: &[u8]) -> Option<Session> {
        let verify = || jwt::verify(token, &self.policy, &self.audience, self.now);
        let (first, second) = (verify(), verify());
        assert_eq!(format!("{first:?}"), format!("{second:?}"));
        let session = first.ok()?;
        check_session(&session, self.now);
        Some(session)
    }

    fn check_header(&self, header: &Value) {
        assert_eq!(header["alg"], self.policy.algorithm.name());
        for refused in ["crit", "b64", "zip", "jku", "jwk", "x5u", "x5c", "x5t", "x5t#S256"] {
            assert!(header.get(refused).is_none(), "{refused} was accepted");
        }
        // It was signed with the first key.
        let key = self.policy.ring.keys()[0].id();
        assert!(header.get("kid").is_none_or(|kid| kid == key), "signed with {key}, verified as {header}");
    }

    fn check_claims(&self, claims: &Value, session: &Session) {
        let (now, skew) = (self.now.nanos() as f64 / 1e9, self.policy.clock_skew_seconds as f64);
        let number = |name: &str| claims.get(name).map(|value| value.as_f64().expect("a number"));
        // A microsecond for what doubles cannot tell.
        let near = 1e-6;
        let expires = number("exp").expect("exp is required");
        assert!(now < expires + skew + near, "expired");
        for start in [number("iat"), number("nbf")].into_iter().flatten() {
            assert!(start <= now + skew + near, "not yet valid");
        }
        let life = expires - number("iat").unwrap_or(now);
        assert!(life <= self.policy.max_lifetime_seconds as f64 + near, "lives too long");
        assert!(session.end().nanos() as f64 / 1e9 <= expires + skew + near, "ends too late");
        let audiences = match &claims["aud"] {
            Value::Array(many) => many.clone(),
            one => vec![one.clone()],
        };
        assert!(audiences.iter().any(|audience| *audience == self.audience), "meant for others");
        if let Some(issuer) = &self.policy.issuer {
            assert_eq!(claims["iss"], *issuer);
        }
        let subject = claims["sub"].as_str().filter(|subject| !subject.is_empty());
        assert_eq!(session.subject(), subject);
    }
}

/// What holds for every session of every format.
pub fn check_session(session: &Session, now: Time) {
    assert!(session.end() > now, "it has ended");
    if let Some(subject) = session.subject() {
        assert!((1..=MAX_SUBJECT_BYTES).contains(&subject.len()) && !subject.chars().any(char::is_control));
    }
    let fingerprint = session.fingerprint();
    assert!(fingerprint.len() == 16 && fingerprint.bytes().all(|byte| byte.is_ascii_hexdigit()));
}
