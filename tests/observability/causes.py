"""The causes that docs/troubleshooting.md names, each as a request to `dashgate explain`. Decides nothing: the gate does.

A cause that no request can show is the path of the test that shows it.
"""

from __future__ import annotations

import copy
import time
from dataclasses import dataclass, field

import flask
import jwt

from sessions import APP_SECRET, BOKEH_SECRET, KEY_CURRENT, KEY_OLDER, KEY_RETIRED, KEY_UNKNOWN, base64url, bokeh_id, bokeh_token, handmade

NOW = int(time.time())
PORTAL = "https://portal.example.org"
ENVIRONMENT = {"CURRENT": base64url(KEY_CURRENT), "RETIRED": base64url(KEY_RETIRED), "BOKEH": BOKEH_SECRET, "APP": APP_SECRET}
PUBLIC = ["11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "PUAXw-hDiVqStwqnTRt-vJyYLM8uxJaMwM1V8Sr0Zgw"]

POLICY = {
    "keys": [{"id": "current", "env": "CURRENT", "encoding": "base64url"},
             {"id": "retired", "env": "RETIRED", "encoding": "base64url", "retire_at": "2026-01-01T00:00:00Z"},
             {"id": "bokeh", "env": "BOKEH", "encoding": "utf8"}, {"id": "app", "env": "APP", "encoding": "utf8"},
             *({"id": f"public-{place}", "public_key": key} for place, key in enumerate(PUBLIC))],
    "sessions": {
        "portal": {"format": "jwt", "keys": ["current", "retired"], "issuer": PORTAL, "carriers": ["cookie", "bearer", "subprotocol"]},
        "cookies": {"format": "jwt", "keys": ["current"], "issuer": PORTAL, "carriers": ["cookie"]},
        "bearers": {"format": "jwt", "keys": ["current"], "issuer": PORTAL, "carriers": ["bearer"]},
        "asymmetric": {"format": "jwt", "algorithm": "EdDSA", "keys": ["public-0", "public-1"], "issuer": PORTAL},
        "bokeh": {"format": "bokeh", "keys": ["bokeh"], "max_stream_seconds": 3600},
        "flask": {"format": "flask", "keys": ["app"], "cookie": "session", "subject_from": "user_id"},
    },
    "connect": {"from": [PORTAL]},
    "dashboards": [
        {"name": "report", "sessions": ["portal"]},
        {"name": "tools", "url": "https://tools.example.org/report/", "sessions": ["portal"]},
        {"name": "api", "sessions": ["bearers"]},
        {"name": "plain", "sessions": ["cookies"]},
        {"name": "signed", "sessions": ["asymmetric"]},
        {"name": "bokeh", "sessions": ["bokeh"], "keep": ["bokeh"]},
        {"name": "flask", "sessions": ["flask"]},
        {"name": "both", "sessions": ["portal", "flask"], "require": "all"},
        {"name": "framed", "sessions": ["portal"], "embed_from": ["https://portal.example.com"]},
        {"name": "hub", "url": "https://{subject}.hub.example.org/", "sessions": ["portal"]},
        {"name": "team", "sessions": ["portal"], "subjects": ["eve"], "groups": ["staff"]},
        {"name": "runs", "url": "https://{session}.runs.example.org/", "sessions": ["portal"],
         "backends": [{"network": "10.20.0.0/16", "ports": "1024-65535"}]},
    ],
}
for each in POLICY["dashboards"]:
    each.setdefault("url", f"https://{each['name']}.example.org/")


def policy(**connect: object) -> dict:
    """The policy with another `connect`; with none at all where nothing is said."""
    changed = copy.deepcopy(POLICY)
    changed["connect"] = {"from": [PORTAL], **connect} if connect else None
    return {name: value for name, value in changed.items() if value is not None}


@dataclass
class Asked:
    """One request, and the policy it is put to."""

    host: str = "report.example.org"
    path: str = "/"
    method: str = "GET"
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: str | None = None
    end_stream: bool = True
    policy: dict = field(default_factory=lambda: POLICY)

    def described(self) -> dict:
        line = {"method": self.method, "authority": self.host, "path": self.path, "headers": [list(pair) for pair in self.headers],
                "end_stream": self.end_stream and self.body is None, "now": NOW}
        return line if self.body is None else line | {"body": self.body}


def url_of(name: str) -> str:
    return next(each["url"] for each in POLICY["dashboards"] if each["name"] == name)


def token(name: str = "report", key: bytes = KEY_CURRENT, key_id: str | None = "current", algorithm: str = "HS256", more: dict | None = None,
          **changes: object) -> str:
    claims = {"iss": PORTAL, "aud": url_of(name), "sub": "ana", "iat": NOW, "exp": NOW + 600} | changes
    claims = {claim: value for claim, value in claims.items() if value is not None}
    return jwt.encode(claims, key, algorithm, headers=(more or {}) | ({"kid": key_id} if key_id else {}))


def cookie(value: str, name: str = "report") -> list[tuple[str, str]]:
    return [("cookie", f"__Host-dashgate-{name}={value}")]


def bearer(value: str) -> list[tuple[str, str]]:
    return [("authorization", f"Bearer {value}")]


def signed_in(name: str = "report", **changes: object) -> list[tuple[str, str]]:
    return cookie(token(name, **changes), name)


def flask_cookie(**content: object) -> str:
    app = flask.Flask("causes")
    app.secret_key = APP_SECRET
    return flask.sessions.SecureCookieSessionInterface().get_signing_serializer(app).dumps(content)


def upgrade(*headers: tuple[str, str], host: str = "report", path: str = "/") -> Asked:
    return Asked(f"{host}.example.org", path, headers=[("connection", "Upgrade"), ("upgrade", "websocket"), ("sec-websocket-version", "13"),
                                                       ("origin", f"https://{host}.example.org"), *headers])


def fetched(site: str, destination: str, mode: str = "no-cors", host: str = "report.example.org", **more: object) -> Asked:
    return Asked(host, headers=[("sec-fetch-site", site), ("sec-fetch-mode", mode), ("sec-fetch-dest", destination)], **more)


FORM = [("content-type", "application/x-www-form-urlencoded")]


def connect(body: str | None = None, host: str = "report.example.org", origin: str = PORTAL, headers: list | None = None, **more: object) -> Asked:
    return Asked(host, "/.dashgate/connect", "POST", [("origin", origin), *(FORM if headers is None else headers)], body, **more)


def passed(next_: str | None = "/", name: str = "report", host: str = "report.example.org", **changes: object) -> Asked:
    return connect(f"token={token(name, **changes)}" + ("" if next_ is None else f"&next={next_}"), host)


PAGE, SOCKET = bokeh_id(), bokeh_token()
LONG = ["group-" + "x" * 40] * 100

CAUSES: dict[str, dict[str, list[Asked] | str]] = {
    "host_call_failed": {"A host call is not allowed, or not there": "tests/observability/test_symptoms.py"},
    "authority_invalid": {
        "User and password in the address": [Asked("ada:secret@report.example.org")],
        "The port is written oddly": [Asked("report.example.org:"), Asked("report.example.org:0443")],
        "Two hosts": [Asked("report.example.org,10.0.0.5")],
        "A trailing dot, and no GET": [Asked("report.example.org.", method="POST"), Asked("report.example.org.", method="HEAD")],
    },
    "method_not_allowed": {
        "A client takes the gate for a forward proxy": [Asked("report.example.org:443", method="CONNECT")],
        "No method at all": [Asked(method="GET2"), Asked(method="X_Y")],
    },
    "path_invalid": {
        "A semicolon in the path": [Asked(path="/a;b")],
        "Letters that are percent-encoded": [Asked(path="/%72eport")],
        "A slash or dot that is encoded twice or was not normalised": [Asked(path="/a%2fb"), Asked(path="/a/%2e%2e/b"), Asked(path="/a/../b")],
        "Two slashes": [Asked(path="/a//b")],
    },
    "dashboard_not_found": {
        "The port is not the one in `url`": [Asked("report.example.org:8443")],
        "A proxy in front rewrites Host": [Asked("10.0.0.5:8443"), Asked("backend")],
        "The path is under no dashboard": [Asked("tools.example.org", "/other")],
        "Scans of the address": [Asked("192.0.2.1", "/wp-login.php")],
    },
    "upgrade_not_allowed": {
        "An upgrade to something else": [Asked(headers=[("connection", "Upgrade, HTTP2-Settings"), ("upgrade", "h2c")])],
        "A body announced with the upgrade": [upgrade(("content-length", "0"))],
    },
    "cookie_invalid": {"A cookie with bytes outside ASCII": [Asked(headers=[("cookie", "name=\u00c3\u00a9; other=1")])]},
    "credential_repeated": {
        "The session's cookie twice": [Asked(headers=[("cookie", "__Host-dashgate-report=a; __Host-dashgate-report=b")]),
                                       Asked("flask.example.org", headers=[("cookie", "session=a; session=b")])],
        "Two bearers": [Asked(headers=[("authorization", "Bearer a, Bearer b")])],
        "A Bokeh id in two places": [Asked("bokeh.example.org", f"/?bokeh-session-id={PAGE}", headers=[("bokeh-session-id", PAGE)]),
                                     Asked("bokeh.example.org", f"/?bokeh-session-id={PAGE}&bokeh-token={SOCKET}")],
    },
    "credential_disguised": {
        "The parameter's name in another spelling": [Asked("bokeh.example.org", f"/?Bokeh-Session-Id={PAGE}"),
                                                     Asked("bokeh.example.org", f"/?%62okeh-session-id={PAGE}")],
        "Something beside Bokeh's subprotocols": [upgrade(("sec-websocket-protocol", f"bokeh, {SOCKET}, other"), host="bokeh")],
    },
    "origin_repeated": {"A proxy adds an Origin": [Asked(headers=[("origin", "https://report.example.org, https://inner.example.org")])]},
    "origin_null": {"A sandboxed frame, or a file": [Asked(headers=[("origin", "null"), *signed_in()])]},
    "origin_not_allowed": {
        "A page of another origin asks": [Asked(headers=[("origin", "https://evil.example"), *signed_in()])],
        "Scheme or port differ": [Asked(headers=[("origin", "http://report.example.org"), *signed_in()])],
        "The connect form comes from an origin that `connect.from` does not list": [connect(origin="https://www.portal.example.org", body="token=x")],
    },
    "origin_missing": {
        "A program opens the WebSocket or posts": [
            Asked(headers=[("connection", "Upgrade"), ("upgrade", "websocket"), *signed_in()]), Asked(method="POST", headers=signed_in())],
        "A form or sign-out without Origin": [Asked(path="/.dashgate/logout", method="POST"),
                                              Asked(path="/.dashgate/connect", method="POST", headers=FORM, body="token=x")],
    },
    "fetch_metadata_invalid": {"A client writes Sec-Fetch by hand": [
        fetched("Same-Origin", "empty"), fetched("", "empty"),
        Asked(headers=[("sec-fetch-site", "none"), ("sec-fetch-site", "none")])]},
    "frame_not_allowed": {"A portal shows the dashboard in a frame": [fetched("same-site", "iframe", "navigate")]},
    "site_not_allowed": {
        "Another site's page loads an image, a script or data": [fetched("cross-site", "image"), fetched("cross-site", "script"),
                                                                fetched("cross-site", "empty", "cors")],
        "A page of a neighbour host loads it": [fetched("same-site", "image")],
        "Another page asks for the session": [fetched("same-site", "empty", path="/.dashgate/session")],
    },
    "endpoint_not_found": {
        "The policy has no `connect`": [connect("token=x", policy=policy())],
        "The wrong method or a misspelt path": [Asked(path="/.dashgate/logout"), Asked(path="/.dashgate/sign-out", method="POST")],
    },
    "connect_origin_null": {"The portal's page hides its origin": [connect("token=x", origin="null")]},
    "connect_body_unsupported": {"The portal posts a form where `connect.form` is false": [connect("token=x", policy=policy(form=False))]},
    "connect_body_too_large": {"The form carries more than token and next": [connect("token=x", headers=[*FORM, ("content-length", "20000")]),
                                                                            connect("token=x&more=" + "y" * 17000)]},
    "connect_form_invalid": {
        "JSON or multipart": [connect("{}", headers=[("content-type", "application/json")]),
                              connect("x", headers=[("content-type", "multipart/form-data; boundary=x")])],
        "No token, or two": [connect("next=/"), connect("token=a&token=b")],
        "The portal posts without a body": [connect()],
    },
    "connect_next_not_allowed": {
        "`next` is a whole URL": [passed("https://report.example.org/runs")],
        "`next` lies outside": [passed("/", "tools", "tools.example.org"), passed(None, "tools", "tools.example.org")],
        "The dashboard takes no portal session by cookie": [passed("/", "api", "api.example.org"), passed("/", "report", "flask.example.org")],
    },
    "body_not_allowed": {"A GET with a body, to a Bokeh dashboard": [Asked("bokeh.example.org", end_stream=False)]},
    "credential_conflict": {
        "An app's own token as a bearer beside the cookie": [Asked(headers=[*signed_in(), *bearer("of-the-app")])],
        "A Bokeh WebSocket of another page": [upgrade(("sec-websocket-protocol", f"bokeh, {SOCKET}"), host="bokeh", path=f"/ws?bokeh-session-id={PAGE}")],
        "Two people in one browser": [Asked("both.example.org", headers=[
            ("cookie", f"__Host-dashgate-both={token('both')}; session={flask_cookie(user_id='ben')}")])],
    },
    "session_missing": {
        "Nobody is signed in": [Asked()],
        "The session is another dashboard's": [Asked(headers=signed_in("tools"))],
        "The carrier is not listed": [Asked("plain.example.org", headers=bearer(token("plain")))],
        "A frame on another site": [fetched("cross-site", "iframe", "navigate", "framed.example.org")],
    },
    "credential_too_long": {"A token with too much in it": [Asked(headers=bearer(token(groups=LONG * 3))), Asked(headers=signed_in(groups=LONG))]},
    "token_malformed": {
        "The bearer is no JWT": [Asked(headers=bearer("ya29.opaque")), Asked(headers=bearer(token() + "="))],
        "A token without a signature": [Asked(headers=bearer(token().rsplit(".", 1)[0] + "."))],
        "The marker without a credential": [upgrade(("sec-websocket-protocol", "dashgate"))],
        "The wrong format": [Asked("flask.example.org", headers=[("cookie", "session=s%3Aid.signature")])],
    },
    "algorithm_not_allowed": {"The portal signs with another algorithm": [
        Asked(headers=cookie(handmade('{"alg":"HS512","kid":"current"}', "{}"))), Asked(headers=cookie(handmade('{"alg":"RS256","kid":"current"}', "{}")))]},
    "header_parameter_not_allowed": {"The portal's library adds `x5t`, `jku`, `jwk` or `crit`": [
        Asked(headers=signed_in(more={name: value})) for name, value in
        (("x5t", "abc"), ("jku", "https://portal.example.org/keys"), ("jwk", {"kty": "oct"}), ("crit", ["b64"]))]},
    "key_unknown": {
        "The portal signs with a key that the policy does not have": [Asked(headers=signed_in(key=KEY_OLDER, key_id="portal-2027"))],
        "The `kid` is not the key's `id`": [Asked(headers=signed_in(key_id="Current")), Asked("plain.example.org", headers=signed_in(
            "plain", key=KEY_RETIRED, key_id="retired"))],
        "EdDSA with several keys, and no `kid`": [Asked("signed.example.org", headers=cookie(
            handmade('{"alg":"EdDSA"}', "{}"), "signed"))],
    },
    "signature_invalid": {
        "The two keys differ": [Asked(headers=signed_in(key=KEY_UNKNOWN)), Asked(headers=signed_in(key=base64url(KEY_CURRENT).encode()))],
        "Somebody made the token up, or changed it": [Asked(headers=cookie(token()[:-4] + "AAAA"))],
    },
    "key_retired": {"`retire_at` has passed": [Asked(headers=signed_in(key=KEY_RETIRED, key_id="retired"))]},
    "claims_malformed": {
        "No `exp`": [Asked(headers=signed_in(exp=None))],
        "A claim of another type": [Asked(headers=cookie(handmade('{"alg":"HS256","kid":"current"}', claims))) for claims in
                                    ('{"sub":42,"exp":1}', '{"sub":"ana","exp":"tomorrow"}', '{"sub":"ana","exp":1,"aud":[7]}')],
        "A subject that cannot be one": [Asked(headers=signed_in(sub="x" * 257)), Asked(headers=signed_in(sub="a\nb"))],
    },
    "issuer_not_allowed": {"`iss` is not `issuer`, to the letter": [Asked(headers=signed_in(iss=PORTAL + "/"))]},
    "audience_not_allowed": {
        "`aud` lacks the `/` at the end, or is the name": [Asked(headers=signed_in(aud="https://report.example.org")),
                                                          Asked(headers=signed_in(aud="report"))],
        "A pass for another dashboard": [Asked(headers=cookie(token("tools"))), passed("/", "tools")],
    },
    "session_not_yet_valid": {"The clocks differ": [Asked(headers=signed_in(iat=NOW + 60)), Asked(headers=signed_in(nbf=NOW + 60))]},
    "session_expired": {
        "The session has ended": [Asked(headers=signed_in(iat=NOW - 600, exp=NOW - 60))],
        "`max_lifetime_seconds` is shorter than the session": [Asked(headers=signed_in(iat=NOW - 43300, exp=NOW + 600))],
        "A Bokeh page was left open": [upgrade(("sec-websocket-protocol", f"bokeh, {bokeh_token(expiration=-60)}"), host="bokeh")],
    },
    "session_lifetime_too_long": {"The portal signs for longer than allowed": [Asked(headers=signed_in(exp=NOW + 50000))]},
    "subject_missing": {
        "A visitor who has not logged in to the app": [Asked("flask.example.org", headers=[("cookie", f"session={flask_cookie(theme='dark')}")])],
        "A token without `sub`, where the URL names the subject": [Asked("ana.hub.example.org", headers=signed_in("hub", sub=None))],
    },
    "subject_not_owner": {
        "Somebody opened another one's address": [Asked("ana.hub.example.org", headers=signed_in("hub", sub="ben"))],
        "The label is spelt otherwise": [Asked("ada.hub.example.org", headers=signed_in("hub", sub="Ada"))],
    },
    "session_not_named": {
        "The address of another session": [Asked("old.runs.example.org", headers=signed_in("runs", sid="new", backend="10.20.0.17:43210"))],
        "The token has no `sid`": [Asked("new.runs.example.org", headers=signed_in("runs", backend="10.20.0.17:43210"))],
    },
    "subject_not_allowed": {
        "Neither the subject nor a group of it is listed": [Asked("team.example.org", headers=signed_in("team", groups=["guests"]))],
        "The groups are elsewhere in the token": [Asked("team.example.org", headers=signed_in("team", realm_access={"roles": ["staff"]}))],
    },
    "backend_missing": {"The token has no `backend`": [Asked("new.runs.example.org", headers=signed_in("runs", sid="new"))]},
    "backend_malformed": {
        "A URL instead of an address": [Asked("new.runs.example.org", headers=signed_in("runs", sid="new", backend="http://10.20.0.17:43210/"))],
        "No port": [Asked("new.runs.example.org", headers=signed_in("runs", sid="new", backend="10.20.0.17"))],
    },
    "backend_not_allowed": {
        "Outside the list": [Asked("new.runs.example.org", headers=signed_in("runs", sid="new", backend=backend))
                             for backend in ("10.21.0.17:43210", "10.20.0.17:80")],
        "Loopback, link-local and metadata addresses": [Asked("new.runs.example.org", headers=signed_in("runs", sid="new", backend=backend))
                                                        for backend in ("127.0.0.1:43210", "169.254.169.254:8080")],
    },
    "connect_issue_time_missing": {"The pass has no `iat`": [passed(iat=None)]},
    "connect_token_stale": {
        "The pass was made too early": [passed(iat=NOW - 300)],
        "The portal's clock is behind": [passed(iat=NOW - 121)],
    },
    "connect_token_too_long": {"Name and token are over 4,096 bytes": [passed(groups=LONG)]},
}
