//! An OCI image layout on the disk: blobs named by their hash and an index that names one manifest. It knows nothing of wasm.

use std::fs;
use std::io;
use std::path::Path;

use sha2::{Digest, Sha256};

/// The media type of a manifest.
pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// Bytes with their media type.
pub struct Blob {
    media_type: &'static str,
    bytes: Vec<u8>,
}

/// A manifest with everything it names.
pub struct Layout {
    manifest: Blob,
    blobs: Vec<Blob>,
    tag: &'static str,
}

/// A digest as OCI writes it.
pub fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hexadecimal(bytes))
}

fn hexadecimal(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Blob {
    /// A blob.
    pub fn new(media_type: &'static str, bytes: Vec<u8>) -> Self {
        Self { media_type, bytes }
    }

    /// How a manifest names it.
    pub fn descriptor(&self) -> String {
        format!("{{{}}}", self.naming())
    }

    fn naming(&self) -> String {
        let (digest, size) = (digest(&self.bytes), self.bytes.len());
        format!(r#""mediaType":"{}","digest":"{digest}","size":{size}"#, self.media_type)
    }
}

impl Layout {
    /// A layout whose one image has this tag.
    pub fn new(manifest: Blob, blobs: Vec<Blob>, tag: &'static str) -> Self {
        Self { manifest, blobs, tag }
    }

    /// The manifest's digest: the image's name for everybody who pins it.
    pub fn digest(&self) -> String {
        digest(&self.manifest.bytes)
    }

    /// Writes it in place of whatever layout was there.
    ///
    /// # Errors
    /// Where the directory cannot be written, or is something else than a layout.
    pub fn write(&self, directory: &Path) -> io::Result<()> {
        let marker = directory.join("oci-layout");
        if directory.is_dir() && directory.read_dir()?.next().is_some() && !marker.is_file() {
            return Err(io::Error::other("it holds something else than an OCI layout"));
        }
        let blobs = directory.join("blobs/sha256");
        if blobs.is_dir() {
            fs::remove_dir_all(&blobs)?;
        }
        fs::create_dir_all(&blobs)?;
        for blob in self.blobs.iter().chain([&self.manifest]) {
            fs::write(blobs.join(hexadecimal(&blob.bytes)), &blob.bytes)?;
        }
        let tag = format!(r#""annotations":{{"org.opencontainers.image.ref.name":"{}"}}"#, self.tag);
        let naming = self.manifest.naming();
        fs::write(directory.join("index.json"), format!(r#"{{"schemaVersion":2,"manifests":[{{{naming},{tag}}}]}}"#))?;
        fs::write(marker, r#"{"imageLayoutVersion":"1.0.0"}"#)
    }
}
