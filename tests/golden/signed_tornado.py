"""Tornado's set_signed_cookie: five fields with their lengths, and a signature in hexadecimal digits."""

import json
import logging
from http.cookies import SimpleCookie

import tornado.web
from tornado.httputil import parse_cookie

import signed_damage
import signed_payloads
import signed_shared
import signed_texts
from cases import NOW, Case, Key
from signed_cases import CLAIMS, CURRENT, INVALID, MALFORMED, USER, Format, header_text, standard

logging.getLogger("tornado.general").setLevel(logging.ERROR)  # it logs each bad version 1


class Tornado(Format):
    kind = "tornado"
    settings = {"subject_from": "user"}
    separator = b"|"
    before = of_separators = joined_values = MALFORMED
    quotes = True

    def make(self, payload, key: Key = CURRENT, at: float = NOW, settings: dict | None = None) -> bytes:
        settings = self.whole(settings)
        text = payload["user"] if settings.get("subject_from") == "." else json.dumps(payload)
        return self.wire(tornado.web.create_signed_value(key.secret, settings.get("cookie", "user"), text, clock=lambda: at))

    def signature(self, signed: bytes, key: Key = CURRENT, settings: dict | None = None) -> bytes:
        return tornado.web._create_signature_v2(key.secret, signed)

    def payload(self, raw: bytes) -> bytes:
        return standard(raw)

    def time(self, seconds: int) -> bytes:
        return str(seconds).encode()

    def odd_times(self) -> dict[str, bytes]:
        return {
            "with_a_zero_before": b"0" + self.time(NOW), "of_two_zeros": b"00", "with_a_pipe": self.time(NOW) + b"|",
            "in_hex": b"0x6b49d200", "fullwidth": "１８０００００００００".encode(), "over_2_to_64": str(2**64).encode(),
            "with_a_newline_before": b"\n" + self.time(NOW), "in_milliseconds_with_a_dot": self.time(NOW) + b".0",
        }  # fmt: skip

    def signed(self, payload: bytes, time: bytes, name: bytes = b"user", version: bytes = b"0") -> bytes:
        return b"2|" + b"".join(b"%d:%s|" % (len(field), field) for field in (version, time, name, payload))

    def joined(self, signed: bytes, signature: bytes) -> bytes:
        return signed + signature

    def split(self, inner: bytes) -> tuple[bytes, bytes]:
        at = inner.rindex(b"|") + 1
        return inner[:at], inner[at:]

    def wire(self, inner: bytes) -> bytes:
        """As RequestHandler.set_cookie writes it; texts that Python's cookies would escape stay as they are."""
        cookie = SimpleCookie()
        cookie["user"] = inner.decode("latin-1")
        written = cookie["user"].coded_value.encode("latin-1")
        return inner if b"\\" in written else written

    def unwire(self, value: bytes) -> bytes:
        return value.strip(b'"')

    def canonical(self, signature: bytes) -> bool:
        return len(signature) % 2 == 0 and all(digit in b"0123456789abcdef" for digit in signature)

    def spelled(self, raw: bytes) -> bytes:
        return raw.hex().encode()

    def unspelled(self, signature: bytes) -> bytes:
        return bytes.fromhex(signature.decode())

    def judge(self, case: Case, secret: bytes) -> bool:
        """What RequestHandler.get_signed_cookie does."""
        settings = case.settings["session"]
        name = settings.get("cookie", "user")
        value = parse_cookie(f"{name}={header_text(case.token)}").get(name)
        days = settings.get("max_age_seconds", self.max_age) / 86_400
        return tornado.web.decode_signed_value(secret, name, value, max_age_days=days) is not None


def cases() -> list[Case]:
    made = Tornado()
    return [
        *signed_shared.cases(made), *signed_damage.cases(made), *signed_payloads.cases(made),
        *signed_texts.whole(made, lambda value: True), *names(made), *fields(made), *versions(made), *quoting(made),
    ]  # fmt: skip


def names(made: Tornado) -> list[Case]:
    found = []
    for name in ("username-dash-example-com", "session", "_xsrf", "__Host-user", "a|b", "x"):
        chosen = {"cookie": name}
        value = made.make(USER, settings=chosen)
        found.append(made.accepted(f"cookie_{name}", value, "its name is signed", "anna", settings=chosen))
        found.append(made.refused(f"cookie_{name}_not_configured", value, CLAIMS, "signed for another cookie"))
    for name in (b"", b"use", b"user ", b"User", b"user\0", b"userx", "usér".encode()):
        value = made.resigned(made.signed(made.payload(b'{"user":"anna"}'), made.time(NOW), name))
        found.append(made.refused(f"name_{name.hex() or 'empty'}", value, CLAIMS, "signed for another cookie"))
    return found


def fields(made: Tornado) -> list[Case]:
    """Structure that only a holder of the key could sign, and what int() and partition() read all the same."""
    payload = made.payload(b'{"user":"anna"}')
    usual = made.signed(payload, made.time(NOW))
    text = usual.decode()
    size = f"{len(payload)}:"
    rows = {
        "length_with_a_zero_before": text.replace("|10:", "|010:"), "length_with_a_plus": text.replace("|10:", "|+10:"),
        "length_with_a_space": text.replace("|10:", "| 10:"), "length_with_an_underscore": text.replace("|10:", "|1_0:"),
        "length_too_small": text.replace("|4:user", "|3:user"), "length_too_large": text.replace("|4:user", "|5:user"),
        "length_negative": text.replace("|4:user", "|-4:user"), "length_empty": text.replace("|4:user", "|:user"),
        "length_in_hex": text.replace("|10:", "|0xa:"), "length_huge": text.replace("|4:", "|" + "9" * 30 + ":"),
        "length_of_2_to_64": text.replace("|4:", f"|{2**64}:"), "length_of_the_rest": text.replace("|4:", "|400:"),
        "length_fullwidth": text.replace("|4:", "|４:"), "no_colon": text.replace("|4:user", "|4user"),
        "payload_length_with_a_zero_before": text.replace(size, "0" + size), "no_version_of_the_key": text.replace("2|1:0|", "2|"),
        "version_of_the_key_1": text.replace("2|1:0|", "2|1:1|"), "version_of_the_key_00": text.replace("2|1:0|", "2|2:00|"),
        "version_of_the_key_empty": text.replace("2|1:0|", "2|0:|"), "version_of_the_key_plus_0": text.replace("2|1:0|", "2|2:+0|"),
        "field_more": text + "4:more|", "field_less": text[: text.rindex("|", 0, -1) + 1], "pipe_twice": text + "|",
        "pipe_twice_inside": text.replace("|4:", "||4:"), "payload_empty": made.signed(b"", made.time(NOW)).decode(),
        "fields_swapped": "2|1:0|4:user|10:1800000000|" + text[text.index(size) :], "space_after_the_fields": text + " ",
    }  # fmt: skip
    reasons = {"fields_swapped": CLAIMS}
    found = []
    for name, changed in rows.items():
        assert changed != text, name
        why = "signed, and not as Tornado writes it"
        found.append(made.refused(name, made.resigned(changed.encode()), reasons.get(name, MALFORMED), why))
    inner = made.unwire(made.make(USER))
    return [
        *found,
        made.refused("fields_of_two_values", inner.replace(b"user", b"eve1"), INVALID, "a changed name under the old signature"),
        made.refused("longer_time", inner.replace(b"|10:1800000000|", b"|11:18000000000|"), INVALID, "a digit more"),
        made.refused("no_pipe_at_the_end", inner[: inner.rindex(b"|")], MALFORMED, "no signature"),
        made.refused("twice", inner + b"|" + inner, MALFORMED, "fields after the signature"),
    ]


def versions(made: Tornado) -> list[Case]:
    first = tornado.web.create_signed_value(CURRENT.secret, "user", '{"user":"anna"}', version=1, clock=lambda: NOW)
    ring = {0: CURRENT.secret, 3: CURRENT.secret}
    keyed = {version: tornado.web.create_signed_value(ring, "user", '{"user":"anna"}', clock=lambda: NOW, key_version=version)
             for version in ring}  # fmt: skip
    usual = made.unwire(made.make(USER))
    rows = {"3": b"3" + usual[1:], "02": b"0" + usual, "22": b"2" + usual, "plus_2": b"+" + usual, "0": b"0" + usual[1:],
            "absent": usual[2:], "9999": b"9999" + usual[1:]}  # fmt: skip
    return [
        made.refused("version_1", made.wire(first), MALFORMED, "Tornado still reads it by default; its fields run together"),
        made.refused("version_1_bare", first, MALFORMED, "likewise"),
        made.refused("version_1_expired", b"eyJ1c2VyIjoiYW5uYSJ9|1000000000|" + b"0" * 40, MALFORMED, "likewise"),
        made.accepted("ring_version_0", made.wire(keyed[0]), "a secret with versions, the first of them", "anna"),
        made.refused("ring_version_3", made.wire(keyed[3]), MALFORMED, "versions of a key other than 0 are not read"),
        *[made.refused(f"version_{name}", made.wire(value), MALFORMED, "not version 2") for name, value in rows.items()],
    ]


def quoting(made: Tornado) -> list[Case]:
    bare, padded = made.make({"user": "annabe"}), made.make({"user": "anna"})
    bare, padded = (bare, padded) if not bare.startswith(b'"') else (padded, bare)
    users = ("annabe", "anna") if not made.make({"user": "annabe"}).startswith(b'"') else ("anna", "annabe")
    assert padded.startswith(b'"') and not bare.startswith(b'"')
    inner = padded.strip(b'"')
    return [
        made.accepted("bare_as_written", bare, "without padding Python's cookies write no quotes", users[0]),
        made.accepted("quoted_as_written", padded, "with padding they do", users[1]),
        made.accepted("quoted_without_need", b'"' + bare + b'"', "quotes mean nothing", users[0]),
        made.accepted("bare_where_quotes_were", inner, "quotes mean nothing", users[1]),
        made.refused("escaped_pipe", b'"' + inner.replace(b"|", b"\\174", 1) + b'"', MALFORMED, "one spelling is enough"),
        made.refused("escaped_letter", b'"' + inner.replace(b"u", b"\\u", 1) + b'"', MALFORMED, "one spelling is enough"),
        made.refused("escaped_quote", b'"\\"' + inner + b'"', MALFORMED, "a quote inside quotes"),
        made.refused("quote_inside", b'"' + inner[:5] + b'"' + inner[5:] + b'"', MALFORMED, "a quote inside quotes"),
        made.refused("backslash_at_the_end", b'"' + inner + b'\\"', MALFORMED, "no end of the quotes"),
        made.refused("percent_encoded", inner.replace(b"|", b"%7C"), MALFORMED, "nothing is decoded here"),
    ]
