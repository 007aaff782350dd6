"""Django's signing.dumps, and HttpResponse.set_signed_cookie with the salt that 5.2.15 and 6.1 brought."""

import django.conf
from django.core import signing
from django.http import HttpRequest, HttpResponse, parse_cookie
from django.test.utils import override_settings

import signed_damage
import signed_payloads
import signed_shared
import signed_texts
from cases import NOW, Case, Key, base64url
from signed_cases import CURRENT, INVALID, MALFORMED, USER, Format, clock, header_text

SESSIONS = "django.contrib.sessions.backends.signed_cookies"

django.conf.settings.configure(SECRET_KEY=CURRENT.secret.decode())


class Django(Format):
    kind = "django"
    settings = {"cookie": "sessionid", "salt": SESSIONS, "subject_from": "user"}
    separator = b":"
    max_age = 14 * 86_400

    def make(self, payload, key: Key = CURRENT, at: float = NOW, settings: dict | None = None) -> bytes:
        salt = self.whole(settings)["salt"]
        with clock(at):
            return signing.dumps(payload, key=key.secret.decode(), salt=salt, compress=True).encode()

    def signature(self, signed: bytes, key: Key = CURRENT, settings: dict | None = None) -> bytes:
        return signing.base64_hmac(self.whole(settings)["salt"] + "signer", signed, key.secret, "sha256").encode()

    def time(self, seconds: int) -> bytes:
        return signing.b62_encode(seconds).encode()

    def odd_times(self) -> dict[str, bytes]:
        time = self.time(NOW)
        return {
            "with_a_zero_before": b"0" + time, "of_two_zeros": b"00", "before_1970": b"-" + time, "with_a_dash": time[:3] + b"-",
            "with_an_underscore": time[:3] + b"_", "over_2_to_64": signing.b62_encode(2**64).encode(), "of_12_letters": b"z" * 12,
        }  # fmt: skip

    def judge(self, case: Case, secret: bytes) -> bool:
        settings = case.settings["session"]
        age = settings.get("max_age_seconds", self.max_age)
        try:
            signing.loads(header_text(case.token), key=secret.decode(), salt=settings["salt"], max_age=age)
        except signing.BadSignature:
            return False
        return True


class DjangoCookie(Django):
    kind = "django_cookie"
    settings = {"cookie": "who", "subject_from": "."}
    json = False
    quotes = True

    def text(self, payload) -> str:
        return payload["user"] + payload.get("fill", "")

    read = text

    def make(self, payload, key: Key = CURRENT, at: float = NOW, settings: dict | None = None) -> bytes:
        settings, response = self.whole(settings), HttpResponse()
        with clock(at), override_settings(SECRET_KEY=key.secret.decode()):
            response.set_signed_cookie(settings["cookie"], self.text(payload), salt=settings.get("salt", ""))
        return response.cookies[settings["cookie"]].coded_value.encode()

    def signature(self, signed: bytes, key: Key = CURRENT, settings: dict | None = None) -> bytes:
        settings = self.whole(settings)
        salt = signing._cookie_signer_salt(settings["cookie"], settings.get("salt", ""))
        return signing.base64_hmac(salt + "signer", signed, signing._cookie_signer_key(key.secret), "sha256").encode()

    def payload(self, raw: bytes) -> bytes:
        return raw

    def unwire(self, value: bytes) -> bytes:
        return value.strip(b'"')

    def judge(self, case: Case, secret: bytes) -> bool:
        settings, request = case.settings["session"], HttpRequest()
        request.COOKIES = parse_cookie(f"{settings['cookie']}={header_text(case.token)}")
        age = settings.get("max_age_seconds", self.max_age)
        with override_settings(SECRET_KEY=secret.decode()):
            try:
                request.get_signed_cookie(settings["cookie"], salt=settings.get("salt", ""), max_age=age)
            except signing.BadSignature:
                return False
        return True


def dumps_cases() -> list[Case]:
    made = Django()
    found = []
    for name, salt in {
        "default": "django.core.signing",
        "beyond_ascii": "gewürz 🧂",
        "longest": "salt" * 64,
        "of_one": "s",
    }.items():
        chosen = {"salt": salt}
        found.append(made.accepted(f"salt_{name}", made.make(USER, settings=chosen), "configured", "anna", settings=chosen))
        found.append(made.refused(f"salt_{name}_not_configured", made.make(USER, settings=chosen), INVALID, "another salt"))
    with clock(NOW):
        plain = signing.Signer(key=CURRENT.secret.decode(), salt=SESSIONS).sign(base64url(b'{"user":"anna"}')).encode()
        sha1 = signing.TimestampSigner(key=CURRENT.secret.decode(), salt=SESSIONS, algorithm="sha1")
        sha1 = sha1.sign(base64url(b'{"user":"anna"}')).encode()
    return [
        *signed_shared.cases(made),
        *signed_damage.cases(made),
        *signed_payloads.cases(made),
        *signed_payloads.compressed(made),
        *found,
        made.refused("of_signer_without_time", plain, MALFORMED, "Signer signs no time; Django fails on it"),
        made.refused("digest_sha1", sha1, INVALID, "another digest"),
        made.refused("of_a_signed_cookie", DjangoCookie().make({"user": base64url(b'{"user":"anna"}')}), INVALID, "another salt"),
        made.refused(
            "database_session", b"k5n2q0r9f3x8z1c7v6b4m2l0j9h8g7f6", MALFORMED, "Django's usual session is no signed value"
        ),
        made.accepted("in_raw_utf8", made.told('{"user":"Zoë"}'.encode()), "Django itself writes escapes only", "Zoë"),
    ]


def cookie_cases() -> list[Case]:
    made = DjangoCookie()
    found = []
    salts = {"some": "remember", "beyond_ascii": "gewürz 🧂", "of_digits": "7:", "longest": "salt" * 64}
    for name, salt in salts.items():
        chosen = {"salt": salt}
        found.append(made.accepted(f"salt_{name}", made.make(USER, settings=chosen), "configured", "anna", settings=chosen))
        found.append(made.refused(f"salt_{name}_not_configured", made.make(USER, settings=chosen), INVALID, "another salt"))
    for name in ("who2", "wh", "Who", "__Host-who", "x"):
        chosen = {"cookie": name}
        found.append(
            made.accepted(f"cookie_{name}", made.make(USER, settings=chosen), "its name is signed", "anna", settings=chosen)
        )
        found.append(made.refused(f"cookie_{name}_not_configured", made.make(USER, settings=chosen), INVALID, "another cookie"))
    slid = made.make(USER, settings={"cookie": "wh", "salt": "o"})

    def legacy(name: str, salt: str = "", at: int = NOW) -> bytes:
        with clock(at):
            return signing.get_cookie_signer(salt=signing._cookie_signer_legacy_salt(name, salt)).sign("anna").encode()

    bare, odd = made.make(USER), made.make({"user": "a=b"})
    assert odd.startswith(b'"') and not bare.startswith(b'"')
    return [
        *signed_shared.cases(made),
        *signed_damage.cases(made),
        *signed_texts.whole(made, lambda value: b"\\" not in value),
        *signed_texts.members(made),
        *found,
        made.refused("salt_slid_into_the_name", slid, INVALID, "name and salt are kept apart since version 2 of the salt"),
        made.refused("salt_slid_out_of_the_name", made.make(USER, settings={"cookie": "w", "salt": "ho"}), INVALID, "likewise"),
        made.refused("legacy_salt", legacy("who"), INVALID, "before 5.2.15; 5.2 still reads it"),
        made.refused("legacy_salt_configured", legacy("who", "remember"), INVALID, "likewise", settings={"salt": "remember"}),
        made.refused("legacy_salt_slid", legacy("wh", "o"), INVALID, "the very confusion that version 2 ended"),
        made.refused("legacy_salt_expired", legacy("who", at=NOW - 10**8), INVALID, "the signature first"),
        made.accepted("quoted_without_need", b'"' + bare + b'"', "quotes mean nothing", "anna"),
        made.accepted("bare_where_quotes_were", odd.strip(b'"'), "quotes mean nothing", "a=b"),
        made.refused("escaped_letter", b'"\\141nna' + bare[4:] + b'"', MALFORMED, "Python reads it, one spelling is enough"),
        made.refused("escaped_quote", b'"' + bare + b'\\""', MALFORMED, "a quote inside quotes"),
        made.refused("quote_inside", b'"an"na' + bare[4:] + b'"', MALFORMED, "a quote inside quotes"),
        made.refused("backslash_at_the_end", b'"' + bare + b'\\"', MALFORMED, "no end of the quotes"),
        made.accepted("bare_backslash", made.told(b"an\\na"), "outside quotes a backslash is itself", "an\\na"),
        made.accepted("bare_quote_inside", made.told(b'an"na'), "as it stands", 'an"na'),
        made.refused("quote_of_the_value", made.told(b'"anna'), MALFORMED, "begins like a quoted one and ends like none"),
        made.refused("of_dumps", Django().make(USER), INVALID, "another salt"),
    ]  # fmt: skip


def cases() -> list[Case]:
    return [*dumps_cases(), *cookie_cases()]
