"""itsdangerous's URLSafeTimedSerializer, with every setting that its signers have."""

import hashlib

from itsdangerous import BadSignature, TimestampSigner, URLSafeTimedSerializer
from itsdangerous.encoding import base64_encode, int_to_bytes

import signed_damage
import signed_payloads
import signed_shared
from cases import NOW, Case, Key, base64url
from signed_cases import CURRENT, INVALID, USER, Format, clock

DIGESTS = {"sha1": hashlib.sha1, "sha256": hashlib.sha256}
SHA256 = {"digest": "sha256"}
FLASK = {"salt": "cookie-session", "key_derivation": "hmac"}


class Itsdangerous(Format):
    kind = "itsdangerous"
    settings = {"cookie": "session", "salt": "sessions", "subject_from": "user"}

    def serializer(self, secret: bytes, settings: dict) -> URLSafeTimedSerializer:
        signing = {"key_derivation": settings.get("key_derivation", "django-concat"),
                   "digest_method": DIGESTS[settings.get("digest", "sha1")]}  # fmt: skip
        return URLSafeTimedSerializer(secret, salt=settings["salt"], signer_kwargs=signing)

    def make(self, payload, key: Key = CURRENT, at: float = NOW, settings: dict | None = None) -> bytes:
        with clock(at):
            return self.serializer(key.secret, self.whole(settings)).dumps(payload).encode()

    def signature(self, signed: bytes, key: Key = CURRENT, settings: dict | None = None) -> bytes:
        serializer = self.serializer(key.secret, self.whole(settings))
        return serializer.make_signer(serializer.salt).get_signature(signed)

    def time(self, seconds: int) -> bytes:
        return base64_encode(int_to_bytes(seconds))

    def odd_times(self) -> dict[str, bytes]:
        return odd_big_endian(self)

    def judge(self, case: Case, secret: bytes) -> bool:
        settings = case.settings["session"]
        try:
            self.serializer(secret, settings).loads(case.token, max_age=settings.get("max_age_seconds", self.max_age))
        except BadSignature:
            return False
        return True


def odd_big_endian(made: Format) -> dict[str, bytes]:
    return {
        "with_a_zero_before": base64url(b"\0" + int_to_bytes(NOW)).encode(), "padded": made.time(NOW) + b"==",
        "of_a_zero": base64url(b"\0").encode(), "of_9_bytes": base64url(b"\1" * 9).encode(),
        "with_a_mark": made.time(NOW)[:3] + b"!" + made.time(NOW)[3:], "loose_ending": made.time(NOW)[:-1] + b"B",
        "in_decimal": str(NOW).encode()[:9], "of_9_bytes_mostly_zero": base64url(b"\0" * 5 + int_to_bytes(NOW)).encode(),
    }  # fmt: skip


def family(made: Format) -> list[Case]:
    return [
        *signed_shared.cases(made),
        *signed_damage.cases(made),
        *signed_payloads.cases(made),
        *signed_payloads.compressed(made),
    ]


def derivations(made: Format) -> list[Case]:
    """Every setting of a signer, good where it is configured and an invalid signature where another is."""
    found, longest = [], "salt" * 64
    for name, salt in {"other": "remember-me", "empty": "", "beyond_ascii": "gewürz 🧂", "longest": longest}.items():
        chosen = {"salt": salt}
        found.append(made.accepted(f"salt_{name}", made.make(USER, settings=chosen), "configured", "anna", settings=chosen))
        found.append(made.refused(f"salt_{name}_not_configured", made.make(USER, settings=chosen), INVALID, "another salt"))
    found += [
        made.refused("salt_with_space", made.make(USER, settings={"salt": "cookie-session "}), INVALID, "another salt"),
        made.accepted("digest_sha256", made.make(USER, settings=SHA256), "configured", "anna", settings=SHA256),
        made.refused("digest_sha256_not_configured", made.make(USER, settings=SHA256), INVALID, "another digest"),
        made.refused("digest_sha1_no_longer", made.make(USER), INVALID, "another digest", settings=SHA256),
    ]
    return found


def cases() -> list[Case]:
    made = Itsdangerous()
    found = family(made) + derivations(made)
    for name in ("concat", "hmac", "none"):
        for digest in ("sha1", "sha256"):
            chosen = {"key_derivation": name, "digest": digest, "salt": "invitation"}
            value = made.make(USER, settings=chosen)
            found.append(made.accepted(f"derivation_{name}_{digest}", value, "configured", "anna", settings=chosen))
            other = {**chosen, "key_derivation": "django-concat"}
            why = "the key is derived otherwise"
            found.append(made.refused(f"derivation_{name}_{digest}_not_configured", value, INVALID, why, settings=other))
    default = {"salt": "itsdangerous"}
    stamped = TimestampSigner(CURRENT.secret)
    with clock(NOW):
        bare = stamped.sign(base64url(b'{"user":"anna"}'))
    return [
        *found,
        made.accepted(
            "of_flask_configured", made.make(USER, settings=FLASK), "Flask is a choice of these", "anna", settings=FLASK
        ),
        made.accepted("salt_default", made.make(USER, settings=default), "the library's own, and said", "anna", settings=default),
        made.refused("salt_default_not_configured", made.make(USER, settings=default), INVALID, "what newsletters are signed with"),
        made.refused("of_a_bare_signer", bare, INVALID, "TimestampSigner has a salt of its own"),
        made.refused("of_flask", made.make(USER, settings=FLASK), INVALID, "another salt and derivation"),
    ]
