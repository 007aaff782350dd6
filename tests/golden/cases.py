"""What a golden case is, and the fixed clock, keys and names that the cases share.

Holds no opinion: what the gate must answer is written beside each case, what the original answers is
found by running it (originals.py).
"""

import base64
import hashlib
from dataclasses import dataclass

NOW = 1_800_000_000  # 2027-01-15T08:00:00Z, the moment at which cases are judged unless they say otherwise

JWT_CAP = 8192  # bytes, the cap of a bearer
BOKEH_TOKEN_CAP = 24576  # bytes, the cap of a Bokeh token

ACCEPTED = "accepted"


@dataclass(frozen=True)
class Key:
    """One entry of a keyring: the secret's bytes, and the second from which it no longer counts."""

    id: str
    secret: bytes
    retire_at: int | None = None

    def record(self) -> dict:
        record = {"id": self.id, "secret_base64url": base64url(self.secret)}
        return record if self.retire_at is None else {**record, "retire_at": self.retire_at}


@dataclass(frozen=True)
class Case:
    """One credential, the settings it is judged under and the verdict the gate owes."""

    name: str
    kind: str
    token: bytes
    keys: tuple[Key, ...]
    expect: str
    why: str
    now: float = NOW
    settings: dict | None = None  # JWT only: issuer, audience, clock_skew_seconds, max_lifetime_seconds
    key: str | None = None  # on accept: the id of the key that verified
    subject: str | None = None
    end: float | None = None

    def record(self, original: str) -> dict:
        """The case as the file holds it, with what the original said."""
        record = {
            "name": self.name,
            "kind": self.kind,
            "token_base64": base64.b64encode(self.token).decode("ascii"),
            "keys": [key.record() for key in self.keys],
            **(self.settings or {}),
            "now": self.now,
            "expect": self.expect,
        }
        if self.expect == ACCEPTED:
            record |= {"subject": self.subject, "key": self.key, "end": self.end}
        return {**record, "original": original, "why": self.why}


def secret(name: str) -> bytes:
    """32 bytes that follow from a name: fixed, and no use anywhere else."""
    return hashlib.sha256(b"dashgate golden vectors: " + name.encode()).digest()


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def base64url_bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def loose_endings(text: str) -> list[str]:
    """The other texts a careless base64url decoder reads as the same bytes: only the unused trailing bits differ."""
    unused_bits = {0: 0, 2: 4, 3: 2}[len(text) % 4]
    last = ALPHABET.index(text[-1])
    return [text[:-1] + ALPHABET[last | bits] for bits in range(1, 1 << unused_bits)]


def next_character(text: str, position: int) -> str:
    """The text with one character replaced by another of the alphabet; the last keeps its unused bits zero."""
    unused_bits = {0: 0, 2: 4, 3: 2}[len(text) % 4] if position in (-1, len(text) - 1) else 0
    index = (ALPHABET.index(text[position]) + (1 << unused_bits)) % 64
    position %= len(text)
    return text[:position] + ALPHABET[index] + text[position + 1 :]
