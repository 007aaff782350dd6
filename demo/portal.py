"""The demo's portal: it knows who a person is and signs a short pass to a dashboard. dashgate checks the pass.

A pass is a JWT, made by PyJWT. The "Connect" button posts it to the dashboard's own host, where dashgate turns it into
a cookie. Its settings come as JSON on standard input: they hold secrets, which a command line would show to everyone.
"""

import hmac
import json
import os
import secrets
import sys
import time
import uuid
from pathlib import Path
from urllib.parse import quote, urlencode, urlsplit

import jwt
from flask import Flask, abort, g, redirect, request, session
from werkzeug.serving import make_server

import pages
from runs import Run, Runs, TooMany

SESSION_SECONDS = 8 * 3600
LOGIN_ATTEMPTS_A_MINUTE = 10


def make_portal(settings: dict) -> Flask:
    """The portal for these settings: origin, users, key, key_id, flask_secret and the dashboards by name.

    Where `runs` says so, people start TensorBoards of their own.
    """
    portal = Flask(__name__, static_folder=None)
    portal.secret_key = settings["flask_secret"]
    portal.config.update(
        SESSION_COOKIE_NAME="__Host-portal", SESSION_COOKIE_SECURE=True, SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax", MAX_CONTENT_LENGTH=16 * 1024,
    )
    dashboards = settings["dashboards"]
    runs = Runs(Path(settings["runs"]["directory"])) if settings.get("runs") else None
    attempts: list[float] = []

    @portal.before_request
    def demand_csrf_token() -> None:
        g.nonce = secrets.token_urlsafe(16)
        session.setdefault("csrf", secrets.token_urlsafe(24))
        if request.method == "POST" and not _same(request.form.get("csrf", ""), session["csrf"]):
            abort(400, "This form is too old. Go back, reload the page and try again.")

    @portal.after_request
    def add_headers(response):
        own = [_run_origin(settings, "*")] if runs is not None else []
        targets = " ".join([*(entry["origin"] for entry in dashboards.values()), *own])
        response.headers["Content-Security-Policy"] = (
            f"default-src 'none'; style-src 'nonce-{g.nonce}'; form-action 'self' {targets}; "
            "base-uri 'none'; frame-ancestors 'none'"
        )
        # The connect forms go to other origins, and dashgate asks for their Origin. `same-origin` and `no-referrer`
        # make browsers send `Origin: null` there; this one keeps the origin and hides the path.
        response.headers["Referrer-Policy"] = "strict-origin"
        response.headers["Cache-Control"] = "no-store"
        return response

    @portal.get("/")
    def index():
        if "user" not in session:
            return redirect("/login")
        wanted, path = _wanted(request.args, dashboards)
        names = sorted(dashboards, key=lambda name: name != wanted)
        passes = [_pass(settings, name, session["user"], path if name == wanted else None) for name in names]
        own = None if runs is None else [_run_pass(settings, run) for run in runs.of(session["user"])]
        return pages.index(g.nonce, session["csrf"], session["user"], passes, wanted, own)

    @portal.post("/runs")
    def start_run():
        if runs is None:
            abort(404)
        if "user" not in session:
            return redirect("/login", 303)
        try:
            runs.start(session["user"])
        except TooMany:
            abort(400, "You have as many as one person may have. Stop one first.")
        return redirect("/", 303)

    @portal.post("/runs/<name>/stop")
    def stop_run(name: str):
        if runs is None:
            abort(404)
        if "user" not in session:
            return redirect("/login", 303)
        runs.stop(session["user"], name)
        return redirect("/", 303)

    @portal.get("/login")
    def login_page():
        wanted, path = _wanted(request.args, dashboards)
        if "user" in session:
            return redirect("/" + _query(wanted, path))
        return pages.login(g.nonce, session["csrf"], wanted, path, "", dashboards)

    @portal.post("/login")
    def login():
        now = time.monotonic()
        attempts[:] = [then for then in attempts if now - then < 60] + [now]
        wanted, path = _wanted(request.form, dashboards)
        user = request.form.get("user", "")
        known = _same(request.form.get("password", ""), settings["users"].get(user, "")) and user in settings["users"]
        if len(attempts) > LOGIN_ATTEMPTS_A_MINUTE or not known:
            message = "Name or password is wrong, or there were too many attempts in the last minute."
            return pages.login(g.nonce, session["csrf"], wanted, path, message, dashboards), 403
        session.clear()
        session["user"] = user
        return redirect("/" + _query(wanted, path), 303)

    @portal.post("/logout")
    def logout():
        session.clear()
        return redirect("/login", 303)

    @portal.errorhandler(400)
    def bad_request(error):
        return pages.problem(g.nonce, error.description), 400

    return portal


def _wanted(arguments, dashboards: dict) -> tuple[str | None, str]:
    """The dashboard dashgate sent the visitor here for, and the path asked for there.

    The path is only ever put into the form for that dashboard's host, and dashgate checks it again.
    """
    name, path = arguments.get("dashboard"), arguments.get("next", "/")
    if name not in dashboards:
        return None, "/"
    if not path.startswith("/") or path[1:2] in ("/", "\\") or not path.isprintable() or len(path) > 2048:
        path = "/"
    return name, path


def _pass(settings: dict, name: str, user: str, path: str | None) -> dict:
    """What one dashboard's form needs: the connect URL, a fresh token and the path to go on to."""
    entry = settings["dashboards"][name]
    token = _signed(settings, user, entry["audience"])
    onward = path if path and path != "/" else entry["start"]
    if entry["bokeh"]:
        onward = _with_bokeh_session(onward)
    return {
        "name": name, "title": entry["title"], "about": entry["about"], "url": entry["origin"] + "/.dashgate/connect",
        "token": token, "next": onward,
        "link": f"{entry['origin']}/.dashgate/connect#token={quote(token)}&next={quote(onward, safe='')}",
    }


def _run_pass(settings: dict, run: Run) -> dict:
    """What the form of a person's own dashboard needs: its session says which one it is, and where."""
    origin = _run_origin(settings, run.id)
    token = _signed(settings, run.user, _run_origin(settings, "{session}") + "/", sid=run.id, backend=run.backend)
    return {"id": run.id, "ready": run.answers(), "url": origin + "/.dashgate/connect", "token": token, "next": "/"}


def _run_origin(settings: dict, name: str) -> str:
    return f"https://{name}.{settings['runs']['host']}"


def _signed(settings: dict, user: str, audience: str, **more: str) -> str:
    """A session for one dashboard, signed."""
    now = int(time.time())
    claims = {
        "iss": settings["origin"], "aud": audience, "sub": user, "iat": now, "exp": now + SESSION_SECONDS,
        "jti": str(uuid.uuid4()), **more,
    }
    return jwt.encode(claims, settings["key"], algorithm="HS256", headers={"kid": settings["key_id"]})


def _with_bokeh_session(path: str) -> str:
    """The path with a fresh session id signed by Bokeh's own function, with the key the Bokeh server knows."""
    from bokeh.util.token import generate_session_id

    parts = urlsplit(path)
    query = f"{parts.query}&" if parts.query else ""
    return f"{parts.path}?{query}{urlencode({'bokeh-session-id': generate_session_id(signed=True)})}"


def _query(wanted: str | None, path: str) -> str:
    return "?" + urlencode({"dashboard": wanted, "next": path}) if wanted else ""


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode(), expected.encode())


def serve(settings: dict, address: str) -> None:
    """Serves the portal at the address, on the port that the settings name."""
    os.environ["BOKEH_SECRET_KEY"] = settings["bokeh_secret"]
    os.environ["BOKEH_SIGN_SESSIONS"] = "yes"
    settings["key"] = bytes.fromhex(settings.pop("key_hex"))
    make_server(address, settings["port"], make_portal(settings), threaded=True).serve_forever()


if __name__ == "__main__":
    serve(json.load(sys.stdin), "127.0.0.1")
