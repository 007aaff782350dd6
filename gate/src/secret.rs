//! Keys: decoding, the prepared HMAC state, retirement. A key never shows itself.

use std::fmt;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use ed25519_dalek::{Signature, VerifyingKey};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

use crate::time::Time;

/// The fewest bytes a key may have: the output size of SHA-256 (RFC 7518 section 3.2).
pub const MIN_KEY_BYTES: usize = 32;

/// How a key's text is turned into bytes. Said by the configuration, never guessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// RFC 4648 section 5, with or without its padding.
    Base64Url,
    /// RFC 4648 section 4, with or without its padding.
    Base64,
    /// Lower or upper case hexadecimal.
    Hex,
    /// The text's own bytes, as Bokeh takes `BOKEH_SECRET_KEY`.
    Utf8,
}

/// Key makers differ in whether they pad; the bytes are the same, so both are taken. The alphabets are told apart.
const PADDING: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const BASE64URL: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, PADDING);
const BASE64: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, PADDING);

/// Turns a secret's text into key bytes.
///
/// # Errors
/// A sentence that names the rule; it never holds the text.
pub fn decode(text: &str, encoding: Encoding) -> Result<Vec<u8>, &'static str> {
    if text.starts_with("-----BEGIN") || text.trim_start().starts_with('{') {
        return Err("holds PEM or JSON (JWK) text where the key's own characters are expected");
    }
    let bytes = match encoding {
        Encoding::Base64Url => {
            BASE64URL.decode(text).map_err(|_| "is not base64url (a trailing newline also counts)")?
        }
        Encoding::Base64 => BASE64.decode(text).map_err(|_| "is not base64 (a trailing newline also counts)")?,
        Encoding::Hex => hex(text).ok_or("is not hexadecimal (a trailing newline also counts)")?,
        Encoding::Utf8 => text.as_bytes().to_vec(),
    };
    if bytes.len() < MIN_KEY_BYTES {
        return Err("is shorter than 32 bytes");
    }
    Ok(bytes)
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    if !rest.is_empty() {
        return None;
    }
    pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect()
}

/// The hash under an HMAC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Digest {
    /// SHA-1: sound inside an HMAC, and what itsdangerous signs with unless told otherwise.
    Sha1,
    /// SHA-256.
    Sha256,
}

/// How a library makes the key it signs with from the secret it is given. A password's hash may be in it: it shows itself
/// nowhere.
#[derive(Clone)]
pub enum Recipe {
    /// It signs with the secret itself.
    Raw,
    /// The hash of these bytes and the secret.
    Hash(Digest, Vec<u8>),
    /// The HMAC of these bytes under the secret.
    Mac(Digest, Vec<u8>),
}

impl Recipe {
    /// The key. `None` only if HMAC refuses the secret's length, which it does for none.
    #[must_use]
    pub fn derive(&self, secret: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Raw => Some(secret.to_vec()),
            Self::Hash(Digest::Sha1, prefix) => {
                Some(Sha1::new().chain_update(prefix).chain_update(secret).finalize().to_vec())
            }
            Self::Hash(Digest::Sha256, prefix) => {
                Some(Sha256::new().chain_update(prefix).chain_update(secret).finalize().to_vec())
            }
            Self::Mac(digest, message) => State::new(*digest, secret).map(|state| state.sign(message)),
        }
    }
}

/// What signatures are checked with, prepared once: the state of an HMAC (RFC 2104), or a public key (RFC 8032).
#[derive(Clone)]
enum State {
    Sha1(Hmac<Sha1>),
    Sha256(Hmac<Sha256>),
    Ed25519(Box<VerifyingKey>),
}

impl State {
    fn new(digest: Digest, key: &[u8]) -> Option<Self> {
        match digest {
            Digest::Sha1 => Hmac::new_from_slice(key).map(Self::Sha1).ok(),
            Digest::Sha256 => Hmac::new_from_slice(key).map(Self::Sha256).ok(),
        }
    }

    /// Constant time, by the library; short tags are refused.
    fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Sha1(state) => state.clone().chain_update(message).verify_slice(signature).is_ok(),
            Self::Sha256(state) => state.clone().chain_update(message).verify_slice(signature).is_ok(),
            // Strict: no key or point of small order, so that one signature is good for one message under one key.
            Self::Ed25519(key) => {
                Signature::from_slice(signature).is_ok_and(|signature| key.verify_strict(message, &signature).is_ok())
            }
        }
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha1(state) => state.clone().chain_update(message).finalize().into_bytes().to_vec(),
            Self::Sha256(state) => state.clone().chain_update(message).finalize().into_bytes().to_vec(),
            Self::Ed25519(_) => Vec::new(),
        }
    }
}

/// A key, ready to verify with.
#[derive(Clone)]
pub struct Key {
    id: String,
    state: State,
    retire_at: Option<Time>,
}

impl Key {
    /// A key for HMAC-SHA256. `None` only if HMAC refuses the length, which it does for none.
    #[must_use]
    pub fn new(id: &str, bytes: &[u8], retire_at: Option<Time>) -> Option<Self> {
        Self::derived(id, bytes, &Recipe::Raw, Digest::Sha256, retire_at)
    }

    /// A public key for Ed25519 (RFC 8032): 32 bytes, as a JWK's `x` holds them (RFC 8037). `None` for what is no such key.
    #[must_use]
    pub fn public(id: &str, bytes: &[u8], retire_at: Option<Time>) -> Option<Self> {
        let key = VerifyingKey::from_bytes(bytes.try_into().ok()?).ok().filter(|key| !key.is_weak())?;
        Some(Self { id: id.to_owned(), state: State::Ed25519(Box::new(key)), retire_at })
    }

    /// The key a library makes of a secret, for HMAC over that hash.
    #[must_use]
    pub fn derived(id: &str, secret: &[u8], recipe: &Recipe, digest: Digest, retire_at: Option<Time>) -> Option<Self> {
        let state = State::new(digest, &recipe.derive(secret)?)?;
        Some(Self { id: id.to_owned(), state, retire_at })
    }

    /// The key's id: public, a metric label.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// When sessions of this key end, if it is being retired.
    #[must_use]
    pub fn retire_at(&self) -> Option<Time> {
        self.retire_at
    }

    /// Whether `signature` is this key's over `message`. Constant time, by the library; short tags are refused.
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        self.state.verifies(message, signature)
    }

    /// Signs `message`: for tests and `dashgate mint`, never on a request's way. A public key signs nothing: the empty text.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.state.sign(message)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Key").field("id", &self.id).field("secret", &"****").finish_non_exhaustive()
    }
}

/// A session's public fingerprint: 8 bytes of a hash of its signature, enough to follow it through logs and useless to replay.
#[must_use]
pub fn fingerprint(signature: &[u8]) -> [u8; 8] {
    let mut hash = Sha256::new();
    hash.update(b"dashgate session\0");
    hash.update(signature);
    let digest: [u8; 32] = hash.finalize().into();
    let mut short = [0u8; 8];
    short.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
    short
}
