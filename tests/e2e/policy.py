"""The policy under test: one dashboard for every setting whose effect can be seen from outside."""

from __future__ import annotations

import copy

LOGIN = "https://portal.example.org/login"

# A dashboard's name and the host and path it has. Each has a host of its own, but for the two that share one.
PLACES = {
    "portal": ("portal.example.org", "/"),
    "training": ("training.example.org", "/"),
    "other": ("other.example.org", "/"),
    "report": ("report.example.org", "/"),
    "either": ("either.example.org", "/"),
    "bokeh": ("bokeh.example.org", "/"),
    "partners": ("partners.example.org", "/"),
    "embedded": ("embedded.example.org", "/"),
    "tools": ("tools.example.org", "/"),
    "lenient": ("lenient.example.org", "/"),
    "brief": ("brief.example.org", "/"),
    "bounded": ("bounded.example.org", "/"),
    "first": ("shared.example.org", "/first/"),
    "inner": ("shared.example.org", "/first/inner/"),
    "second": ("shared.example.org", "/second/"),
    "ported": ("ported.example.org:9443", "/"),
    "flask": ("flask.example.org", "/"),
    "tornado": ("tornado.example.org", "/"),
    "streamlit": ("streamlit.example.org", "/"),
    "jupyter": ("jupyter.example.org", "/"),
    "django": ("django.example.org", "/"),
    "hub": ("{subject}.hub.example.org", "/"),
    "users": ("users.example.org", "/user/{subject}/"),
    "team": ("team.example.org", "/"),
    "runs": ("{session}.runs.example.org", "/"),
}

POLICY = {
    "keys": [
        {"id": "current", "env": "DASHGATE_E2E_CURRENT", "encoding": "base64url"},
        {"id": "older", "env": "DASHGATE_E2E_OLDER", "encoding": "hex"},
        {"id": "retired", "env": "DASHGATE_E2E_RETIRED", "encoding": "base64", "retire_at": "2026-01-01T00:00:00Z"},
        {"id": "bokeh", "env": "DASHGATE_E2E_BOKEH", "encoding": "utf8"},
        {"id": "app", "env": "DASHGATE_E2E_APP", "encoding": "utf8"},
        {"id": "jupyter", "env": "DASHGATE_E2E_JUPYTER", "encoding": "base64"},
    ],
    "sessions": {
        "portal": {"format": "jwt", "keys": ["current", "older", "retired"], "issuer": "https://portal.example.org",
                   "carriers": ["cookie", "bearer", "subprotocol"], "clock_skew_seconds": 30,
                   "max_lifetime_seconds": 43200},
        "brief": {"format": "jwt", "keys": ["current"], "issuer": "https://portal.example.org",
                  "carriers": ["cookie", "bearer", "subprotocol"], "clock_skew_seconds": 0,
                  "max_lifetime_seconds": 3600},
        "bounded": {"format": "jwt", "keys": ["current"], "issuer": "https://portal.example.org",
                    "carriers": ["cookie"], "clock_skew_seconds": 0, "max_lifetime_seconds": 3600,
                    "max_stream_seconds": 1},
        "bokeh": {"format": "bokeh", "keys": ["bokeh"], "max_stream_seconds": 43200},
        "flask": {"format": "flask", "keys": ["app"], "cookie": "flask_session", "subject_from": "user_id"},
        "tornado": {"format": "tornado", "keys": ["app"], "cookie": "tornado_session", "subject_from": "."},
        "streamlit": {"format": "streamlit", "keys": ["app"], "subject_from": "email", "chunks": True},
        "jupyter": {"format": "jupyter", "keys": ["jupyter"], "cookie": "username-jupyter-example-org",
                    "password_env": "DASHGATE_E2E_PASSWORD", "subject_from": "username"},
        "django": {"format": "django_cookie", "keys": ["app"], "cookie": "who", "salt_form": "legacy", "subject_from": "."},
    },
    "connect": {"from": ["https://portal.example.org"], "login_url": LOGIN, "max_token_age_seconds": 120, "form": True},
    "reason_header": True,
    "dashboards": [
        {"name": "portal", "open": True},
        {"name": "training", "sessions": ["portal"]},
        {"name": "other", "sessions": ["portal"], "identity_headers": []},
        {"name": "report", "sessions": ["portal", "bokeh"], "require": "all", "keep": ["bokeh"],
         "public": ["/static/"]},
        {"name": "either", "sessions": ["portal", "bokeh"]},
        {"name": "bokeh", "sessions": ["bokeh"], "keep": ["bokeh"], "public": ["/static/"]},
        {"name": "partners", "sessions": ["portal"],
         "origins": ["https://portal.example.org", "https://*.lab.example.org", "https://app.example.org:8443"],
         "preflight": {"methods": ["GET", "POST"], "headers": ["content-type", "x-reading"], "max_age_seconds": 600}},
        {"name": "embedded", "sessions": ["portal"], "embed_from": ["https://portal.example.org"]},
        {"name": "tools", "sessions": ["portal"], "missing_origin": "allow_with_bearer", "null_origin": "allow"},
        {"name": "lenient", "sessions": ["portal"], "missing_origin": "allow",
         "identity_headers": ["subject", "session", "dashboard", "expires"]},
        {"name": "brief", "sessions": ["brief"]},
        {"name": "bounded", "sessions": ["bounded"]},
        {"name": "first", "sessions": ["portal"], "shared_origin": True},
        {"name": "inner", "sessions": ["portal"], "shared_origin": True},
        {"name": "second", "sessions": ["portal"], "shared_origin": True},
        {"name": "ported", "sessions": ["portal"]},
        {"name": "flask", "sessions": ["flask"]},
        {"name": "tornado", "sessions": ["tornado"], "keep": ["tornado"]},
        {"name": "streamlit", "sessions": ["streamlit"]},
        {"name": "jupyter", "sessions": ["jupyter"]},
        {"name": "django", "sessions": ["django"]},
        {"name": "hub", "sessions": ["portal"]},
        {"name": "users", "sessions": ["portal"], "shared_origin": True},
        {"name": "team", "sessions": ["portal"], "subjects": ["eve"], "groups": ["staff"]},
        {"name": "runs", "sessions": ["portal"], "backends": [
            {"network": "127.0.0.1", "ports": "1024-65535"}, {"network": "10.0.0.0/8", "ports": "80"}]},
    ],
}


def host_of(dashboard: str) -> str:
    return PLACES[dashboard][0]


def origin_of(dashboard: str) -> str:
    return f"https://{PLACES[dashboard][0]}"


def path_of(dashboard: str) -> str:
    return PLACES[dashboard][1]


def dashboard_url(dashboard: str) -> str:
    host, path = PLACES[dashboard]
    return f"https://{host}{path}"


def policy(**changes: object) -> dict:
    """The policy as the filter gets it, each dashboard with its URL, some top-level settings changed."""
    whole = copy.deepcopy(POLICY)
    for dashboard in whole["dashboards"]:
        dashboard.setdefault("url", dashboard_url(dashboard["name"]))
    whole.update(changes)
    return whole


def only(*names: str, **changes: object) -> dict:
    """The policy with these dashboards alone."""
    whole = policy(**changes)
    whole["dashboards"] = [dashboard for dashboard in whole["dashboards"] if dashboard["name"] in names]
    return whole
