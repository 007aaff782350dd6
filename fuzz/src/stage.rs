//! The policy of the target `request`: every feature once, and credentials for it that a fuzzer could not make.

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use ed25519_dalek::{Signer, SigningKey};
use gate::secret::{Digest, Key};
use gate::{Gate, signed};
use serde_json::{Value, json};

use crate::golden::encoded;

/// When all requests come.
pub const NOW: u64 = 1_800_000_000;
/// The portal's origin.
pub const PORTAL: &str = "https://portal.example.org";
/// Where the portal signs people in.
pub const LOGIN: &str = "https://portal.example.org/login";
/// Cookies that hold credentials and are not called as dashgate's are.
pub const OWN_COOKIES: [&str; 3] = ["session", "user", "connect.sid"];
const SECRETS: [(&str, &str); 5] = [
    ("MAIN", "the portal's key has more than 32 letters"),
    ("BOKEH", "the-key-of-bokeh-serve-has-44-letters-in-it!"),
    ("FLASK", "the key of some Flask app is a long one"),
    ("TORNADO", "the key of some Tornado app is a long one"),
    ("EXPRESS", "the key of some Express app is a long one"),
];

/// The environment of the VM.
pub fn environment(name: &str) -> Option<String> {
    SECRETS.iter().find(|(known, _)| *known == name).map(|(_, secret)| (*secret).to_owned())
}

fn signer() -> SigningKey {
    SigningKey::from_bytes(&[3; 32])
}

/// The policy's text.
pub fn policy() -> Value {
    let mut keys: Vec<Value> =
        SECRETS.iter().map(|(name, _)| json!({"id": name.to_lowercase(), "env": name, "encoding": "utf8"})).collect();
    keys.push(json!({"id": "edge", "public_key": encoded(signer().verifying_key().as_bytes())}));
    let carriers = json!(["cookie", "bearer", "subprotocol"]);
    let mut dashboards = vec![
        json!({"name": "portal", "url": "https://portal.example.org/", "open": true}),
        json!({"name": "report", "url": "https://report.example.org/", "sessions": ["portal"],
               "origins": [PORTAL, "https://*.lab.example.org"], "public": ["/static/", "/favicon.ico"],
               "identity_headers": ["subject", "session", "dashboard", "expires"], "embed_from": [PORTAL]}),
        json!({"name": "plot", "url": "https://plot.example.org/", "sessions": ["portal", "bokeh"], "require": "all",
               "keep": ["bokeh"]}),
        json!({"name": "either", "url": "https://either.example.org/", "sessions": ["edge", "bokeh"],
               "missing_origin": "allow_with_bearer", "null_origin": "allow"}),
        json!({"name": "app", "url": "https://app.example.org/", "sessions": ["flask", "tornado"], "keep": ["flask"]}),
        json!({"name": "shop", "url": "https://shop.example.org/", "sessions": ["express", "portal"],
               "require": "all"}),
        json!({"name": "lab", "url": "https://lab.example.org/", "sessions": ["portal"], "shared_origin": true}),
        json!({"name": "tb", "url": "https://lab.example.org/tb/", "sessions": ["portal"], "shared_origin": true,
               "missing_origin": "allow", "groups": ["staff"], "subjects": ["ben"]}),
        json!({"name": "hub", "url": "https://{subject}.hub.example.org/", "sessions": ["portal"]}),
        json!({"name": "users", "url": "https://users.example.org/user/{subject}/", "sessions": ["portal"]}),
        json!({"name": "paths", "url": "https://paths.example.org/s/{session}/", "sessions": ["portal"]}),
    ];
    dashboards.push(json!({"name": "runs", "url": "https://{session}.runs.example.org/", "sessions": ["portal"],
        "backends": [{"network": "10.20.0.0/16", "ports": "1024-65535"}]}));
    json!({
        "keys": keys,
        "sessions": {
            "portal": {"format": "jwt", "keys": ["main"], "issuer": PORTAL, "carriers": carriers},
            "edge": {"format": "jwt", "algorithm": "EdDSA", "keys": ["edge"], "carriers": carriers},
            "bokeh": {"format": "bokeh", "keys": ["bokeh"], "max_stream_seconds": 7200},
            "flask": {"format": "flask", "keys": ["flask"], "subject_from": "user.name"},
            "tornado": {"format": "tornado", "keys": ["tornado"], "subject_from": "."},
            "express": {"format": "express", "keys": ["express"], "max_stream_seconds": 60},
        },
        "connect": {"from": [PORTAL], "login_url": LOGIN},
        "dashboards": dashboards,
    })
}

/// The policy, accepted.
pub fn gate() -> Gate {
    match Gate::load(policy().to_string().as_bytes(), &environment) {
        Ok(gate) => gate,
        Err(problems) => panic!("{problems:?}"),
    }
}

fn key(name: &str) -> Key {
    Key::new("", environment(name).expect("a secret").as_bytes(), None).expect("a key")
}

fn claims(audience: &str, subject: &str) -> Value {
    json!({"iss": PORTAL, "aud": audience, "sub": subject, "iat": NOW - 10, "exp": NOW + 3600, "sid": "run-7",
           "groups": ["staff"], "backend": "10.20.0.17:43210"})
}

fn jwt(header: &str, claims: &Value, sign: impl Fn(&[u8]) -> Vec<u8>) -> String {
    let text = format!("{}.{}", encoded(header), encoded(claims.to_string()));
    let signature = encoded(sign(text.as_bytes()));
    format!("{text}.{signature}")
}

fn portal(audience: &str, subject: &str) -> String {
    jwt(r#"{"alg":"HS256","typ":"JWT"}"#, &claims(audience, subject), |text| key("MAIN").sign(text))
}

fn flask() -> String {
    let recipe = signed::recipe("hmac", Digest::Sha1, "cookie-session", "");
    let secret = environment("FLASK").expect("a secret");
    let key = Key::derived("", secret.as_bytes(), &recipe, Digest::Sha1, None).expect("a key");
    let time = encoded(&(NOW - 100).to_be_bytes()[4..]);
    let text = format!("{}.{time}", encoded(json!({"user": {"name": "ada"}}).to_string()));
    let signature = encoded(key.sign(text.as_bytes()));
    format!("{text}.{signature}")
}

fn tornado() -> String {
    let payload = STANDARD.encode("ada");
    let text = format!("2|1:0|10:{NOW}|4:user|{}:{payload}|", payload.len());
    let signature = gate::session::hexadecimal(&key("TORNADO").sign(text.as_bytes()));
    format!("{text}{signature}")
}

fn express() -> String {
    let id = "qVX9mfYk0-aT_s3JZ0c1qwErTyUiOpAs";
    let signature = STANDARD_NO_PAD.encode(key("EXPRESS").sign(id.as_bytes()));
    format!("s%3A{id}.{}", signature.replace('+', "%2B").replace('/', "%2F"))
}

fn bokeh_id() -> String {
    let base = "a".repeat(44);
    let signature = encoded(key("BOKEH").sign(base.as_bytes()));
    format!("{base}.{signature}")
}

fn bokeh_token() -> String {
    let text = encoded(json!({"session_id": bokeh_id(), "session_expiry": NOW + 300}).to_string());
    let signature = encoded(key("BOKEH").sign(text.as_bytes()));
    format!("{text}.{signature}")
}

/// Good credentials; an input names them `<0>`, `<1>` and so on.
pub static CREDENTIALS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let edge = claims("https://either.example.org/", "ada");
    vec![
        portal("https://report.example.org/", "ada"),
        portal("https://report.example.org/", "ben"),
        portal("https://plot.example.org/", "ada"),
        portal("https://lab.example.org/tb/", "eve"),
        portal("https://{subject}.hub.example.org/", "ada"),
        portal("https://users.example.org/user/{subject}/", "ada"),
        portal("https://{session}.runs.example.org/", "ada"),
        portal("https://paths.example.org/s/{session}/", "ada"),
        portal("https://shop.example.org/", "ada"),
        jwt(r#"{"alg":"EdDSA","kid":"edge"}"#, &edge, |text| signer().sign(text).to_bytes().to_vec()),
        bokeh_id(),
        bokeh_token(),
        flask(),
        tornado(),
        express(),
    ]
});

/// Texts around which requests are built: names, values and whole requests.
pub const REQUESTS: [&str; 17] = [
    "e:authority:report.example.org\n:method:GET\n:path:/data?x=1\n\
     cookie:theme=dark; __Host-dashgate-report=<0>\norigin:https://a.lab.example.org",
    "e:authority:report.example.org\n:method:POST\n:path:/data\nauthorization:Bearer <0>\n\
     origin:https://report.example.org\ncontent-length:0",
    "-:authority:report.example.org\n:method:GET\n:path:/ws\nupgrade:websocket\n\
     origin:https://report.example.org\nsec-websocket-protocol:dashgate, <0>, chat",
    "-:authority:plot.example.org\n:method:GET\n:path:/app/ws?bokeh-session-id=<10>\nupgrade:websocket\n\
     origin:https://plot.example.org\nsec-websocket-protocol:bokeh, <11>\n\
     cookie:__Host-dashgate-plot=<2>",
    "e:authority:plot.example.org\n:method:GET\n:path:/app?a=b&bokeh-session-id=<10>&c\n\
     cookie:__Host-dashgate-plot=<2>; session=<12>\nsec-fetch-site:none\nsec-fetch-mode:navigate\n\
     sec-fetch-dest:document",
    "e:authority:either.example.org\n:method:POST\n:path:/\nauthorization:Bearer <9>\ngrpc-timeout:5S\n\
     content-type:application/grpc",
    "e:authority:either.example.org\n:method:GET\n:path:/\nbokeh-session-id:<10>\norigin:null",
    "e:authority:app.example.org\n:method:GET\n:path:/\n\
     cookie:session=<12>; user=\"<13>\"; connect.sid=<14>",
    "e:authority:shop.example.org\n:method:GET\n:path:/\n\
     cookie:connect.sid=<14>; __Host-dashgate-shop=<8>\ncookie:other=1",
    "e:authority:lab.example.org\n:method:DELETE\n:path:/tb/x\ncookie:__Host-dashgate-tb=<3>\n\
     x-dashgate-subject:eve\nx_dashgate-backend:1.2.3.4:5",
    "e:authority:ada.hub.example.org:443\n:method:GET\n:path:/\nauthorization:bearer <4>",
    "e:authority:users.example.org\n:method:GET\n:path:/user/ada/lab\nauthorization:Bearer <5>",
    "e:authority:run-7.runs.example.org\n:method:GET\n:path:/\nauthorization:Bearer <6>",
    "e:authority:paths.example.org\n:method:GET\n:path:/s/run-7/x\ncookie:__Host-dashgate-paths_run-7=<7>",
    "-:authority:report.example.org\n:method:POST\n:path:/.dashgate/connect\n\
     origin:https://portal.example.org\ncontent-type:application/x-www-form-urlencoded\n\n\
     token=<0>&next=/data%3Fx=1",
    "e:authority:report.example.org\n:method:POST\n:path:/.dashgate/connect?next=/x\n\
     origin:https://report.example.org\nauthorization:Bearer <0>\ncookie:__Host-dashgate-report=<1>",
    "e:authority:report.example.org\n:method:GET\n:path:/.dashgate/session?dashboard=report\n\
     cookie:__Host-dashgate-report=<0>; __Host-dashgate_pending=<1>",
];

/// The same for requests without any credential: refused, public, open, or answered.
pub const BARE: [&str; 7] = [
    "e:authority:report.example.org\n:method:GET\n:path:/static/a.js\nsec-fetch-site:cross-site\n\
     grpc-timeout:1S",
    "e:authority:portal.example.org\n:method:POST\n:path:/login\norigin:https://portal.example.org",
    "e:authority:report.example.org\n:method:OPTIONS\n:path:/\norigin:https://portal.example.org\n\
     access-control-request-method:POST",
    "e:authority:report.example.org.\n:method:GET\n:path:/a?b",
    "e:authority:report.example.org\n:method:GET\n:path:/a?bokeh-token=x\nsec-fetch-mode:navigate\n\
     sec-fetch-dest:document",
    "e:authority:report.example.org\n:method:POST\n:path:/.dashgate/logout\n\
     origin:https://report.example.org\ncookie:a=b",
    "e:authority:lab.example.org\n:method:CONNECT\n:path:*\nupgrade:h2c\nhost:x",
];
