//! The keys of a document: where each one's bytes come from, how long it is, and when it retires.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::Environment;
use super::compile::Compiler;
use super::reader::{Named, Reader};
use crate::secret::{self, Encoding, Key};
use crate::time::{self, Time};

/// What is wrong with a variable that cannot be had.
pub(super) const UNSET: &str = "is not set in the environment of the VM (host_env_keys)";

/// A key's secret, until each session kind has made of it what its format signs with.
pub(super) struct Secret {
    pub id: String,
    pub bytes: Vec<u8>,
    pub retire_at: Option<Time>,
    /// Not a secret at all, but the public half of one.
    pub is_public: bool,
}

impl Compiler {
    /// All keys by id; a key that cannot be had is a problem and `None`, so that references to it are not problems, too.
    pub(super) fn keys(&mut self, document: &Reader<'_>, environment: Environment<'_>) -> Named<Option<Secret>> {
        let mut keys = Named(Vec::new());
        for (index, item) in document.items("keys").iter().enumerate() {
            let item = Reader(item);
            let path = format!("keys[{index}]");
            let id = item.text("id").unwrap_or_default();
            let is_public = item.has("public_key");
            let bytes = match item.text("public_key") {
                Some(text) => self.public_key(&path, &item, text),
                None => self.secret(&path, &item, environment),
            };
            let retire_at = item.text("retire_at").and_then(|text| time::parse_utc(text).ok());
            let key = bytes.map(|bytes| Secret { id: id.to_owned(), bytes, retire_at, is_public });
            if keys.place(id).is_some() {
                self.problem(format!("{path}.id"), "is the id of an earlier key");
            }
            keys.0.push((id.to_owned(), key));
        }
        keys
    }

    /// The bytes of a secret in the environment.
    pub(super) fn secret(&mut self, path: &str, item: &Reader<'_>, environment: Environment<'_>) -> Option<Vec<u8>> {
        let encoding = match item.text("encoding") {
            Some("base64") => Encoding::Base64,
            Some("hex") => Encoding::Hex,
            Some("utf8") => Encoding::Utf8,
            _ => Encoding::Base64Url,
        };
        for name in ["env", "encoding"] {
            if !item.has(name) {
                self.problem(format!("{path}.{name}"), "is missing");
            }
        }
        let variable = item.text("env")?;
        let secret = environment(variable).ok_or(UNSET).and_then(|text| secret::decode(&text, encoding));
        secret.map_err(|message| self.problem(format!("{path}.env"), format!("{variable} {message}"))).ok()
    }

    /// The bytes of a public key, which is no secret.
    pub(super) fn public_key(&mut self, path: &str, item: &Reader<'_>, text: &str) -> Option<Vec<u8>> {
        for name in ["env", "encoding"] {
            if item.has(name) {
                self.problem(format!("{path}.{name}"), "is not for a public key");
            }
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).ok().filter(|bytes| Key::public("", bytes, None).is_some());
        if bytes.is_none() {
            self.problem(
                format!("{path}.public_key"),
                "is not an Ed25519 public key: 32 bytes in base64url without padding, as the x of a JWK",
            );
        }
        bytes
    }
}
