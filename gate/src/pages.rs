//! The gate's own pages, made once per configuration: refusals, and connect by fragment. Nothing of a request is in them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use crate::reason::Advice;

const STYLE: &str = include_str!("pages/style.css");
const SCRIPT: &str = include_str!("pages/connect.js");
const REFUSAL: &str = include_str!("pages/refusal.html");
const CONNECT: &str = include_str!("pages/connect.html");

/// Ready pages and their Content-Security-Policies.
#[derive(Debug)]
pub(crate) struct Pages {
    refusals: Vec<(Advice, String)>,
    refusal_policy: String,
    connect: String,
    connect_policy: String,
}

impl Pages {
    /// `login_url`: where the refusal page's link leads.
    pub fn new(login_url: Option<&str>) -> Self {
        let link = login_url
            .map(|url| format!("<p><a class=\"button\" href=\"{}\">Go to the portal</a></p>", escaped(url)))
            .unwrap_or_default();
        let common =
            format!("default-src 'none'; style-src '{}'; base-uri 'none'; frame-ancestors 'none'", source_hash(STYLE));
        Self {
            refusals: Advice::ALL.iter().map(|advice| (*advice, refusal(*advice, &link))).collect(),
            refusal_policy: format!("{common}; form-action 'none'"),
            connect: CONNECT.replace("{{style}}", STYLE).replace("{{link}}", &link).replace("{{script}}", SCRIPT),
            connect_policy: format!(
                "{common}; form-action 'none'; connect-src 'self'; script-src '{}'",
                source_hash(SCRIPT)
            ),
        }
    }

    pub fn refusal(&self, advice: Advice) -> &str {
        self.refusals.iter().find(|(known, _)| *known == advice).map(|(_, page)| page.as_str()).unwrap_or_default()
    }

    pub fn refusal_policy(&self) -> &str {
        &self.refusal_policy
    }

    pub fn connect(&self) -> &str {
        &self.connect
    }

    pub fn connect_policy(&self) -> &str {
        &self.connect_policy
    }
}

fn refusal(advice: Advice, link: &str) -> String {
    let title = match advice {
        Advice::SignIn => "Sign in to open this dashboard",
        Advice::NotFound => "Nothing here",
        Advice::ConnectAgain | Advice::PortalReferrer | Advice::ConnectByLink => "Could not connect",
        Advice::NotAllowed | Advice::NotYours | Advice::BadRequest => "Not allowed",
    };
    let page = REFUSAL.replace("{{style}}", STYLE).replace("{{link}}", link);
    page.replace("{{title}}", title).replace("{{sentence}}", advice.sentence())
}

/// A CSP hash source (CSP 3 section 2.3.1) of an inline text.
fn source_hash(text: &str) -> String {
    let digest: [u8; 32] = Sha256::digest(text.as_bytes()).into();
    format!("sha256-{}", STANDARD.encode(digest))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
