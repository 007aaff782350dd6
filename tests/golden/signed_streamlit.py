"""Streamlit's logins, of 1.57 and later: itsdangerous with each cookie's own name for a salt, around a text that is JSON."""

import re

from itsdangerous import URLSafeTimedSerializer

import signed_damage
import signed_logins
import signed_payloads
import signed_shared
from cases import NOW, Case, Key, base64url
from elsewhere import Library
from signed_cases import CLAIMS, CURRENT, INVALID, USER, Format, header_text, standard
from signed_flask import Flask
from signed_itsdangerous import Itsdangerous, odd_big_endian

LIBRARY = Library("streamlit==1.67.0", "signed_streamlit_asked.py")
NAME = "_streamlit_user"
ORIGIN = "https://report.example.org"
ESCAPES = {byte: b"\\u%04x" % byte for byte in range(32)} | {ord(mark): b"\\" + mark.encode() for mark in '"\\'}


class Login(Format):
    """Both of Streamlit's ways: what is inside, and how long ones are cut."""

    settings = {"subject_from": "user", "chunks": True}
    mappings_only = True
    always_read = True
    chunks = True
    library = LIBRARY

    def make(self, payload, key: Key = CURRENT, at: float = NOW, settings: dict | None = None) -> bytes:
        """As Streamlit puts a login together of what the identity provider says."""
        return self.login({**payload, "origin": ORIGIN, "is_logged_in": True, "provider": "default"}, key, at)

    def login(self, payload: dict, key: Key = CURRENT, at: float = NOW) -> bytes:
        (_, first), *chunks = self.library.ask("make", payload=payload, secret=key.secret.decode(), at=at)
        return self.cookies(first.encode(), [(name.encode(), value.encode()) for name, value in chunks])

    def cookies(self, first: bytes, chunks: list[tuple[bytes, bytes]]) -> bytes:
        """A login as it would stand in a Cookie field, from its first value on."""
        return b"; ".join([self.wire(first), *(name + b"=" + self.wire(value) for name, value in chunks)])

    def chunk(self, text: str, number: int = 0, key: Key = CURRENT, at: float = NOW) -> bytes:
        """Any text as Streamlit signs it for the cookie of that number."""
        name = f"{NAME}_{number}" if number else NAME
        return self.library.ask("sign", name=name, text=text, secret=key.secret.decode(), at=at).encode()

    def inner(self, raw: bytes) -> bytes:
        """The payload's JSON with what each login says in it, if it is an object."""
        said = b'"is_logged_in":true,"origin":"%s"' % ORIGIN.encode()
        head, brace, rest = raw.partition(b"{")
        if not brace or head.strip(b" \t\r\n"):
            return raw
        return head + brace + said + (b"" if rest.lstrip().startswith(b"}") else b",") + rest

    def judge(self, case: Case, secret: bytes) -> bool:
        days = case.settings["session"].get("max_age_seconds", self.max_age) / 86_400
        header = f"{NAME}={header_text(case.token)}"
        return self.library.ask("judge", header=header, origin=ORIGIN, secret=secret.decode(), days=days, at=case.now)

    def cookie(self) -> str:
        return NAME


class Streamlit(Login):
    kind = "streamlit"

    def signature(self, signed: bytes, key: Key = CURRENT, settings: dict | None = None) -> bytes:
        serializer = URLSafeTimedSerializer(key.secret, salt=NAME)
        return serializer.make_signer(serializer.salt).get_signature(signed)

    def payload(self, raw: bytes) -> bytes:
        return base64url(self.outer(self.inner(raw))).encode()

    def outer(self, raw: bytes) -> bytes:
        """A JSON text of these bytes, which need not be UTF-8."""
        return b'"' + b"".join(ESCAPES.get(byte, bytes([byte])) for byte in raw) + b'"'

    def begin(self, signed: bytes) -> int:
        return re.match(rb"\.?", signed).end()

    def time(self, seconds: int) -> bytes:
        return Itsdangerous().time(seconds)

    def odd_times(self) -> dict[str, bytes]:
        return odd_big_endian(self)


def cases() -> list[Case]:
    made = Streamlit()
    user = b'{"user":"anna","is_logged_in":true,"origin":"%s"}' % ORIGIN.encode()
    plain = {"user": "anna", "is_logged_in": True, "origin": ORIGIN}
    salted = {name: Itsdangerous().make(user.decode(), settings={"salt": name})
              for name in ("_streamlit_user_tokens", "_streamlit_user_1", "_streamlit_session", "itsdangerous", "_Streamlit_user")}
    why = "signed, and not a text that is JSON"
    return [
        *signed_shared.cases(made),
        *signed_damage.cases(made),
        *signed_payloads.cases(made),
        *signed_logins.cases(made),
        *[made.refused(f"salt_{name}", value, INVALID, "signed for another use") for name, value in salted.items()],
        made.refused("of_an_object", Itsdangerous().make(plain, settings={"salt": NAME}), CLAIMS, why),
        made.refused("of_json_without_a_text", made.resigned(made.signed(base64url(user).encode(), made.time(NOW))), CLAIMS, why),
        made.refused("of_a_text_in_a_text", made.chunk('"' + user.decode().replace('"', '\\"') + '"'), CLAIMS, why),
        made.refused("of_standard_base64", made.resigned(made.signed(standard(made.outer(user + b" ")), made.time(NOW))), CLAIMS, why),
        made.refused("of_flask", Flask().make(USER), INVALID, "another salt and derivation"),
        made.accepted("not_compressed", made.told(), "the library compresses what gets shorter", "anna"),
    ]  # fmt: skip
