"""Flask's sessions: itsdangerous with a salt, a derivation and a JSON of Flask's own."""

from flask import Flask as Application
from flask.sessions import SecureCookieSessionInterface
from itsdangerous import BadSignature, URLSafeTimedSerializer

from cases import Case
from signed_cases import CLAIMS, INVALID, USER, header_text
from signed_itsdangerous import DIGESTS, Itsdangerous, derivations, family


class Flask(Itsdangerous):
    kind = "flask"
    settings = {"cookie": "session", "subject_from": "user"}
    mappings_only = True

    def serializer(self, secret: bytes, settings: dict) -> URLSafeTimedSerializer:
        application = Application("golden")
        application.secret_key = secret
        interface = SecureCookieSessionInterface()
        interface.salt = settings.get("salt", interface.salt)
        interface.digest_method = staticmethod(DIGESTS[settings.get("digest", "sha1")])
        return interface.get_signing_serializer(application)

    def judge(self, case: Case, secret: bytes) -> bool:
        """SecureCookieSessionInterface.open_session, which takes an empty session for a bad one."""
        settings = case.settings["session"]
        header = f"{settings['cookie']}={header_text(case.token)}"
        with Application("golden").test_request_context(environ_base={"HTTP_COOKIE": wsgi(header)}) as context:
            value = context.request.cookies.get(settings["cookie"], "")
        try:
            age = settings.get("max_age_seconds", self.max_age)
            return value != "" and isinstance(dict(self.serializer(secret, settings).loads(value, max_age=age)), dict)
        except BadSignature:
            return False


def wsgi(text: str) -> str:
    """A header as WSGI has it: its bytes, each one a character."""
    return text.encode().decode("latin-1")


def cases() -> list[Case]:
    made = Flask()
    tagged = {
        "tuple": {"user": "anna", "pair": (1, 2)}, "bytes": {"user": "anna", "blob": b"\0\xff"},
        "flashes": {"user": "anna", "_flashes": [("message", "hello")]}, "permanent": {"_permanent": True, "user": "anna"},
    }  # fmt: skip
    found = [made.accepted(f"tagged_{name}", made.make(payload), "Flask's own JSON", "anna") for name, payload in tagged.items()]
    return [
        *family(made),
        *derivations(made),
        *found,
        made.refused("tagged_subject", made.make({"user": b"anna"}), CLAIMS, "an object, not a text"),
        made.refused("of_plain_itsdangerous", Itsdangerous().make(USER), INVALID, "another salt and derivation"),
        made.refused("of_the_right_salt_by_django_concat",
                     Itsdangerous().make(USER, settings={"salt": "cookie-session"}), INVALID, "another derivation"),
    ]  # fmt: skip
