"""Starlette's SessionMiddleware, asked as an application would: a response that sets a session, a request that has one."""

import asyncio
import base64
import json

from itsdangerous import TimestampSigner
from starlette.middleware.sessions import SessionMiddleware

import signed_damage
import signed_payloads
import signed_shared
from cases import NOW, Case, Key
from signed_cases import CURRENT, INVALID, USER, Format, clock
from signed_flask import Flask
from signed_itsdangerous import Itsdangerous, odd_big_endian


class Starlette(Format):
    kind = "starlette"
    settings = {"subject_from": "user"}
    max_age = 14 * 86_400
    mappings_only = True

    def make(self, payload, key: Key = CURRENT, at: float = NOW, settings: dict | None = None) -> bytes:
        def log_in(session) -> None:
            session.update(payload)

        with clock(at):
            header = middleware(key.secret, self.whole(settings), [], log_in)
        return header.partition(b"=")[2].partition(b";")[0]

    def signature(self, signed: bytes, key: Key = CURRENT, settings: dict | None = None) -> bytes:
        return TimestampSigner(key.secret).get_signature(signed)

    def payload(self, raw: bytes) -> bytes:
        return base64.b64encode(raw)

    def time(self, seconds: int) -> bytes:
        return Itsdangerous().time(seconds)

    def odd_times(self) -> dict[str, bytes]:
        return odd_big_endian(self)

    def judge(self, case: Case, secret: bytes) -> bool:
        settings, seen = case.settings["session"], []
        name = settings.get("cookie", "session").encode()
        middleware(secret, settings, [(b"cookie", name + b"=" + case.token)], seen.append)
        return len(seen[0]) > 0


def middleware(secret: bytes, settings: dict, headers: list, look) -> bytes:
    """Sends one request through the middleware; the application looks at its session. The Set-Cookie, if any."""
    sent = []

    async def application(scope, receive, send) -> None:
        look(scope["session"])
        await send({"type": "http.response.start", "status": 204, "headers": []})

    async def send(message) -> None:
        sent.extend(value for name, value in message["headers"] if name == b"set-cookie")

    age = settings.get("max_age_seconds", Starlette.max_age)
    name = settings.get("cookie", "session")
    made = SessionMiddleware(application, secret.decode(), session_cookie=name, max_age=age)
    asyncio.run(made({"type": "http", "method": "GET", "path": "/", "headers": headers}, None, send))
    return sent[0] if sent else b""


def cases() -> list[Case]:
    made = Starlette()
    named = {"cookie": "lab_session"}
    unpadded = [{"user": "a" * count} for count in range(1, 5)]
    found = [made.accepted(f"padding_of_{len(made.payload(json.dumps(payload).encode()).rstrip(b'=')) % 4}_{payload['user']}",
                           made.make(payload), "base64 with whatever padding it needs", payload["user"])
             for payload in unpadded]  # fmt: skip
    session = Flask().make(USER)
    return [
        *signed_shared.cases(made),
        *signed_damage.cases(made),
        *signed_payloads.cases(made),
        *found,
        made.accepted("cookie_of_another_name", made.make(USER, settings=named), "the name is not signed", "anna", settings=named),
        made.refused("of_url_safe_serializer", Itsdangerous().make(USER), INVALID, "another salt"),
        made.refused("of_flask", session, INVALID, "another salt and derivation"),
        made.refused("compressed_payload", made.told(payload=b".eJyrViotTi1SslJKzMtLVKoFACgfBP0="), "claims_malformed",
                     "Starlette never compresses"),
    ]  # fmt: skip
