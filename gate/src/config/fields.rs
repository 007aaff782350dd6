//! The configuration's shape, once: this table drives the check of a document, the JSON Schema and the reference page.

use super::texts::{
    address, cookie_name, exact_origin, instant, kind_cookie, label, link, members, name, network, path, ports,
    printable, public, salt, token, variable, zone,
};
use crate::origin;

/// What a value must be.
pub enum Shape {
    /// A string that passes the check.
    Text(fn(&str) -> Result<(), &'static str>),
    /// A whole number in this range.
    Whole(u64, u64),
    /// `true` or `false`.
    Boolean,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A list of such values.
    List(&'static Shape),
    /// An object whose names are free (they pass [`name`]) and whose values are such.
    Map(&'static Shape),
    /// An object with these fields and no others.
    Object(&'static [Field]),
}

/// One field of an object.
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What its value must be.
    pub shape: Shape,
    /// What holds without it, as JSON text; `None`: it must be there; an empty text: nothing.
    pub default: Option<&'static str>,
    /// What it means.
    pub meaning: &'static str,
}

/// The filter writes no documents, and its module does without five kilobytes of them.
const HAS_MEANINGS: bool = cfg!(not(target_os = "wasi"));

const fn required(name: &'static str, shape: Shape, meaning: &'static str) -> Field {
    Field { name, shape, default: None, meaning: if HAS_MEANINGS { meaning } else { "" } }
}

const fn optional(name: &'static str, shape: Shape, default: &'static str, meaning: &'static str) -> Field {
    Field { default: Some(default), ..required(name, shape, meaning) }
}

/// Words for [`Shape::Choice`], used where they are read, too.
pub const FORMATS: &[&str] = &[
    "jwt",
    "bokeh",
    "tornado",
    "itsdangerous",
    "flask",
    "starlette",
    "django",
    "django_cookie",
    "express",
    "jupyter",
    "streamlit",
    "streamlit_tornado",
];
/// How itsdangerous derives keys.
pub const DERIVATIONS: &[&str] = &["django-concat", "concat", "hmac", "none"];
/// How a JWT may be signed.
pub const ALGORITHMS: &[&str] = &["HS256", "EdDSA"];
/// How a key's text becomes bytes.
pub const ENCODINGS: &[&str] = &["base64url", "base64", "hex", "utf8"];
/// Where a token may be found.
pub const CARRIERS: &[&str] = &["cookie", "bearer", "subprotocol"];
/// Which identity headers there are.
pub const IDENTITY: &[&str] = &["subject", "session", "dashboard", "expires"];
/// What to do about a missing Origin.
pub const MISSING_ORIGIN: &[&str] = &["deny", "allow_with_bearer", "allow"];
/// What to do about `Origin: null`.
pub const NULL_ORIGIN: &[&str] = &["deny", "allow"];

/// The whole document.
pub const DOCUMENT: Shape = Shape::Object(&[
    optional(
        "keys",
        Shape::List(&KEY),
        "[]",
        "The keys sessions are verified with. Secrets come from the environment of the VM, never from here.",
    ),
    optional("sessions", Shape::Map(&SESSION), "{}", "The kinds of sessions there are, by name."),
    optional("connect", CONNECT, "", "How a portal hands a session over. Without it there is no connect endpoint."),
    required("dashboards", Shape::List(&DASHBOARD), "What may be reached. Whatever is not listed is refused."),
    optional("reason_header", Shape::Boolean, "false", "Whether refusals tell their reason code in x-dashgate-reason."),
]);

const KEY: Shape = Shape::Object(&[
    required("id", Shape::Text(name), "The key id: a token's kid, and a metric label."),
    optional(
        "env",
        Shape::Text(variable),
        "",
        "The environment variable that holds the key (host_env_keys of the VM). Required but for a public key.",
    ),
    optional(
        "encoding",
        Shape::Choice(ENCODINGS),
        "",
        "Required with env. How the variable's text becomes bytes: base64url, base64 (padded or not), hex, or utf8 (the text itself). At least 32 bytes.",
    ),
    optional(
        "public_key",
        Shape::Text(printable),
        "",
        "Instead of env and encoding: an Ed25519 public key, the x of its JWK (RFC 8037). It is no secret, and signs nothing.",
    ),
    optional(
        "retire_at",
        Shape::Text(instant),
        "",
        "When the key ends, and every session it signed with it: a UTC time.",
    ),
]);

const SESSION: Shape = Shape::Object(&[
    required(
        "format",
        Shape::Choice(FORMATS),
        "jwt: JWT HS256. bokeh: Bokeh's signed session ids and tokens. tornado: Tornado's signed values, version 2. itsdangerous: a URLSafeTimedSerializer's. flask: Flask's session. starlette: its SessionMiddleware's. django: signing.dumps. django_cookie: set_signed_cookie. express: express-session's id. jupyter: Jupyter Server's login. streamlit: Streamlit's login, of 1.57 and later; streamlit_tornado: of 1.42 to 1.56.",
    ),
    required("keys", Shape::List(&Shape::Text(name)), "Ids of the keys that may have signed."),
    optional(
        "algorithm",
        Shape::Choice(ALGORITHMS),
        "\"HS256\"",
        "jwt: how tokens are signed. EdDSA: with Ed25519, verified with public keys.",
    ),
    optional("issuer", Shape::Text(printable), "", "jwt: the only iss accepted. Without it any is."),
    optional(
        "clock_skew_seconds",
        Shape::Whole(0, 300),
        "30",
        "How far the signer's clock may differ. For jwt and what holds a time.",
    ),
    optional("max_lifetime_seconds", Shape::Whole(1, 31_536_000), "43200", "jwt: the longest life from iat to exp."),
    optional(
        "carriers",
        Shape::List(&Shape::Choice(CARRIERS)),
        "[\"cookie\"]",
        "jwt: where a token may be found. Bokeh's carriers are its own: the query, Bokeh-Session-Id, the subprotocol.",
    ),
    optional(
        "cookie",
        Shape::Text(kind_cookie),
        "",
        "The cookie a web framework keeps the session in. By default the framework's own: session (flask, starlette), user (tornado), connect.sid (express). Streamlit's is always _streamlit_user. Required for jupyter: username- and the host, with - for each character but letters and digits.",
    ),
    optional(
        "salt",
        Shape::Text(salt),
        "",
        "itsdangerous, flask, django, django_cookie: the salt. Required for itsdangerous and django; by default the library's own for flask, none for django_cookie. Starlette's cannot be changed.",
    ),
    optional(
        "salt_form",
        Shape::Choice(&["v2", "legacy"]),
        "\"v2\"",
        "django_cookie: how cookie and salt are put together. v2: as Django 5.2.15 and 6.1 do. legacy: as all before did.",
    ),
    optional(
        "password_env",
        Shape::Text(variable),
        "",
        "jupyter: the environment variable that holds the password's hash, where the server has a password.",
    ),
    optional(
        "chunks",
        Shape::Boolean,
        "false",
        "streamlit, streamlit_tornado: takes logins that are too long for one cookie, whose chunks nothing but the second ties together.",
    ),
    optional(
        "key_derivation",
        Shape::Choice(DERIVATIONS),
        "\"django-concat\"",
        "itsdangerous: how the key is derived from the secret.",
    ),
    optional("digest", Shape::Choice(DIGESTS), "\"sha1\"", "itsdangerous, flask: the hash under the signature."),
    optional(
        "max_age_seconds",
        Shape::Whole(1, 31_536_000),
        "",
        "How long a value is good after it was signed. By default 31 days, 14 for starlette, django and django_cookie. For what holds a time.",
    ),
    optional(
        "subject_from",
        Shape::Text(path),
        "",
        "Where in a web framework's session the subject is: members from the outside in, such as user.username, or . for the whole of a text. A session without one is refused. Required for web frameworks but express, unless anonymous is true.",
    ),
    optional(
        "anonymous",
        Shape::Boolean,
        "false",
        "Instead of subject_from: sessions without a subject are taken. It says that the app signs none for visitors who never logged in.",
    ),
    optional(
        "groups_from",
        Shape::Text(members),
        "",
        "Where the session's groups are, a list of texts: members from the outside in. For jwt groups by default. Read where a dashboard of the kind lists groups.",
    ),
    optional(
        "session_id_from",
        Shape::Text(members),
        "",
        "Where the session's public id is, a text. For jwt sid by default. Read where a dashboard of the kind has {session} in its url.",
    ),
    optional(
        "backend_from",
        Shape::Text(members),
        "",
        "Where the session's backend is, such as 10.20.0.17:43210. For jwt backend by default. Read where a dashboard of the kind has backends.",
    ),
    optional(
        "max_stream_seconds",
        Shape::Whole(1, 31_536_000),
        "",
        "The longest life of one WebSocket or answer. Required for bokeh and express, whose ids never expire.",
    ),
]);

const CONNECT: Shape = Shape::Object(&[
    required(
        "from",
        Shape::List(&Shape::Text(exact_origin)),
        "Origins of the portals whose form may connect and sign out.",
    ),
    optional(
        "login_url",
        Shape::Text(link),
        "",
        "Where a navigation without a session is sent, with ?dashboard=NAME&next=PATH.",
    ),
    optional("max_token_age_seconds", Shape::Whole(1, 3600), "120", "How old a token's iat may be at connect."),
    optional(
        "form",
        Shape::Boolean,
        "true",
        "Whether forms with a body are taken. Needs allow_on_headers_stop_iteration: true beside this configuration; say false where that cannot be set, and use connect by fragment.",
    ),
]);

const DASHBOARD: Shape = Shape::Object(&[
    required("name", Shape::Text(label), "A short name: part of the cookie's name, a metric label, the route's lock."),
    required(
        "url",
        Shape::Text(address),
        "Where browsers reach it: https://host[:port]/path/, canonical, ending in /. With {subject} or {session} as the first label of the host or the last segment of the path, the session must be the one named there.",
    ),
    optional("open", Shape::Boolean, "false", "Needs no session (the portal itself). All other rules hold."),
    optional("sessions", Shape::List(&Shape::Text(name)), "[]", "Session kinds that open it."),
    optional(
        "require",
        Shape::Choice(&["any", "all"]),
        "\"any\"",
        "any: the kinds are alternatives. all: each is demanded.",
    ),
    optional(
        "subjects",
        Shape::List(&Shape::Text(printable)),
        "[]",
        "Subjects that may open it. Without subjects and groups any session of its kinds does.",
    ),
    optional("groups", Shape::List(&Shape::Text(printable)), "[]", "Groups whose members may open it, too."),
    optional(
        "backends",
        Shape::List(&BACKEND),
        "[]",
        "Where the backends may be that its sessions name: each session then leads to its own, told to Envoy in x-dashgate-backend.",
    ),
    optional(
        "keep",
        Shape::List(&Shape::Text(name)),
        "[]",
        "Session kinds whose credentials the backend needs; all others are removed.",
    ),
    optional(
        "origins",
        Shape::List(&Shape::Text(origin::check_pattern)),
        "[]",
        "Origins allowed besides its own: exact, or one wildcard label (https://*.lab.example.org).",
    ),
    optional(
        "public",
        Shape::List(&Shape::Text(public)),
        "[]",
        "Paths of the host that GET and HEAD reach without a session.",
    ),
    optional("audience", Shape::Text(printable), "", "The aud that names this dashboard. By default its url."),
    optional(
        "cookie",
        Shape::Text(cookie_name),
        "",
        "The cookie that holds its session. By default __Host-dashgate-NAME.",
    ),
    optional(
        "identity_headers",
        Shape::List(&Shape::Choice(IDENTITY)),
        "[\"subject\"]",
        "Which x-dashgate-* headers the backend gets.",
    ),
    optional(
        "missing_origin",
        Shape::Choice(MISSING_ORIGIN),
        "\"deny\"",
        "Where an Origin is required and missing. allow_with_bearer: waived if the session came as a bearer and no session cookie came along.",
    ),
    optional(
        "null_origin",
        Shape::Choice(NULL_ORIGIN),
        "\"deny\"",
        "Whether Origin: null is taken for an allowed one.",
    ),
    optional(
        "embed_from",
        Shape::List(&Shape::Text(exact_origin)),
        "[]",
        "Origins whose pages may show it in a frame.",
    ),
    optional("preflight", PREFLIGHT, "{}", "What CORS preflights are answered with."),
    optional(
        "shared_origin",
        Shape::Boolean,
        "false",
        "Says that other dashboards of the same origin are trusted with this one; silences the warning.",
    ),
]);

const BACKEND: Shape = Shape::Object(&[
    optional(
        "network",
        Shape::Text(network),
        "",
        "Addresses: 10.20.0.0/16, or one address. Loopback, link-local, metadata and multicast addresses are allowed by one address only.",
    ),
    optional(
        "zone",
        Shape::Text(zone),
        "",
        "Instead of network: names under it. Whoever can write the zone's records then decides where they lead.",
    ),
    required("ports", Shape::Text(ports), "One port, or the first and last: 1024-65535."),
]);

const PREFLIGHT: Shape = Shape::Object(&[
    optional(
        "methods",
        Shape::List(&Shape::Text(token)),
        "[\"GET\", \"HEAD\", \"POST\"]",
        "Access-Control-Allow-Methods.",
    ),
    optional("headers", Shape::List(&Shape::Text(token)), "[\"content-type\"]", "Access-Control-Allow-Headers."),
    optional("max_age_seconds", Shape::Whole(0, 86_400), "600", "Access-Control-Max-Age."),
]);

/// The hash under a signature.
pub const DIGESTS: &[&str] = &["sha1", "sha256"];
