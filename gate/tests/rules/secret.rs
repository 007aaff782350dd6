//! Keys: RFC 4231's vectors, the four encodings, and that a key never shows itself.

use gate::secret::{Encoding, Key, decode, fingerprint};
use gate::session::hexadecimal;
use wasm_bindgen_test::wasm_bindgen_test;

/// RFC 4231 section 4, HMAC-SHA-256: key, data, tag. Case 5, a truncated tag, is in its own test.
fn vectors() -> Vec<(Vec<u8>, Vec<u8>, &'static str)> {
    vec![
        (vec![0x0b; 20], b"Hi There".to_vec(), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
        (
            b"Jefe".to_vec(),
            b"what do ya want for nothing?".to_vec(),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        ),
        (vec![0xaa; 20], vec![0xdd; 50], "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
        ((1..=25).collect(), vec![0xcd; 50], "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"),
        (
            vec![0xaa; 131],
            b"Test Using Larger Than Block-Size Key - Hash Key First".to_vec(),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
        ),
        (
            vec![0xaa; 131],
            b"This is a test using a larger than block-size key and a larger than block-size data. The key needs \
              to be hashed before being used by the HMAC algorithm."
                .to_vec(),
            "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
        ),
    ]
}

#[wasm_bindgen_test(unsupported = test)]
fn signs_and_verifies_the_vectors_of_rfc_4231() {
    for (secret, message, tag) in vectors() {
        let key = Key::new("vector", &secret, None).expect("any length");
        assert_eq!(hexadecimal(&key.sign(&message)), tag);
        assert!(key.verifies(&message, &key.sign(&message)));
        assert!(!key.verifies(&message[1..], &key.sign(&message)));
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn refuses_every_truncated_or_longer_tag() {
    // RFC 4231 case 5 truncates to 128 bits; nothing here may take such a tag.
    let key = Key::new("vector", &[0x0c; 20], None).expect("any length");
    let tag = key.sign(b"Test With Truncation");
    assert_eq!(hexadecimal(&tag[..16]), "a3b6167473100ee06e0c796c2955552b");
    for length in 0..tag.len() {
        assert!(!key.verifies(b"Test With Truncation", &tag[..length]), "{length}");
    }
    assert!(!key.verifies(b"Test With Truncation", &[&tag[..], &[0]].concat()));
}

#[track_caller]
fn check(text: &str, encoding: Encoding, expected: Result<&[u8], &str>) {
    assert_eq!(decode(text, encoding).as_deref(), expected.as_deref());
}

#[wasm_bindgen_test(unsupported = test)]
fn decodes_each_encoding_as_said() {
    let bytes = [0xfbu8; 32];
    let hex = "fb".repeat(32);
    check(&hex, Encoding::Hex, Ok(&bytes));
    check(&hex.to_uppercase(), Encoding::Hex, Ok(&bytes));
    check("-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_s", Encoding::Base64Url, Ok(&STRIPES));
    check("+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/s=", Encoding::Base64, Ok(&STRIPES));
    // Padded or not, the bytes are the same.
    check("-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_s=", Encoding::Base64Url, Ok(&STRIPES));
    check("+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/s", Encoding::Base64, Ok(&STRIPES));
    check("an utf8 key is its own characters", Encoding::Utf8, Ok(b"an utf8 key is its own characters"));
}

/// Bytes whose base64 needs the two characters that the alphabets disagree about.
const STRIPES: [u8; 32] = *b"\xfb\xfb\xfb\xfb\xfb\xfb\xfb\xfb\xfb\xfb\xfb\xfb\xfb\xfb\xfb\xfb\xfb\xfb\xfb\xfb\xfb\xfb\xfb\xfb\xfb\xfb\xfb\xfb\xfb\xfb\xfb\xfb";

#[wasm_bindgen_test(unsupported = test)]
fn refuses_a_key_in_another_encoding_than_said() {
    const URL: &str = "is not base64url (a trailing newline also counts)";
    const STANDARD: &str = "is not base64 (a trailing newline also counts)";
    const HEX: &str = "is not hexadecimal (a trailing newline also counts)";
    check("+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/s=", Encoding::Base64Url, Err(URL));
    check("-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_s==", Encoding::Base64Url, Err(URL));
    check("-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_t", Encoding::Base64Url, Err(URL));
    check("-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_s\n", Encoding::Base64Url, Err(URL));
    check("-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_s", Encoding::Base64, Err(STANDARD));
    check("+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/t=", Encoding::Base64, Err(STANDARD));
    check(&format!("{}\n", "fb".repeat(32)), Encoding::Hex, Err(HEX));
    check(&format!("{}f", "fb".repeat(32)), Encoding::Hex, Err(HEX));
    check(&"fg".repeat(32), Encoding::Hex, Err(HEX));
    check(&"gf".repeat(32), Encoding::Hex, Err(HEX));
}

#[wasm_bindgen_test(unsupported = test)]
fn refuses_a_key_under_32_bytes() {
    check(&"k".repeat(32), Encoding::Utf8, Ok(&[b'k'; 32]));
    check(&"k".repeat(31), Encoding::Utf8, Err("is shorter than 32 bytes"));
    check(&"fb".repeat(31), Encoding::Hex, Err("is shorter than 32 bytes"));
}

#[wasm_bindgen_test(unsupported = test)]
fn refuses_pem_and_jwk_text_as_a_key() {
    const MESSAGE: &str = "holds PEM or JSON (JWK) text where the key's own characters are expected";
    check("-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0B", Encoding::Utf8, Err(MESSAGE));
    check("{\"kty\":\"oct\",\"k\":\"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ\"}", Encoding::Utf8, Err(MESSAGE));
    check("  {\"kty\":\"oct\",\"k\":\"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ\"}", Encoding::Utf8, Err(MESSAGE));
}

#[wasm_bindgen_test(unsupported = test)]
fn shows_a_key_by_its_id_only() {
    let key = Key::new("main", b"a secret that must not be printed anywhere", None).expect("any length");
    assert_eq!(format!("{key:?}"), "Key { id: \"main\", secret: \"****\", .. }");
    assert_eq!((key.id(), key.retire_at()), ("main", None));
}

#[wasm_bindgen_test(unsupported = test)]
fn fingerprints_a_session_by_a_hash_of_its_signature() {
    // sha256("dashgate session" NUL 00..1f), by another implementation: Python's hashlib.
    let signature: Vec<u8> = (0..32).collect();
    assert_eq!(hexadecimal(&fingerprint(&signature)), "0107a947f5bf788b");
    assert_ne!(fingerprint(&signature), fingerprint(&signature[1..]));
}
