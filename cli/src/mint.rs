//! `dashgate mint`: a signed session for one dashboard, as a portal would make it. The one command that prints a token.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gate::secret::Key;
use gate::session::Ring;
use gate::{Format, Reason, Time, bokeh, jwt, signed};
use serde_json::{Map, Value, json};

use crate::arguments::Mint;
use crate::environment::Environment;
use crate::instant;
use crate::keygen::random;
use crate::mint_signed;
use crate::output::{Failure, Outcome, hint, print, print_json};
use crate::policy::{Judge, Policy};

/// Runs the command.
///
/// # Errors
/// Where the policy cannot be read, or what is asked for is not what the format has.
pub fn run(arguments: &Mint) -> Result<Outcome, Failure> {
    let environment = Environment::with_file(arguments.source.env_file.as_deref())?;
    let policy = Policy::load(&arguments.source.config, &environment)?;
    let judge = policy.judge(arguments.dashboard.as_deref(), arguments.session.as_deref()).map_err(Failure::new)?;
    let now = arguments.now.unwrap_or_else(instant::clock);
    let minted = match judge.format {
        Format::Jwt(policy) => mint_jwt(arguments, policy, judge.audience, now)?,
        Format::Bokeh(ring) => mint_bokeh(arguments, ring, now)?,
        Format::Signed(policy) => mint_value(arguments, policy, &judge.origin(), now)?,
    };
    if arguments.json {
        print_json(&json!({
            "token": minted.token,
            "session": judge.session,
            "dashboard": judge.dashboard,
            "key": minted.key,
            "subject": arguments.subject,
            "end": minted.end.map_or(Value::Null, instant::to_json),
        }))?;
    } else {
        print(&format!("{}\n", minted.token))?;
    }
    tell(&minted, &judge);
    Ok(Outcome::Fine)
}

struct Minted {
    token: String,
    key: String,
    end: Option<Time>,
    /// What the gate says to it at the moment it was made for.
    verdict: Result<(), Reason>,
}

/// A session that the gate would refuse is still minted: tests need such ones. But it is said.
fn tell(minted: &Minted, judge: &Judge<'_>) {
    match (minted.verdict, minted.end) {
        (Err(reason), _) => hint(&format!("the gate refuses it: {}. {}", reason.code(), reason.meaning())),
        (Ok(()), Some(end)) => hint(&format!("opens {} until {}", judge.url, instant::utc(end))),
        (Ok(()), None) => hint(&format!("opens {} until its key is replaced: it has no end", judge.url)),
    }
}

fn mint_jwt(arguments: &Mint, policy: &jwt::Policy, audience: &str, now: Time) -> Result<Minted, Failure> {
    let subject = arguments.subject.as_deref().ok_or_else(|| Failure::new("a jwt session needs --subject"))?;
    if arguments.token {
        return Err(Failure::new("--token is for Bokeh session kinds"));
    }
    if policy.algorithm == jwt::Algorithm::EdDsa {
        return Err(Failure::new(
            "the session kind is verified with public keys: only the holder of the private one can sign",
        ));
    }
    let key = key(arguments, &policy.ring)?;
    let seconds = now.seconds();
    let expires = seconds.saturating_add(arguments.ttl.unwrap_or(policy.max_lifetime_seconds.min(3600)));
    let mut claims = Map::new();
    if let Some(issuer) = &policy.issuer {
        claims.insert("iss".into(), json!(issuer));
    }
    claims.insert("aud".into(), json!(audience));
    claims.insert("sub".into(), json!(subject));
    claims.insert("iat".into(), json!(seconds));
    claims.insert("exp".into(), json!(expires));
    claims.extend(further(arguments)?);
    let header = json!({"alg": "HS256", "typ": "JWT", "kid": key.id()});
    let signed = format!("{}.{}", encoded(header.to_string()), encoded(Value::Object(claims).to_string()));
    let token = format!("{signed}.{}", encoded(key.sign(signed.as_bytes())));
    let verified = jwt::verify(token.as_bytes(), policy, audience, now);
    let end = verified.as_ref().map_or(Time::from_seconds(expires), |session| session.end());
    Ok(Minted { token, key: key.id().to_owned(), end: Some(end), verdict: verified.map(|_| ()) })
}

fn mint_bokeh(arguments: &Mint, ring: &Ring, now: Time) -> Result<Minted, Failure> {
    if arguments.subject.is_some() || !arguments.claim.is_empty() {
        return Err(Failure::new("a Bokeh session holds no --subject and no --claim"));
    }
    if arguments.ttl.is_some() && !arguments.token {
        return Err(Failure::new("a Bokeh session id has no --ttl; with --token a token is made, which has"));
    }
    let key = key(arguments, ring)?;
    let base = letters_and_digits(44)?;
    let id = format!("{base}.{}", encoded(key.sign(base.as_bytes())));
    let (token, end, verified) = if arguments.token {
        let expires = now.seconds().saturating_add(arguments.ttl.unwrap_or(300));
        let payload = encoded(json!({"session_id": id, "session_expiry": expires}).to_string());
        let token = format!("{payload}.{}", encoded(key.sign(payload.as_bytes())));
        let verified = bokeh::verify_token(token.as_bytes(), ring, now);
        (token, Some(Time::from_seconds(expires)), verified)
    } else {
        let verified = bokeh::verify_id(id.as_bytes(), ring, now);
        (id, key.retire_at(), verified)
    };
    Ok(Minted { token, key: key.id().to_owned(), end, verdict: verified.map(|_| ()) })
}

/// A web framework's cookie: its value, without the name. A login says at which origin it was made.
fn mint_value(arguments: &Mint, policy: &signed::Policy, origin: &str, now: Time) -> Result<Minted, Failure> {
    if arguments.token || arguments.ttl.is_some() {
        return Err(Failure::new("--token is for Bokeh session kinds, and --ttl for what holds its own end"));
    }
    let key = key(arguments, &policy.ring)?;
    let payload = match (&policy.subject_from, policy.scheme.payload) {
        (_, signed::Payload::Id) if arguments.subject.is_some() || !arguments.claim.is_empty() => {
            return Err(Failure::new("an express session is an id: it holds no --subject and no --claim"));
        }
        (_, signed::Payload::Id) => letters_and_digits(32)?.into_bytes(),
        (path, _) => {
            let mut more = further(arguments)?;
            if policy.is_login {
                more.entry("origin").or_insert_with(|| json!(origin));
                more.entry("is_logged_in").or_insert(json!(true));
            }
            mint_signed::payload(path.as_ref(), arguments.subject.as_deref(), more)?
        }
    };
    let token = mint_signed::write(policy, key, &payload, now)?;
    let verified = signed::verify(token.as_bytes(), policy, origin, now);
    let end = verified.as_ref().ok().map(|session| session.end()).filter(|end| *end < Time::FAR);
    Ok(Minted { token, key: key.id().to_owned(), end, verdict: verified.map(|_| ()) })
}

/// What `--claim` says.
fn further(arguments: &Mint) -> Result<Map<String, Value>, Failure> {
    let each = arguments.claim.iter().map(|claim| {
        let (name, value) = claim.split_once('=').ok_or_else(|| Failure::new("--claim must be NAME=VALUE"))?;
        Ok((name.to_owned(), serde_json::from_str(value).unwrap_or_else(|_| json!(value))))
    });
    each.collect()
}

fn key<'a>(arguments: &Mint, ring: &'a Ring) -> Result<&'a Key, Failure> {
    let wanted = |key: &&std::sync::Arc<Key>| arguments.key.as_ref().is_none_or(|id| id == key.id());
    ring.keys().iter().find(wanted).map(AsRef::as_ref).ok_or_else(|| {
        let ids: Vec<&str> = ring.keys().iter().map(|key| key.id()).collect();
        Failure::new(format!("the session kind has no key of that id; it has {}", ids.join(", ")))
    })
}

fn encoded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Bokeh's alphabet for ids; bytes from 248 on are dropped, so that each character is as likely as any other.
fn letters_and_digits(count: usize) -> Result<String, Failure> {
    const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut text = String::with_capacity(count);
    while text.len() < count {
        let mut bytes = [0u8; 64];
        random(&mut bytes)?;
        let fair = bytes.iter().filter(|byte| **byte < 248).map(|byte| char::from(ALPHABET[usize::from(byte % 62)]));
        text.extend(fair.take(count - text.len()));
    }
    Ok(text)
}
