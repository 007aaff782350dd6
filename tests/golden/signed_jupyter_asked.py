"""What Jupyter Server says, asked by signed_jupyter.py in a process of its own."""

import asyncio
import tempfile
from pathlib import Path
from unittest import mock

from jupyter_server.auth.identity import IdentityProvider, PasswordIdentityProvider, User
from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.serverapp import ServerApp
from tornado.httputil import HTTPHeaders, HTTPServerRequest
from tornado.web import Application
from traitlets.config import Config

from elsewhere import serve


def secret(file: str, config: dict) -> str:
    """The cookie secret that a server with that jupyter_cookie_secret and configuration derives: hexadecimal digits."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "jupyter_cookie_secret")
        path.write_bytes(file.encode("latin-1"))
        app = ServerApp(cookie_secret_file=str(path))
        app.update_config(Config(config))
        app.identity_provider = PasswordIdentityProvider(parent=app)
        return app.cookie_secret.hex()


def handler(key: str, host: str, cookie: str = "") -> JupyterHandler:
    headers = HTTPHeaders({"Host": host, "Cookie": cookie})
    request = HTTPServerRequest("GET", "/lab", headers=headers, connection=mock.Mock(no_keep_alive=False))
    application = Application([], cookie_secret=bytes.fromhex(key), base_url="/", identity_provider=IdentityProvider())
    return JupyterHandler(application, request)


def login(key: str, host: str, user: dict, at: float) -> list:
    """The cookie that a login sets: its name and what stands behind it."""
    made = handler(key, host)
    with mock.patch("time.time", lambda: at):
        IdentityProvider().set_login_cookie(made, User(**user))
    [(name, morsel)] = made._new_cookie.items()
    return [name, morsel.coded_value]


def whose(key: str, host: str, cookie: str, at: float) -> str | None:
    """The user that the server takes a request's sender for."""
    with mock.patch("time.time", lambda: at):
        user = IdentityProvider().get_user_cookie(handler(key, host, cookie))
    assert not asyncio.iscoroutine(user)
    return user.username if user else None


serve({"secret": secret, "login": login, "whose": whose})
