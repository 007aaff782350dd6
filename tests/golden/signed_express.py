"""Express's session ids: cookie-signature and cookie, the two packages under express-session, in Node."""

import base64
import functools
import hashlib
import hmac
import json
import os
import re
import subprocess
from pathlib import Path
from urllib.parse import quote, unquote_to_bytes

import signed_damage
import signed_shared
import signed_texts
from cases import ALPHABET, Case, Key, base64url
from signed_cases import CLAIMS, CURRENT, INVALID, MALFORMED, USER, Format, standard, text_secret

HERE = Path(__file__).parent
PACKAGES = HERE.parent.parent / "target/npm/node_modules"
IDS = re.compile(r"[A-Za-z0-9_-]{32,64}")  # uid-safe's are 32
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
    longest = 64
    before = of_separators = joined_values = MALFORMED

    def read(self, payload: dict) -> str:
        """An id of at least 32 letters that follows from whom the case is about."""
        return (payload["user"] + payload.get("fill", "")).replace(" ", "_").ljust(32, "-")

    def make(self, payload, key: Key = CURRENT, at: float = 0, settings: dict | None = None) -> bytes:
        return self.of(self.read(payload), key)

    def of(self, text: str, key: Key = CURRENT) -> bytes:
        """The value of any id."""
        return ask("make", text=text, secret=key.secret.decode()).encode()

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
        *signed_shared.cases(made), *signed_damage.cases(made), *texts(made), *ids(made), *shapes(made), *signatures(made),
        *rotated(made), *escapes(made),
    ]  # fmt: skip


def texts(made: Express) -> list[Case]:
    """Any text that the app may have for an id: uid-safe's 32 characters are taken, and what is as long and of its letters."""
    found = []
    for name, text in {**signed_texts.NAMES, **signed_texts.TEXTS}.items():
        if IDS.fullmatch(text):
            found.append(made.accepted(f"text_{name}", made.of(text), "as express-session writes it"))
        else:
            found.append(made.refused(f"text_{name}", made.of(text), CLAIMS, "signed, and no id of uid-safe's"))
    for name, raw in {**signed_texts.CONTROLS, **signed_texts.BROKEN}.items():
        found.append(made.refused(f"text_with_{name}", made.told(raw), CLAIMS, "signed, and no id of uid-safe's"))
    return found


def ids(made: Express) -> list[Case]:
    usual = "qVX9mfYk0-aT_s3JZ0c1qwErTyUiOpAs"
    good = [usual, "-" * 32, "_" * 32, "A" * 32, "0" * 33, usual + usual[:31], usual * 2]
    bad = [usual[:31], usual * 2 + "A", "anna", "7", "A" * 31 + ".", "A" * 31 + " ", "A" * 31 + "№", "A" * 31 + "~",
           "A" * 31 + "+", "A" * 31 + "/", "A" * 32 + "=", "A" * 32 + "\n", "\0" + "A" * 32, "é" * 16, "s:" + usual]  # fmt: skip
    found = [made.accepted(f"id_{number}", made.of(text), "as express-session writes it") for number, text in enumerate(good)]
    found += [made.refused(f"no_id_{number}", made.of(text), CLAIMS, "signed, and no id of uid-safe's")
              for number, text in enumerate(bad)]  # fmt: skip
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
        made.refused("id_in_other_case", made.wire(bare.swapcase() + b"." + signature), INVALID, "another id"),
        made.refused("id_of_another_value", made.wire(b"eve".ljust(32, b"-") + b"." + signature), INVALID, "another id"),
        made.refused("id_not_utf8", made.told(b"\xff" * 32), CLAIMS, "no letters"),
    ]  # fmt: skip


def shapes(made: Express) -> list[Case]:
    """Ids as apps make them with a `genid` of their own, and every length that is taken."""
    raw = bytes(range(0, 252, 7))  # 36 bytes
    rows = {
        "of_uid_safe_24": base64url(raw[:24]), "of_uid_safe_36": base64url(raw), "of_uid_safe_48": base64url((raw * 2)[:48]),
        "of_sha256": hashlib.sha256(b"id").hexdigest(), "of_md5": hashlib.md5(b"id").hexdigest(), "of_sha1": hashlib.sha1(b"id").hexdigest(),
        "of_upper_hex": hashlib.sha256(b"id").hexdigest().upper(), "of_uuid": "8a6e0804-2bd0-4672-b79d-d97027f9071a",
        "of_uuid_and_a_node": "node-7_8a6e0804-2bd0-4672-b79d-d97027f9071a", "of_two_ulids": "01ARZ3NDEKTSV4RRFFQ69G5FAV" * 2,
        "of_letters_alone": ALPHABET[:52], "of_lower_case_alone": ALPHABET[26:52] + "abcdef", "of_digits_alone": "0123456789" * 5,
        "of_the_whole_alphabet": ALPHABET, "with_a_dash_first": "-" + "a" * 31, "with_a_dash_last": "a" * 31 + "-",
        "with_a_bar_first": "_" + "a" * 40, "like_json": base64url(b'{"user":"anna","admin":true}'), "like_a_signature": "s-" + "A" * 43,
    }  # fmt: skip
    found = [made.accepted(f"id_{name}", made.of(text), "as express-session writes it") for name, text in rows.items()]
    for length in (34, 35, 37, 39, 41, 42, 45, 46, 47, 49, 51, 55, 60, 61, 62, 63):
        text = (ALPHABET * 2)[length : length * 2]
        found.append(made.accepted(f"id_of_{length}", made.of(text), "32 to 64 letters, digits, - and _"))
    return found


def signatures(made: Express) -> list[Case]:
    """Signatures in base64 that encodeURIComponent escapes here and there, or nowhere."""
    wanted = {
        "no_escape": r"[A-Za-z0-9]{43}", "one_plus": r"[^+/]*\+[^+/]*", "one_slash": r"[^+/]*/[^+/]*", "a_plus_first": r"\+.*",
        "a_slash_first": r"/.*", "a_slash_before_the_end": r".*/.", "two_pluses_together": r".*\+\+.*", "slash_and_plus": r".*/\+.*",
        "three_slashes": r"([^/]*/){3}[^/]*", "digits_first": r"[0-9]{3}.*",
    }  # fmt: skip
    ids = [base64url(hashlib.sha256(b"%d" % number).digest()) for number in range(3000)]
    signed = {text: made.signature(text.encode()).decode() for text in ids}
    found = []
    for name, form in wanted.items():
        text = next(text for text, signature in signed.items() if re.fullmatch(form, signature))
        found.append(made.accepted(f"signature_with_{name}", made.of(text), "one spelling: encodeURIComponent's"))
    return found


def rotated(made: Express) -> list[Case]:
    """Secrets in an array: the first signs, all verify."""
    keys = tuple(Key(f"signed-{number}", text_secret(f"signed {number}")) for number in range(3))
    usual = "qVX9mfYk0-aT_s3JZ0c1qwErTyUiOpAs"
    return [
        *[made.accepted(f"key_{number}_of_3", made.of(usual, key), "every key is tried", key=key, keys=keys)
          for number, key in enumerate(keys)],
        made.accepted("one_secret_twice", made.of(usual, keys[0]), "the first that fits", key=keys[0],
                      keys=(keys[0], Key("again", keys[0].secret))),
        made.refused("key_4_of_3", made.of(usual), INVALID, "none of them", keys=keys),
    ]  # fmt: skip


def escapes(made: Express) -> list[Case]:
    """encodeURIComponent has one spelling of each text; what cookie reads beyond it is refused."""
    people = (f"id {number}" for number in range(1000))
    text = next(text for text in people if b"%2B" in made.of(text) and b"%2F" in made.of(text))
    value = made.of(text)
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
