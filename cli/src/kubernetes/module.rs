//! Where a control plane gets the module from, and by what it knows that it is the right one: the digest of the image's manifest,
//! or the hash of a file. Without either, whoever can write to the registry writes the gate.

use crate::check::Report;
use crate::place::Place;
use crate::tree::Value;

const PIN: &str = "pin the digest of the image's manifest, oci://…@sha256:…";

/// Checks the url and hash of a TrafficExtension or WasmPlugin.
pub fn check_istio(wasm: &Place<'_>, report: &mut Report) {
    let hash = wasm.member("sha256");
    if let Some(hash) = &hash {
        check_hash(hash, report);
    }
    if let Some(key) = wasm.member("verificationKey") {
        report.problem(key.finding("is not implemented by Istio: nothing is verified by it; pin the digest instead"));
    }
    match wasm.member("imagePullPolicy").map(|policy| (policy.scalar().unwrap_or_default(), policy)) {
        Some((word, _)) if ["IfNotPresent", "UNSPECIFIED_POLICY"].contains(&word.as_str()) => {}
        Some((word, policy)) if word == "Always" => report.warning(policy.finding(
            "fetches the module again with every update: a registry that is away, or another image, stops all requests; \
             a digest never changes: IfNotPresent",
        )),
        Some((_, policy)) => {
            report.problem(policy.finding("is not one of IfNotPresent and Always: Istio refuses the resource or drops it"));
        }
        None => {}
    }
    let Some(url) = wasm.member("url") else {
        report.problem(wasm.finding("has no url: there is no module to run"));
        return;
    };
    let Some(text) = url.node.text().filter(|text| !text.is_empty()) else {
        report.problem(url.finding("is not a text: there is no module to run"));
        return;
    };
    match text.split_once("://") {
        Some(("file", _)) => {}
        Some(("http" | "https", _)) if hash.is_some() => {}
        Some(("http" | "https", _)) => {
            report.problem(url.finding("is not pinned: sha256 must say the hash of the .wasm, quoted"));
        }
        Some(("oci", image)) => check_image(&url, image, hash.is_some(), report),
        Some((scheme, _)) => report.problem(url.finding(format!("{scheme} is none of oci, https, http and file"))),
        None => check_image(&url, text, hash.is_some(), report),
    }
    let digest = text.split_once("@sha256:").map(|(_, digest)| digest);
    if let (Some(digest), Some(hash)) = (digest, hash)
        && hash.node.text().is_some_and(|hash| hash != digest)
    {
        report.problem(hash.finding("is not the digest in url: the module is refused, and with it every request"));
    }
}

/// Checks the code of a wasm entry of an EnvoyExtensionPolicy.
pub fn check_gateway(code: &Place<'_>, report: &mut Report) {
    for (field, other) in [("image", "Image"), ("http", "HTTP")] {
        let Some(source) = code.member(field) else { continue };
        if code.member("type").is_none() {
            report.problem(code.finding(format!("has no type: the API server refuses the resource; type: {other}")));
        } else if code.text("type").is_some_and(|kind| kind != other) {
            report.problem(code.finding(format!("has {field}, and its type is not {other}: Envoy Gateway refuses it")));
        }
        let hash = source.member("sha256");
        if let Some(hash) = &hash {
            check_hash(hash, report);
        }
        let Some(url) = source.member("url") else {
            report.problem(source.finding("has no url: there is no module to run"));
            continue;
        };
        let text = url.node.text().unwrap_or_default();
        match field {
            "image" => check_image(&url, text.strip_prefix("oci://").unwrap_or(text), hash.is_some(), report),
            _ if hash.is_none() => {
                report.problem(url.finding("is not pinned: sha256 must say the hash of the .wasm, quoted"));
            }
            _ => {}
        }
    }
    if code.member("image").is_none() && code.member("http").is_none() {
        report.problem(code.finding("names neither an image nor a url: there is no module to run"));
    }
}

/// An image by tag, by `latest`, or by what is no digest.
pub fn check_image(url: &Place<'_>, image: &str, has_hash: bool, report: &mut Report) {
    let (name, digest) = match image.split_once('@') {
        Some((name, digest)) => (name, Some(digest)),
        None => (image, None),
    };
    let tag = name.rsplit('/').next().and_then(|last| last.split_once(':')).map(|(_, tag)| tag);
    match digest {
        Some(digest) if digest.strip_prefix("sha256:").is_some_and(is_hash) => {}
        Some(_) => report.problem(url.finding("its digest is not sha256: and 64 hexadecimal digits")),
        None if has_hash && tag != Some("latest") => {}
        None if tag == Some("latest") || (tag.is_none() && !has_hash) => {
            report.problem(url.finding(format!("is whatever the registry calls latest; {PIN}")));
        }
        None => report.problem(url.finding(format!("is whatever the registry has under that tag; {PIN}"))),
    }
}

/// A hash that YAML took for a number, or that is none.
pub fn check_hash(hash: &Place<'_>, report: &mut Report) {
    match &hash.node.value {
        Value::Text(text) if is_hash(text) => {}
        Value::Text(_) => report.problem(hash.finding("is not 64 lower-case hexadecimal digits")),
        Value::Number(_) => report.problem(hash.finding("is a number to YAML, and no longer the hash; quote it")),
        _ => report.problem(hash.finding("is not a text of 64 hexadecimal digits")),
    }
}

/// Whether this is the hexadecimal form of a SHA-256.
pub fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}
