"""A certificate authority and one leaf certificate for the tests, made anew for every run."""

from __future__ import annotations

import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    path.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                       serialization.NoEncryption()))


def make(folder: Path) -> None:
    """Writes authority.pem, leaf.pem and leaf.key into `folder`."""
    now = datetime.datetime.now(datetime.timezone.utc)
    first, last = now - datetime.timedelta(hours=1), now + datetime.timedelta(days=2)
    authority_key, leaf_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority = (
        x509.CertificateBuilder().subject_name(_name("dashgate test authority")).issuer_name(_name("dashgate test authority"))
        .public_key(authority_key.public_key()).serial_number(x509.random_serial_number())
        .not_valid_before(first).not_valid_after(last)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    leaf = (
        x509.CertificateBuilder().subject_name(_name("dashboards.example.org")).issuer_name(authority.subject)
        .public_key(leaf_key.public_key()).serial_number(x509.random_serial_number())
        .not_valid_before(first).not_valid_after(last)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("*.example.org")]), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    (folder / "authority.pem").write_bytes(authority.public_bytes(serialization.Encoding.PEM))
    (folder / "leaf.pem").write_bytes(leaf.public_bytes(serialization.Encoding.PEM))
    _write_key(folder / "leaf.key", leaf_key)
