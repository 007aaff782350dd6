//! The kinds of sessions: which options each format takes, and how its credentials will be judged.

use std::sync::Arc;

use super::Environment;
use super::access::Asked;
use super::compile::Compiler;
use super::keys::{Secret, UNSET};
use super::reader::{Named, Reader};
use crate::json::Json;
use crate::jwt;
use crate::jwt::Algorithm;
use crate::policy::{Carriers, Format, Kind};
use crate::secret::{Digest, Key, Recipe};
use crate::session::Ring;
use crate::signed::{self, SubjectPath};

impl Secret {
    fn verifier(&self, algorithm: Algorithm) -> Option<Key> {
        match algorithm {
            Algorithm::Hs256 => Key::new(&self.id, &self.bytes, self.retire_at),
            Algorithm::EdDsa => Key::public(&self.id, &self.bytes, self.retire_at),
        }
    }
}

/// Which format signs with which keys, as it derives them: one key must not sign for two formats.
struct Signer<'a> {
    kind: &'a str,
    format: &'a str,
    /// By key id, what the key makes of one fixed text: alike for keys that sign alike, and no key.
    keys: Vec<(&'a str, Vec<u8>)>,
}

impl<'a> Signer<'a> {
    fn new(kind: &'a str, format: &'a str, secrets: &[&'a Secret], recipe: &Recipe) -> Self {
        let made = |secret: &&'a Secret| {
            let key = Key::new("", &recipe.derive(&secret.bytes)?, None)?;
            Some((secret.id.as_str(), key.sign(b"dashgate: which key is this")))
        };
        Self { kind, format, keys: secrets.iter().filter_map(made).collect() }
    }

    /// The ids of a key of this one's and one of another's that are the same key.
    fn shares(&self, other: &Self) -> Option<(&'a str, &'a str)> {
        let same = |(id, mark): &(&'a str, Vec<u8>)| {
            other.keys.iter().find(|(_, known)| known == mark).map(|(known, _)| (*id, *known))
        };
        self.keys.iter().find_map(same)
    }
}

fn ring(secrets: &[&Secret], recipe: &Recipe, digest: Digest) -> Ring {
    let keys = secrets.iter().filter_map(|key| Key::derived(&key.id, &key.bytes, recipe, digest, key.retire_at));
    Ring::new(keys.map(Arc::new).collect())
}

/// Formats whose sessions are read by their time, and may say more than whose they are.
const TELLING: &[&str] = &[
    "jwt",
    "tornado",
    "itsdangerous",
    "flask",
    "starlette",
    "django",
    "django_cookie",
    "jupyter",
    "streamlit",
    "streamlit_tornado",
];

/// Formats whose values hold a time and name somebody.
const TIMED: &[&str] = match TELLING {
    [_jwt, timed @ ..] => timed,
    [] => &[],
};

/// Which formats take which options of a session kind, where not all do. Starlette's salt is its library's for good, and
/// Django's, Tornado's and Express's ways to derive keys are, and Streamlit's cookie is; an express id names nobody.
const OPTIONS: [(&str, &[&str]); 18] = [
    ("algorithm", &["jwt"]),
    ("issuer", &["jwt"]),
    ("clock_skew_seconds", TELLING),
    ("max_lifetime_seconds", &["jwt"]),
    ("carriers", &["jwt"]),
    ("cookie", &["tornado", "itsdangerous", "flask", "starlette", "django", "django_cookie", "express", "jupyter"]),
    ("salt", &["itsdangerous", "flask", "django", "django_cookie"]),
    ("salt_form", &["django_cookie"]),
    ("password_env", &["jupyter"]),
    ("chunks", &["streamlit", "streamlit_tornado"]),
    ("key_derivation", &["itsdangerous"]),
    ("digest", &["itsdangerous", "flask"]),
    ("max_age_seconds", TIMED),
    ("subject_from", TIMED),
    ("anonymous", TIMED),
    ("groups_from", TELLING),
    ("session_id_from", TELLING),
    ("backend_from", TELLING),
];

impl Compiler {
    pub(super) fn kinds(
        &mut self,
        document: &Reader<'_>,
        keys: &Named<Option<Secret>>,
        environment: Environment<'_>,
    ) -> Named<Arc<Kind>> {
        let members = document.0.member("sessions").map(Json::members).unwrap_or_default();
        let (mut kinds, mut signers) = (Named(Vec::new()), Vec::new());
        for (name, value) in members {
            let (path, session) = (format!("sessions.{name}"), Reader(value));
            let algorithm = match session.text("algorithm") {
                Some("EdDSA") => Algorithm::EdDsa,
                _ => Algorithm::Hs256,
            };
            let secrets = self.secrets(&path, &session, algorithm, keys);
            let asked = Asked::of(document, name);
            let password = self.password(&path, &session, environment);
            let (kind, recipe) = self.kind(&path, &session, algorithm, &secrets, asked, password.as_deref());
            // Ed25519 signs for nothing but JWTs.
            if algorithm == Algorithm::Hs256 {
                signers.push(Signer::new(name, session.text("format").unwrap_or_default(), &secrets, &recipe));
            }
            kinds.0.push((name.clone().into_owned(), Arc::new(kind)));
        }
        self.check_signers(&signers);
        kinds
    }

    /// Each format signs its own texts without a thought of the others': what was signed for one could pass for a session of
    /// the other. Libraries that derive keys, each with a salt of its own, can share a secret.
    fn check_signers(&mut self, signers: &[Signer<'_>]) {
        for (place, signer) in signers.iter().enumerate() {
            for other in signers.iter().take(place).filter(|other| other.format != signer.format) {
                if let Some((id, known)) = signer.shares(other) {
                    let message = format!(
                        "{id} signs as {known} does for sessions.{}, whose format is {} and not {}: what one signs could \
                         pass for the other. Give each a secret of its own",
                        other.kind, other.format, signer.format
                    );
                    self.problem(format!("sessions.{}.keys", signer.kind), message);
                }
            }
        }
    }

    /// The keys of a kind that can be had, each fit for its algorithm.
    fn secrets<'a>(
        &mut self,
        path: &str,
        session: &Reader<'_>,
        algorithm: Algorithm,
        keys: &'a Named<Option<Secret>>,
    ) -> Vec<&'a Secret> {
        let mut secrets = Vec::new();
        for (index, id) in session.words("keys").enumerate() {
            match keys.find(id) {
                Some(Some(key)) if key.is_public && algorithm != Algorithm::EdDsa => {
                    self.problem(format!("{path}.keys[{index}]"), "is a public key: those are for algorithm EdDSA");
                }
                Some(Some(key)) if !key.is_public && algorithm == Algorithm::EdDsa => {
                    self.problem(format!("{path}.keys[{index}]"), "is a secret: EdDSA is verified with public keys");
                }
                Some(key) => secrets.extend(key.as_ref()),
                None => self.problem(format!("{path}.keys[{index}]"), "is not the id of a key"),
            }
        }
        if session.items("keys").is_empty() {
            self.problem(format!("{path}.keys"), "lists none");
        }
        secrets
    }

    /// What the app mixes into its secret besides, where a variable of the environment holds that.
    fn password(&mut self, path: &str, session: &Reader<'_>, environment: Environment<'_>) -> Option<String> {
        let variable = session.text("password_env")?;
        let password = environment(variable).filter(|text| !text.is_empty());
        if password.is_none() {
            self.problem(format!("{path}.password_env"), format!("{variable} {UNSET}"));
        }
        password
    }

    /// The kind, and how its format derives keys.
    fn kind(
        &mut self,
        path: &str,
        session: &Reader<'_>,
        algorithm: Algorithm,
        secrets: &[&Secret],
        asked: Asked,
        password: Option<&str>,
    ) -> (Kind, Recipe) {
        let format = session.text("format").unwrap_or_default();
        for name in OPTIONS.iter().flat_map(|(name, formats)| (!formats.contains(&format)).then_some(name)) {
            if session.has(name) {
                self.problem(format!("{path}.{name}"), format!("is not for format {format}"));
            }
        }
        let max_stream_seconds = session.whole("max_stream_seconds");
        if max_stream_seconds.is_none() && matches!(format, "bokeh" | "express") {
            let message = match format {
                "bokeh" => "is missing: Bokeh's session ids never expire",
                _ => "is missing: Express's session ids hold no time",
            };
            self.problem(format!("{path}.max_stream_seconds"), message);
        }
        let mut carriers = Carriers::default();
        let (format, recipe) = match format {
            "jwt" => {
                carriers.cookie = !session.has("carriers");
                for word in session.words("carriers") {
                    match word {
                        "cookie" => carriers.cookie = true,
                        "bearer" => carriers.bearer = true,
                        _ => carriers.marker = true,
                    }
                }
                if session.has("carriers") && session.items("carriers").is_empty() {
                    self.problem(format!("{path}.carriers"), "lists none");
                }
                let keys = secrets.iter().filter_map(|key| key.verifier(algorithm)).map(Arc::new).collect();
                let policy = jwt::Policy {
                    algorithm,
                    ring: Ring::for_algorithm(keys, algorithm.name()),
                    issuer: session.text("issuer").map(str::to_owned),
                    clock_skew_seconds: session.whole("clock_skew_seconds").unwrap_or(30),
                    max_lifetime_seconds: session.whole("max_lifetime_seconds").unwrap_or(43_200),
                    facts: asked.paths(session, true),
                };
                (Format::Jwt(policy), Recipe::Raw)
            }
            "bokeh" => {
                carriers.bokeh = true;
                (Format::Bokeh(ring(secrets, &Recipe::Raw, Digest::Sha256)), Recipe::Raw)
            }
            format => self.signed(path, format, session, secrets, asked, password),
        };
        (Kind { format, carriers, max_stream_seconds }, recipe)
    }

    /// A kind whose cookies a web framework signs.
    fn signed(
        &mut self,
        path: &str,
        format: &str,
        session: &Reader<'_>,
        secrets: &[&Secret],
        asked: Asked,
        password: Option<&str>,
    ) -> (Format, Recipe) {
        let Some(preset) = signed::preset(format) else {
            // The table lets no other word through.
            self.problem(format!("{path}.format"), "is not known");
            return (Format::Bokeh(Ring::default()), Recipe::Raw);
        };
        let cookie = session.text("cookie").or(preset.cookie).unwrap_or_default();
        if cookie.is_empty() {
            self.problem(format!("{path}.cookie"), "is missing: the format has no usual cookie");
        }
        let salt = password.or(session.text("salt")).or(preset.salt).unwrap_or_default();
        if salt.is_empty() && preset.salt.is_none() && format == "django" {
            self.problem(format!("{path}.salt"), "is missing: Django has one for each use");
        }
        if preset.salt.is_none() && format == "itsdangerous" && !session.has("salt") {
            self.problem(
                format!("{path}.salt"),
                "is missing: with the library's own, whatever else the app signs would be a session",
            );
        }
        self.check_subject(path, format, session);
        let digest = match session.text("digest").unwrap_or(preset.digest) {
            "sha1" => Digest::Sha1,
            _ => Digest::Sha256,
        };
        let mut derivation = session.text("key_derivation").unwrap_or(preset.derivation);
        if session.text("salt_form") == Some("legacy") {
            derivation = "django-cookie-legacy";
            self.warning(
                format!("{path}.salt_form"),
                "signs name and salt as one text: what the app signs for a cookie si with the salt d verifies as sid, too",
            );
        }
        if format == "jupyter" && !session.has("password_env") {
            self.warning(
                format!("{path}.password_env"),
                "is not set: a Jupyter with neither password nor token signs a login for whoever asks, and one with a token a \
                 name by chance",
            );
        }
        let recipe = |cookie: &str| match preset.is_login {
            true => signed::recipe(derivation, digest, cookie, cookie),
            false => signed::recipe(derivation, digest, salt, cookie),
        };
        let chunk = |number| {
            let name = format!("{cookie}_{number}");
            let ring = ring(secrets, &recipe(&name), digest);
            (name, ring)
        };
        let most_chunks = if session.truth("chunks") { signed::MAX_CHUNKS } else { 0 };
        if session.truth("chunks") {
            self.warning(
                format!("{path}.chunks"),
                "takes what Streamlit ties together by nothing: who logs in twice within a second, with long claims of their own, \
                 can join the parts to another name",
            );
        }
        let chunks = (1..=most_chunks).map(chunk).collect();
        let recipe = recipe(cookie);
        let policy = signed::Policy {
            scheme: preset.scheme,
            ring: ring(secrets, &recipe, digest),
            is_login: preset.is_login,
            chunks,
            cookie: cookie.to_owned(),
            max_age_seconds: preset.max_age_seconds.map(|usual| session.whole("max_age_seconds").unwrap_or(usual)),
            clock_skew_seconds: session.whole("clock_skew_seconds").unwrap_or(30),
            subject_from: session.text("subject_from").map(SubjectPath::parse),
            facts: asked.paths(session, false),
        };
        (Format::Signed(policy), recipe)
    }

    /// A session that names nobody is taken only where that is said: these apps sign one for each visitor.
    fn check_subject(&mut self, path: &str, format: &str, session: &Reader<'_>) {
        let (named, anonymous) = (session.has("subject_from"), session.truth("anonymous"));
        if named && anonymous {
            self.problem(format!("{path}.anonymous"), "contradicts subject_from");
        }
        if !named && !anonymous && TIMED.contains(&format) {
            self.problem(
                format!("{path}.subject_from"),
                "is missing: the app may sign sessions for visitors who never logged in; \
                 anonymous: true says that it signs none for them",
            );
        }
    }
}
