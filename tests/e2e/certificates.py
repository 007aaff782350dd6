"""A certificate authority of the tests' own and what it signs, made anew for every run."""

from __future__ import annotations

import datetime
import functools
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

LIFETIME = datetime.timedelta(days=2)


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


@functools.cache
def rsa_key() -> rsa.RSAPrivateKey:
    """One for the whole run: making it takes longer than starting Envoy."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class Authority:
    """Signs certificates, each written with its key into a folder."""

    def __init__(self, name: str = "dashgate test authority"):
        self.key = ec.generate_private_key(ec.SECP256R1())
        usage = dict.fromkeys(("digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
                               "key_agreement", "encipher_only", "decipher_only"), False)
        self.certificate = (
            self._begun(_name(name), _name(name), self.key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(x509.KeyUsage(key_cert_sign=True, crl_sign=True, **usage), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()), critical=False)
            .sign(self.key, hashes.SHA256())
        )

    def issue(self, folder: Path, stem: str, name: str = "dashboards.example.org", names: tuple[str, ...] = ("*.example.org",),
              key: Key | None = None, client: bool = False) -> x509.Certificate:
        """Writes `stem`.pem and `stem`.key, the latter last: a certificate for these names, a server's or a client's."""
        key = key or ec.generate_private_key(ec.SECP256R1())
        usage = ExtendedKeyUsageOID.CLIENT_AUTH if client else ExtendedKeyUsageOID.SERVER_AUTH
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        certificate = (
            self._begun(_name(name), self.certificate.subject, key)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(each) for each in names]), critical=False)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .add_extension(authority, critical=False)
            .sign(self.key, hashes.SHA256())
        )
        replace(folder / f"{stem}.pem", pem(certificate))
        replace(folder / f"{stem}.key", key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                                          serialization.NoEncryption()))
        return certificate

    @staticmethod
    def _begun(subject: x509.Name, issuer: x509.Name, key: Key) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.timezone.utc)
        return (
            x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1)).not_valid_after(now + LIFETIME)
        )


def pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def replace(path: Path, content: bytes) -> None:
    """By rename, as a file that Envoy watches must be replaced."""
    draft = path.with_name(path.name + ".new")
    draft.write_bytes(content)
    draft.rename(path)


def make(folder: Path) -> Authority:
    """Writes authority.pem and what the edge serves: leaf.pem with leaf.key (ECDSA), leaf-rsa.pem with leaf-rsa.key."""
    authority = Authority()
    (folder / "authority.pem").write_bytes(pem(authority.certificate))
    authority.issue(folder, "leaf")
    authority.issue(folder, "leaf-rsa", key=rsa_key())
    return authority
