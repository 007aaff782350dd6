"""Makes the stack's secrets and its certificate, each in the volume of who reads it. What is there already stays.

It runs at each start of the stack, as a user of its own, without a network, and ends. The certificate is renewed when it is
about to expire; Envoy, which watches the directory, takes the new one without a restart.
"""

import base64
import datetime
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from cryptography import x509

import certificates
from settings import DASHBOARDS, READERS, host

MADE = Path("/made")
PEOPLE = ("ana", "bob")
# Readable by the readers' group, and by nobody else; writable by nobody.
MODE = 0o440
RENEW_BEFORE = datetime.timedelta(days=10)


def main() -> None:
    """Makes what is missing and says what it did."""
    make: dict[str, Callable[[], str]] = {
        # 32 bytes, base64url without padding: as the policy says it is encoded.
        "key": lambda: base64.urlsafe_b64encode(secrets.token_bytes(32)).rstrip(b"=").decode(),
        "bokeh": lambda: secrets.token_urlsafe(33),
        "flask": lambda: secrets.token_urlsafe(33),
        "people": lambda: "".join(f"{user} {secrets.token_hex(5)}\n" for user in PEOPLE),
    }
    for name, readers in READERS.items():
        places = [MADE / reader / name for reader in readers]
        known = [place.read_text() for place in places if place.exists()]
        text = known[0] if known else make[name]()
        for place in places:
            if not place.exists():
                _write(place, text)
        print(f"{name}: {'kept' if known else 'made'}")
    tls = MADE / "edge/tls"
    due = _is_due(tls / "certificate.pem")
    if due:
        hosts = [host(name) for name in ("portal", *DASHBOARDS)]
        certificates.make(tls, hosts, MODE, with_rsa=False)
    print(f"certificate: {'made' if due else 'kept'}")


def _is_due(certificate: Path) -> bool:
    """Whether the certificate is missing or about to expire."""
    if not certificate.exists():
        return True
    expires = x509.load_pem_x509_certificate(certificate.read_bytes()).not_valid_after_utc
    return expires - datetime.datetime.now(datetime.timezone.utc) < RENEW_BEFORE


def _write(place: Path, text: str) -> None:
    """Writes it whole or not at all."""
    draft = place.with_name(place.name + ".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, MODE), "w") as file:
        file.write(text)
    draft.rename(place)


if __name__ == "__main__":
    main()
