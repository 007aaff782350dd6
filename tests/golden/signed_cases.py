"""What the formats that web frameworks sign have in common: one value is a payload, a time and a signature over both.

A format says how its library writes each of the three; the cases (signed_shared.py, signed_damage.py, signed_payloads.py)
are told once and made for each format, with the library's own encoder and, for odd texts, the library's own signature.
"""

import base64
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from unittest import mock

from cases import ACCEPTED, NOW, Case, Key, base64url, base64url_bytes, secret

DAY = 86_400
CAP = 8192  # bytes, the cap of a signed value; what is over 4096 no cookie carries

MALFORMED, INVALID, CLAIMS = "token_malformed", "signature_invalid", "claims_malformed"
NAMELESS = "subject_missing"
EXPIRED, EARLY, RETIRED, LONG = "session_expired", "session_not_yet_valid", "key_retired", "credential_too_long"


def text_secret(name: str) -> bytes:
    """43 characters: these libraries take their secrets as texts."""
    return base64url(secret(name)).encode()


CURRENT = Key("signed", text_secret("signed"))
OLD = Key("signed-old", text_secret("signed old"), retire_at=NOW + 3600)
STRANGER = Key("signed", text_secret("signed stranger"))
RING = (CURRENT,)
TWO = (CURRENT, OLD)

USER = {"user": "anna"}  # the payload of the cases that are about something else


@dataclass(frozen=True)
class SignedCase(Case):
    """A case whose settings are a session kind's configuration; its keys' retirements are written as there."""

    def record(self, original: str) -> dict:
        record = super().record(original)
        for key in record["keys"]:
            if "retire_at" in key:
                moment = datetime.fromtimestamp(key["retire_at"], timezone.utc)
                key["retire_at"] = moment.strftime("%Y-%m-%dT%H:%M:%SZ")
        return record


@contextmanager
def clock(now: float) -> Iterator[None]:
    """Stops the clock of all these libraries at `now`: they all ask time.time."""
    with mock.patch("time.time", lambda: now):
        yield


class Format:
    """One library's way. Values are whole texts as they stand in the cookie; `inner` ones lack what the cookie adds."""

    kind = ""
    settings: dict = {}  # what every case's session kind says beside its format and keys
    separator = b"."  # before the signature
    max_age: int | None = 31 * DAY
    json = True  # payloads are JSON
    mappings_only = False  # and objects at that
    before = INVALID  # what becomes of a value with something before it
    of_separators = INVALID  # of one of separators alone
    joined_values = INVALID  # of one, a comma and the same again
    longest: int | None = None  # the most characters of a payload
    quotes = False  # a value may stand in double quotes
    always_read = False  # the payload is read though no subject is asked for
    chunks = False  # a long value is cut into several

    def odd_times(self) -> dict[str, bytes]:
        """Texts that its library may take for times, and does not write."""
        return {}

    def make(self, payload, key: Key = CURRENT, at: float = NOW, settings: dict | None = None) -> bytes:
        """The library's own value of this payload, as it stands in the cookie."""
        raise NotImplementedError

    def signature(self, signed: bytes, key: Key = CURRENT, settings: dict | None = None) -> bytes:
        """The library's own signature of any text."""
        raise NotImplementedError

    def judge(self, case: Case, secret: bytes) -> bool:
        """The library's own verdict."""
        raise NotImplementedError

    def payload(self, raw: bytes) -> bytes:
        return base64url(raw).encode()

    def time(self, seconds: int) -> bytes:
        raise NotImplementedError

    def begin(self, signed: bytes) -> int:
        """Where the payload's own text begins in the text that is signed."""
        return signed.index(b"eyJ1" if self.json else b"anna")

    def signed(self, payload: bytes, time: bytes) -> bytes:
        """The text that is signed."""
        return payload + self.separator + time

    def joined(self, signed: bytes, signature: bytes) -> bytes:
        return signed + self.separator + signature

    def split(self, inner: bytes) -> tuple[bytes, bytes]:
        signed, _, signature = inner.rpartition(self.separator)
        return signed, signature

    def wire(self, inner: bytes) -> bytes:
        """What the library's cookie code writes for a value."""
        return inner

    def unwire(self, value: bytes) -> bytes:
        return value

    def whole(self, settings: dict | None = None) -> dict:
        """The session kind's settings; one that is None is not said."""
        return {name: value for name, value in {**self.settings, **(settings or {})}.items() if value is not None}

    def said(self, kind: dict) -> dict:
        """What a case says beside its keys."""
        return {"session": kind}

    def read(self, payload: dict) -> str:
        """Whom a payload is about."""
        return payload["user"]

    def told(self, raw: bytes = b'{"user":"anna"}', *, payload: bytes | None = None, time: bytes | None = None,
             key: Key = CURRENT, at: int = NOW, settings: dict | None = None) -> bytes:  # fmt: skip
        """Any payload and time, texts too that the library would not write, under its own signature."""
        payload = self.payload(raw) if payload is None else payload
        return self.resigned(self.signed(payload, self.time(at) if time is None else time), key, settings)

    def resigned(self, signed: bytes, key: Key = CURRENT, settings: dict | None = None) -> bytes:
        return self.wire(self.joined(signed, self.signature(signed, key, settings)))

    def canonical(self, signature: bytes) -> bool:
        """Whether the text is one that could be a signature: then it is a wrong one, else no value at all."""
        try:
            text = signature.decode("ascii")
            return re.fullmatch(r"[\w-]*", text, re.ASCII) is not None and base64url(base64url_bytes(text)) == text
        except ValueError:
            return False

    def spelled(self, raw: bytes) -> bytes:
        """A signature's bytes as this format writes them."""
        return base64url(raw).encode()

    def unspelled(self, signature: bytes) -> bytes:
        return base64url_bytes(signature.decode())

    def subject(self, subject: str | None, settings: dict | None) -> str | None:
        return subject if "subject_from" in self.whole(settings) else None

    def accepted(self, name: str, token: bytes, why: str, subject: str | None = None, *, key: Key = CURRENT, keys=RING,
                 now: float = NOW, at: int = NOW, settings: dict | None = None) -> SignedCase:  # fmt: skip
        """`at` is the moment it was signed. The end is the value's own, or the key's retirement."""
        kind = self.whole(settings)
        key = next(known for known in keys if known.id == key.id)
        age = None if self.max_age is None else kind.get("max_age_seconds", self.max_age)
        ends = [end for end in (key.retire_at, None if age is None else at + age) if end is not None]
        return SignedCase(name, self.kind, token, keys, ACCEPTED, why, now, self.said(kind), key.id,
                          self.subject(subject, settings), min(ends, default=None))  # fmt: skip

    def refused(self, name: str, token: bytes, reason: str, why: str, *, keys=RING, now: float = NOW,
                settings: dict | None = None) -> SignedCase:  # fmt: skip
        return SignedCase(name, self.kind, token, keys, reason, why, now, self.said(self.whole(settings)))

    def cookie(self) -> str:
        return self.settings["cookie"]


def header_text(token: bytes) -> str:
    """A Cookie header's bytes as Python's frameworks read them: UTF-8 where it is, else Latin-1."""
    try:
        return token.decode("utf-8")
    except UnicodeDecodeError:
        return token.decode("latin-1")


def standard(raw: bytes) -> bytes:
    return base64.b64encode(raw)
