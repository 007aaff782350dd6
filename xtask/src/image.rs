//! `image`: the filter as an OCI image that Istio's agent and Envoy Gateway pull. The same module makes the same bytes,
//! whoever packs it and when: no time, no user, no path goes in.

mod layout;

use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::{Compression, GzBuilder};

use crate::build;
use crate::step::{Outcome, Problem, announce, target};
use layout::{Blob, Layout};

/// What both pullers look for in the last layer, by its base name.
const FILE: &str = "plugin.wasm";

const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// Packs the filter, built now or given, and says both digests on standard output.
pub fn run(arguments: &[String]) -> Outcome {
    let (module, directory) = options(arguments)?;
    let module = match module {
        Some(path) => path,
        None => build::wasm()?,
    };
    let directory = directory.unwrap_or_else(|| target().join("image"));
    let wasm =
        std::fs::read(&module).map_err(|error| Problem::new(format!("reading {}: {error}", module.display())))?;
    if !wasm.starts_with(b"\0asm") {
        return Err(Problem::new(format!("{} is no WebAssembly module", module.display())));
    }
    let layout = pack(&wasm).map_err(|error| Problem::new(format!("packing the image: {error}")))?;
    layout
        .write(&directory)
        .map_err(|error| Problem::new(format!("writing the image to {}: {error}", directory.display())))?;
    let version = env!("CARGO_PKG_VERSION");
    announce(&format!("an OCI layout: {}", directory.display()));
    announce(&format!("skopeo copy oci:{}:{version} docker://REGISTRY/dashgate:{version}", directory.display()));
    println!("image  {}  what Istio and Envoy Gateway's `type: Image` compare: pin this one", layout.digest());
    println!(
        "module {}  what Envoy's `code.remote.sha256` and Envoy Gateway's `type: HTTP` compare",
        layout::digest(&wasm)
    );
    Ok(())
}

/// `--module FILE` packs a module that is built already, `--into DIRECTORY` writes elsewhere than target/image.
fn options(arguments: &[String]) -> Outcome<(Option<PathBuf>, Option<PathBuf>)> {
    let (mut module, mut directory) = (None, None);
    let mut rest = arguments.iter();
    while let Some(name) = rest.next() {
        let place = match name.as_str() {
            "--module" => &mut module,
            "--into" => &mut directory,
            unknown => return Err(Problem::usage(format!("unknown argument `{unknown}`"))),
        };
        let value = rest.next().ok_or_else(|| Problem::usage(format!("{name} needs a path")))?;
        *place = Some(PathBuf::from(value));
    }
    Ok((module, directory))
}

/// One manifest, one layer, one file. An index (which docker's own builds make, for their provenance) would have a digest
/// of its own, and the one that is compared would be that of the manifest inside.
fn pack(wasm: &[u8]) -> std::io::Result<Layout> {
    let archive = archive(wasm)?;
    let layer = Blob::new(LAYER, compress(&archive)?);
    let version = env!("CARGO_PKG_VERSION");
    let labels = format!(
        r#"{{"org.opencontainers.image.licenses":"{}","org.opencontainers.image.title":"dashgate","org.opencontainers.image.version":"{version}"}}"#,
        env!("CARGO_PKG_LICENSE"),
    );
    // An image has a platform, a module has none; this is the one that pullers ask for by default.
    let config = format!(
        r#"{{"architecture":"amd64","os":"linux","config":{{"Labels":{labels}}},"rootfs":{{"type":"layers","diff_ids":["{}"]}}}}"#,
        layout::digest(&archive),
    );
    let config = Blob::new(CONFIG, config.into_bytes());
    // `compat`: a layer that holds plugin.wasm, as the wasm image specification has it for registries of container images.
    let annotations = format!(r#"{{"module.wasm.image/variant":"compat",{}"#, labels.trim_start_matches('{'));
    let manifest = format!(
        r#"{{"schemaVersion":2,"mediaType":"{}","config":{},"layers":[{}],"annotations":{annotations}}}"#,
        layout::MANIFEST,
        config.descriptor(),
        layer.descriptor(),
    );
    Ok(Layout::new(Blob::new(layout::MANIFEST, manifest.into_bytes()), vec![config, layer], version))
}

/// A tar archive with the one file: owned by nobody in particular, of no date.
fn archive(wasm: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut header = tar::Header::new_ustar();
    header.set_path(Path::new(FILE))?;
    header.set_entry_type(tar::EntryType::Regular);
    header.set_size(wasm.len() as u64);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_cksum();
    let mut archive = tar::Builder::new(Vec::new());
    archive.append(&header, wasm)?;
    archive.into_inner()
}

/// Gzip without a time, a name or an operating system in its header.
fn compress(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    const UNKNOWN_SYSTEM: u8 = 255;
    let builder = GzBuilder::new().mtime(0).operating_system(UNKNOWN_SYSTEM);
    let mut encoder = builder.write(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    encoder.finish()
}
