"""What the real libraries say, with their clock stopped; and PyJWT's and bokeh's work, with bokeh's dice loaded.

The opinion is the library's alone: one key at a time (neither knows keyrings), no retirement, no longest life.
"""

import random
import types
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from unittest import mock

import bokeh.util.token
import jwt
import jwt.api_jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.warnings import InsecureKeyLengthWarning

from cases import Case
from signed_cases import clock as signed_clock
from signed_django import Django, DjangoCookie
from signed_django_legacy import DjangoCookieLegacy
from signed_express import Express
from signed_flask import Flask
from signed_itsdangerous import Itsdangerous
from signed_jupyter import Jupyter
from signed_starlette import Starlette
from signed_streamlit import Streamlit
from signed_streamlit_tornado import StreamlitTornado
from signed_tornado import Tornado

FORMATS = (
    Tornado(), Itsdangerous(), Flask(), Starlette(), Django(), DjangoCookie(), Express(), Jupyter(), Streamlit(), StreamlitTornado()
)  # fmt: skip
SIGNED = {made.kind: made.judge for made in FORMATS}

ACCEPTS, REFUSES, RAISES = "accepts", "refuses", "raises"

# HS384 and HS512 cases sign with 32-byte keys on purpose.
warnings.simplefilter("ignore", InsecureKeyLengthWarning)


@contextmanager
def clock(now: float) -> Iterator[None]:
    """Stops the clock of PyJWT and bokeh at `now`."""

    class Stopped(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.fromtimestamp(now, tz)

    stopped = types.SimpleNamespace(datetime=Stopped, timezone=timezone)
    with mock.patch.object(jwt.api_jwt, "datetime", Stopped), mock.patch.object(bokeh.util.token, "dt", stopped):
        yield


@contextmanager
def dice(seed: int | str) -> Iterator[None]:
    """Makes bokeh's random ids repeatable: a number seeds them, a text is what they spell."""

    class Scripted:
        def __init__(self, text: str):
            self.left = iter(text)

        def choice(self, allowed: str) -> str:
            character = next(self.left)
            assert character in allowed, f"bokeh would never choose {character!r}"
            return character

    source = random.Random(seed) if isinstance(seed, int) else Scripted(seed)
    with mock.patch.object(bokeh.util.token, "random", source):
        yield


def opinion(case: Case) -> str:
    """accepts, refuses, or raises (an exception that is no verdict: a 500 in a server)."""
    judge = {"jwt": pyjwt, "jwt_eddsa": pyjwt_eddsa, "bokeh_id": bokeh_id, "bokeh_token": bokeh_token, **SIGNED}[case.kind]
    if "salt_form" in (case.settings or {}).get("session", {}):  # the old salt's cases alone say which
        judge = DjangoCookieLegacy().judge
    with clock(case.now), signed_clock(case.now):
        opinions = {one(judge, case, key.secret) for key in case.keys}
    return next(said for said in (ACCEPTS, RAISES, REFUSES) if said in opinions)


def one(judge: Callable[[Case, bytes], bool], case: Case, secret: bytes) -> str:
    try:
        return ACCEPTS if judge(case, secret) else REFUSES
    except jwt.PyJWTError:
        return REFUSES
    except Exception:  # whatever else comes out of the original is exactly what is being recorded
        return RAISES


def pyjwt(case: Case, secret: bytes) -> bool:
    settings = case.settings
    jwt.decode(
        case.token,
        secret,
        algorithms=["HS256"],
        audience=settings["audience"],
        issuer=settings["issuer"],
        leeway=settings["clock_skew_seconds"],
    )
    return True


def pyjwt_eddsa(case: Case, secret: bytes) -> bool:
    """As pyjwt, with the public half of the key whose seed that is."""
    key = Ed25519PrivateKey.from_private_bytes(secret[:32]).public_key()
    settings = case.settings
    jwt.decode(
        case.token, key, algorithms=["EdDSA"], audience=settings["audience"], issuer=settings["issuer"],
        leeway=settings["clock_skew_seconds"],
    )
    return True


def bokeh_id(case: Case, secret: bytes) -> bool:
    return bokeh.util.token.check_session_id_signature(text(case.token), secret, signed=True)


def bokeh_token(case: Case, secret: bytes) -> bool:
    """The checks of bokeh's WSHandler.open (bokeh 3.9.2, server/views/ws.py), in its order."""
    token = text(case.token)
    if not bokeh.util.token.check_token_signature(token, secret, signed=True):
        return False
    bokeh.util.token.get_session_id(token)
    payload = bokeh.util.token.get_token_payload(token)
    return "session_expiry" in payload and int(case.now) < payload["session_expiry"]


def text(token: bytes) -> str:
    """The bytes as Tornado would hand them over: a query parameter is UTF-8, a header Latin-1."""
    try:
        return token.decode("utf-8")
    except UnicodeDecodeError:
        return token.decode("latin-1")
