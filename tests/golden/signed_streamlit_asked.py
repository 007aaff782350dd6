"""What Streamlit says, asked by signed_streamlit.py and signed_streamlit_tornado.py: one process for each of its versions.

Only the modules that make and read the login are loaded: the packages above them would load pandas and all the rest.
"""

import sys
import types
from pathlib import Path
from unittest import mock

from elsewhere import serve

ROOT = Path(sys.argv[1]) / "streamlit"
NAME = "_streamlit_user"


def package(name: str, **members) -> None:
    """A package whose modules are the real ones, and whose own file is not run."""
    made = types.ModuleType(name)
    made.__path__ = [str(ROOT.joinpath(*name.split(".")[1:]))]
    sys.modules[name] = made
    vars(made).update(members)


for name in ("streamlit", "streamlit.web", "streamlit.web.server", "streamlit.web.server.starlette"):
    package(name)
package("streamlit.runtime", Runtime=object, SessionClient=object, SessionClientDisconnectedError=Exception)

from streamlit import auth_util  # noqa: E402


class Starlette:
    """1.57 and later."""

    def __init__(self):
        from starlette.requests import cookie_parser
        from streamlit.web.server.starlette import starlette_app_utils, starlette_auth_routes, starlette_websocket

        self.utils, self.routes, self.websocket, self.parse = (
            starlette_app_utils, starlette_auth_routes, starlette_websocket, cookie_parser
        )  # fmt: skip

    def signed(self, name: str, text: str, secret: str) -> str:
        return self.utils.create_signed_value(secret, name, text).decode()

    def chunked(self, payload: dict, secret: str, write) -> None:
        """What `_set_auth_cookie` does for the one cookie."""
        size = self.routes._get_auth_cookie_attribute_size()
        auth_util.set_cookie_with_chunks(write, lambda name, text: self.signed(name, text, secret).encode(), NAME, payload,
                                         cookie_attr_size=size)  # fmt: skip

    def login(self, header: str, origin: str, secret: str, days: float) -> dict:
        """What the WebSocket's handler does with the cookies."""
        with (
            mock.patch.object(self.websocket, "get_cookie_secret", lambda: secret),
            mock.patch.object(self.utils.decode_signed_value, "__defaults__", (days,)),
        ):
            text = self.websocket._get_signed_cookie_with_chunks(self.parse(header), NAME)
            return self.websocket._parse_decoded_user_cookie(text, origin) if text else {}


class Tornado:
    """1.42 to 1.56."""

    def __init__(self):
        from streamlit.web.server.browser_websocket_handler import BrowserWebSocketHandler

        self.handler = BrowserWebSocketHandler

    def made(self, secret: str, header: str = "", origin: str = ""):
        from tornado.httputil import HTTPHeaders, HTTPServerRequest
        from tornado.web import Application

        connection = mock.Mock(no_keep_alive=False)
        headers = HTTPHeaders({"Cookie": header, "Origin": origin})
        request = HTTPServerRequest("GET", "/_stcore/stream", headers=headers, connection=connection)
        handler = object.__new__(self.handler)
        handler.application, handler.request = Application([], cookie_secret=secret), request
        return handler

    def signed(self, name: str, text: str, secret: str) -> str:
        return self.made(secret).create_signed_value(name, text).decode()

    def chunked(self, payload: dict, secret: str, write) -> None:
        auth_util.set_cookie_with_chunks(write, self.made(secret).create_signed_value, NAME, payload)

    def login(self, header: str, origin: str, secret: str, days: float) -> dict:
        handler = self.made(secret, header, origin)
        text = handler.get_signed_cookie(NAME, max_age_days=days)
        return handler._parse_user_cookie(text) if text else {}


server = Tornado() if (ROOT / "web/server/browser_websocket_handler.py").exists() else Starlette()


def make(payload: dict, secret: str, at: float) -> list:
    """The cookies of a login, in the order in which they are set."""
    cookies = []
    with mock.patch("time.time", lambda: at):
        server.chunked(payload, secret, lambda name, text: cookies.append((name, server.signed(name, text, secret))))
    return cookies


def sign(name: str, text: str, secret: str, at: float) -> str:
    """The value of one cookie around any text."""
    with mock.patch("time.time", lambda: at):
        return server.signed(name, text, secret)


def judge(header: str, origin: str, secret: str, days: float, at: float) -> bool:
    """Whether the app takes somebody for logged in. Whatever goes wrong there, he is not."""
    with mock.patch("time.time", lambda: at):
        try:
            return server.login(header, origin, secret, days).get("is_logged_in") is True
        except Exception:  # the handler logs it and goes on
            return False


serve({"make": make, "sign": sign, "judge": judge})
