"""Express's session ids: cookie-signature and cookie, the two packages under express-session, in Node."""

import base64
import functools
import hmac
import json
import os
import subprocess
from pathlib import Path
from urllib.parse import quote, unquote_to_bytes

import signed_damage
import signed_shared
import signed_texts
from cases import Case, Key
from signed_cases import CLAIMS, CURRENT, INVALID, MALFORMED, USER, Format, standard

HERE = Path(__file__).parent
PACKAGES = HERE.parent.parent / "target/npm/node_modules"
UNRESERVED = "!'()*~"  # what encodeURIComponent leaves alone beside letters, digits, - _ and .


@functools.cache
def node() -> subprocess.Popen:
    assert (PACKAGES / "cookie-signature").is_dir(), f"{PACKAGES} lacks cookie-signature; see README.md beside this file"
    environment = {**os.environ, "NODE_PATH": str(PACKAGES)}
    command = ["node", str(HERE / "signed_express.js")]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1, env=environment)


def ask(what: str, **question):
    node().stdin.write(json.dumps({"ask": what, **question}) + "\n")
    return json.loads(node().stdout.readline())


def versions() -> dict:
    return dict(zip(("cookie-signature", "cookie"), ask("versions")))


class Express(Format):
    kind = "express"
    settings = {"max_stream_seconds": 3600}
    max_age = None
    json = False
    before = of_separators = joined_values = MALFORMED

    def read(self, payload: dict) -> str:
        return payload["user"] + payload.get("fill", "")

    def make(self, payload, key: Key = CURRENT, at: float = 0, settings: dict | None = None) -> bytes:
        return ask("make", text=self.read(payload), secret=key.secret.decode()).encode()

    def signature(self, signed: bytes, key: Key = CURRENT, settings: dict | None = None) -> bytes:
        try:
            text = signed.decode()
        except UnicodeDecodeError:  # JavaScript has no such texts
            return self.spelled(hmac.digest(key.secret, signed, "sha256"))
        return ask("sign", text=text, secret=key.secret.decode()).rpartition(".")[2].encode()

    def payload(self, raw: bytes) -> bytes:
        return raw

    def signed(self, payload: bytes, time: bytes) -> bytes:
        return payload

    def time(self, seconds: int) -> bytes:
        return b""

    def wire(self, inner: bytes) -> bytes:
        return quote(b"s:" + inner, safe=UNRESERVED).encode()

    def unwire(self, value: bytes) -> bytes:
        return unquote_to_bytes(value).removeprefix(b"s:")

    def canonical(self, signature: bytes) -> bool:
        try:
            raw = base64.b64decode(signature + b"=" * (-len(signature) % 4), validate=True)
        except ValueError:
            return False
        return standard(raw).rstrip(b"=") == signature

    def spelled(self, raw: bytes) -> bytes:
        return standard(raw).rstrip(b"=")

    def unspelled(self, signature: bytes) -> bytes:
        return base64.b64decode(signature + b"=" * (-len(signature) % 4))

    def judge(self, case: Case, secret: bytes) -> bool:
        name = case.settings["session"].get("cookie", "connect.sid")
        header = f"{name}=" + case.token.decode("latin-1")
        return ask("judge", header=header, name=name, secret=secret.decode())


def cases() -> list[Case]:
    made = Express()
    return [
        *signed_shared.cases(made), *signed_damage.cases(made), *signed_texts.whole(made, lambda value: True),
        *signed_texts.members(made), *ids(made), *escapes(made),
    ]  # fmt: skip


def ids(made: Express) -> list[Case]:
    ids = ["qVX9mfYk0-aT_s3JZ0c1qwErTyUiOpAs", "-" * 32, "_" * 32, "A" * 32, "anna", "7", "a.b.c", "ids with spaces", "№1"]
    found = [
        made.accepted(f"id_{number}", made.make({"user": text}), "as express-session writes it")
        for number, text in enumerate(ids)
    ]
    value = made.make(USER)
    inner = made.unwire(value)
    bare, signature = made.split(inner)
    named = {"cookie": "sid"}
    return [
        *found,
        made.accepted("of_another_cookie", value, "neither a name nor a time is signed", settings=named),
        made.accepted("years_later", value, "no time is signed", now=10**10),
        made.accepted("long_before", value, "no time is signed", now=0),
        made.refused("id_empty", made.wire(b"." + signature), MALFORMED, "an empty id"),
        made.refused("id_empty_and_signed", made.resigned(b""), MALFORMED, "express-session takes it for none, too"),
        made.refused("id_without_signature", made.wire(bare), MALFORMED, "an unsigned cookie"),
        made.refused("id_and_dot", made.wire(bare + b"."), INVALID, "an empty signature"),
        made.refused("dot_twice", made.wire(bare + b".." + signature), INVALID, "another id"),
        made.refused("dot_before", made.wire(b"." + inner), INVALID, "another id"),
        made.refused("dot_after", made.wire(inner + b"."), INVALID, "an empty signature"),
        made.refused("value_twice", made.wire(inner + b"." + inner), INVALID, "another id"),
        made.refused("signature_first", made.wire(signature + b"." + bare), INVALID if made.canonical(bare) else MALFORMED, "reversed"),
        made.refused("colon_for_dot", made.wire(bare + b":" + signature), MALFORMED, "no dot"),
        made.refused("id_in_other_case", made.wire(b"Anna." + signature), INVALID, "another id"),
        made.refused("id_of_another_value", made.wire(b"eve." + signature), INVALID, "another id"),
        made.accepted("id_not_utf8", made.wire(made.joined(b"an\xffna", made.signature(b"an\xffna"))), "bytes like any other"),
        made.refused("subject_not_in_the_id", made.make(USER), CLAIMS, "no JSON", settings={"subject_from": "user"}),
    ]  # fmt: skip


def escapes(made: Express) -> list[Case]:
    """encodeURIComponent has one spelling of each text; what cookie reads beyond it is refused."""
    people = (f"id {number}" for number in range(1000))
    text = next(text for text in people if b"%2B" in made.make({"user": text}) and b"%2F" in made.make({"user": text}))
    value = made.make({"user": text})
    inner = made.unwire(value)
    signed, signature = made.split(inner)
    rows = {
        "nothing_escaped": b"s:" + inner.replace(b" ", b"_"), "colon_not_escaped": value.replace(b"s%3A", b"s:"),
        "colon_in_lower_case": value.replace(b"s%3A", b"s%3a"), "plus_not_escaped": value.replace(b"%2B", b"+"),
        "slash_not_escaped": value.replace(b"%2F", b"/"), "slash_in_lower_case": value.replace(b"%2F", b"%2f"),
        "space_not_escaped": value.replace(b"%20", b" "), "space_as_plus": value.replace(b"%20", b"+"),
        "letter_escaped": value.replace(b"id", b"%69d"), "dot_escaped": value.replace(b".", b"%2E"),
        "s_escaped": b"%73" + value[1:], "escaped_twice": quote(value, safe="").encode(), "percent_alone": value + b"%",
        "percent_and_a_digit": value + b"%4", "percent_and_no_digits": value + b"%zz", "percent_u": value.replace(b"%20", b"%u0020"),
        "percent_in_front": b"%" + value, "not_utf8": value.replace(b"%20", b"%FF"), "nul": value.replace(b"%20", b"%00"),
        "overlong": value.replace(b"%20", b"%C0%A0"), "quoted": b'"' + value + b'"', "other_prefix": b"j" + value[1:],
        "prefix_in_upper_case": b"S" + value[1:], "no_prefix": value.removeprefix(b"s%3A"), "prefix_twice": b"s%3A" + value,
        "prefix_alone": b"s%3A", "prefix_and_dot": b"s%3A.", "half_a_prefix": b"s", "json_cookie": b"j%3A%7B%22user%22%3A1%7D",
        "semicolon_escaped_inside": value.replace(b"%20", b"%3B"),
    }  # fmt: skip
    invalid = {"not_utf8", "nul", "overlong", "prefix_twice", "semicolon_escaped_inside"}
    found = []
    for name, changed in rows.items():
        assert changed != value, name
        reason = INVALID if name in invalid else MALFORMED
        found.append(made.refused(f"escape_{name}", changed, reason, "not what encodeURIComponent makes of a signed id"))
    return found
