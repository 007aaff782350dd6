//! Keys: decoding, the prepared HMAC state, retirement. A key never shows itself.

use std::fmt;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

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

/// A key with its HMAC-SHA256 state computed once (RFC 2104).
#[derive(Clone)]
pub struct Key {
    id: String,
    state: Hmac<Sha256>,
    retire_at: Option<Time>,
}

impl Key {
    /// Prepares a key. `None` only if HMAC refuses the length, which it does for none.
    #[must_use]
    pub fn new(id: &str, bytes: &[u8], retire_at: Option<Time>) -> Option<Self> {
        let state = Hmac::<Sha256>::new_from_slice(bytes).ok()?;
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
        let mut mac = self.state.clone();
        mac.update(message);
        mac.verify_slice(signature).is_ok()
    }

    /// Signs `message`: for tests and `dashgate mint`, never on a request's way.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; 32] {
        let mut mac = self.state.clone();
        mac.update(message);
        mac.finalize().into_bytes().into()
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
