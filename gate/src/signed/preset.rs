//! The formats, one row each: how values are written and keys derived, and what the library does unless told otherwise.

use super::{Grammar, Payload, Scheme, SignatureText, TimeText, Wire};
use crate::secret::{Digest, Recipe};

/// A format's row.
#[derive(Clone, Copy, Debug)]
pub struct Preset {
    /// How its values are written.
    pub scheme: Scheme,
    /// The usual cookie, where there is one.
    pub cookie: Option<&'static str>,
    /// The salt, where the library has one of its own for sessions; empty where it takes none.
    pub salt: Option<&'static str>,
    /// How keys are derived, as [`recipe`] reads it.
    pub derivation: &'static str,
    /// The hash: `sha1` or `sha256`.
    pub digest: &'static str,
    /// How long values are good; `None` where they hold no time.
    pub max_age_seconds: Option<u64>,
    /// Whether they are Streamlit's logins, which may be in chunks: a cookie's own name is its salt.
    pub is_login: bool,
}

const DAY: u64 = 86_400;

/// The cookie that holds Streamlit's login.
const STREAMLIT: Option<&str> = Some("_streamlit_user");

/// itsdangerous 2.2.0, `URLSafeTimedSerializer` with its defaults.
const ITSDANGEROUS: Preset = Preset {
    scheme: Scheme {
        wire: Wire::Plain,
        grammar: Grammar::Timed(b'.'),
        signature: SignatureText::Base64Url,
        time: TimeText::BigEndian,
        payload: Payload::Base64Url,
    },
    cookie: None,
    // Its default is what newsletters and password resets are signed with, too.
    salt: None,
    derivation: "django-concat",
    digest: "sha1",
    max_age_seconds: Some(31 * DAY),
    is_login: false,
};

/// Django 5.2 and 6.1, `django.core.signing.dumps`.
const DJANGO: Preset = Preset {
    scheme: Scheme { grammar: Grammar::Timed(b':'), time: TimeText::Base62, ..ITSDANGEROUS.scheme },
    digest: "sha256",
    max_age_seconds: Some(14 * DAY),
    ..ITSDANGEROUS
};

/// Tornado 6.6.1, `set_signed_cookie`.
const TORNADO: Preset = Preset {
    scheme: Scheme {
        wire: Wire::Quoted,
        grammar: Grammar::Tornado,
        signature: SignatureText::Hex,
        time: TimeText::Decimal,
        payload: Payload::Base64,
    },
    cookie: Some("user"),
    salt: Some(""),
    derivation: "none",
    digest: "sha256",
    ..ITSDANGEROUS
};

/// The row of a format.
#[must_use]
pub fn preset(format: &str) -> Option<Preset> {
    Some(match format {
        "itsdangerous" => ITSDANGEROUS,
        // Flask 3.1.3, `SecureCookieSessionInterface`.
        "flask" => Preset { cookie: Some("session"), salt: Some("cookie-session"), derivation: "hmac", ..ITSDANGEROUS },
        // Starlette, `SessionMiddleware`.
        "starlette" => Preset {
            scheme: Scheme { payload: Payload::Base64, ..ITSDANGEROUS.scheme },
            cookie: Some("session"),
            salt: Some("itsdangerous.Signer"),
            max_age_seconds: Some(14 * DAY),
            ..ITSDANGEROUS
        },
        "tornado" => TORNADO,
        // jupyter_server 2.21.1, `IdentityProvider.set_login_cookie`. The salt is the password's hash, if there is one.
        "jupyter" => Preset { cookie: None, derivation: "hmac", ..TORNADO },
        // Streamlit 1.57 and later, `starlette_app_utils.create_signed_value`.
        "streamlit" => Preset {
            scheme: Scheme { payload: Payload::Nested, ..ITSDANGEROUS.scheme },
            cookie: STREAMLIT,
            salt: Some(""),
            is_login: true,
            ..ITSDANGEROUS
        },
        // Streamlit 1.42 to 1.56, whose server is Tornado.
        "streamlit_tornado" => Preset { cookie: STREAMLIT, is_login: true, ..TORNADO },
        "django" => DJANGO,
        // `HttpResponse.set_signed_cookie`, with the salt of 5.2.15 and 6.1 on.
        "django_cookie" => Preset {
            scheme: Scheme { wire: Wire::Quoted, payload: Payload::Plain, ..DJANGO.scheme },
            salt: Some(""),
            derivation: "django-cookie",
            ..DJANGO
        },
        // cookie-signature 1.0.7 under express-session 1.19.0.
        "express" => Preset {
            scheme: Scheme {
                wire: Wire::Express,
                grammar: Grammar::Timeless(b'.'),
                signature: SignatureText::Base64,
                payload: Payload::Id,
                ..TORNADO.scheme
            },
            cookie: Some("connect.sid"),
            max_age_seconds: None,
            ..TORNADO
        },
        _ => return None,
    })
}

/// How a derivation makes keys: itsdangerous's words, and Django's for cookies.
#[must_use]
pub fn recipe(derivation: &str, digest: Digest, salt: &str, cookie: &str) -> Recipe {
    match derivation {
        "concat" => Recipe::Hash(digest, salt.as_bytes().to_vec()),
        "hmac" => Recipe::Mac(digest, salt.as_bytes().to_vec()),
        "none" => Recipe::Raw,
        "django-cookie" => {
            let salt = format!("django.http.cookies.v2:{}:{salt}{cookie}", salt.chars().count());
            Recipe::Hash(digest, format!("{salt}signerdjango.http.cookies").into_bytes())
        }
        // Up to 5.2.14, and in all of 4.2.
        "django-cookie-legacy" => Recipe::Hash(digest, format!("{cookie}{salt}signerdjango.http.cookies").into_bytes()),
        _ => Recipe::Hash(digest, format!("{salt}signer").into_bytes()),
    }
}
