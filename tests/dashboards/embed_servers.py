"""Two Flask pages, each with the Bokeh server whose app it embeds, and all their entries in the policy.

desk and report share a site, dash.test. news is a site of its own, press.test, and embeds chart.
"""

import sys
from pathlib import Path

from dashboards import SIGNED, Dashboard
from stack import ROOT, Stack

HERE = Path(__file__).resolve().parent
APP = "/bokeh_app"
# The stream must outlive the token that opened it: with a token that is still good BokehJS just opens the next stream.
STREAM_SECONDS = 7
TOKEN_SECONDS = 4


def run_page(name: str, app: str, credentials: str):
    """What starts the Flask page `name` that embeds the app of the Bokeh server `app`."""

    def run(stack: Stack) -> None:
        command = [
            sys.executable, str(HERE / "embed_page.py"), str(stack.ports[name]), stack.origin(app) + APP, credentials
        ]
        stack.run(name, command, SIGNED | {"BOKEH_SECRET_KEY": stack.secrets.bokeh})

    return run


def run_bokeh(name: str, page: str, *more: str):
    """What starts the Bokeh server `name` whose app the page embeds."""

    def run(stack: Stack) -> None:
        command = [
            sys.executable, "-m", "bokeh", "serve", str(ROOT / "demo/bokeh_app"),
            "--address", "127.0.0.1", "--port", str(stack.ports[name]),
            "--session-ids", "external-signed",
            # The embedding page's host, not this server's: that is where the browser says it comes from.
            "--allow-websocket-origin", stack.origin(page).removeprefix("https://"),
            "--use-xheaders",
            "--disable-index",
            "--exclude-headers", "Authorization", "Cookie",
            "--exclude-cookies", "sso",  # an example; the gate's own never get here
            *more,
        ]
        stack.run(name, command, SIGNED | {"BOKEH_SECRET_KEY": stack.secrets.bokeh})

    return run


def name_the_origin(routes: list[dict], _clusters: list[dict]) -> None:
    """Has Envoy name the embedding page where Bokeh, which saw no cookie, allows every Origin.

    A browser does not show a page the answer to a request with cookies where that is allowed to `*`.
    """
    routes[-1]["response_headers_to_add"] = [{
        "header": {"key": "access-control-allow-origin", "value": "%REQ(ORIGIN)%"},
        "append_action": "OVERWRITE_IF_EXISTS",
    }]


def embedded(page: str) -> dict:
    """What the policy says of an app that this page embeds, however it gets its session."""
    return {
        "origins": [page],
        "public": ["/static/"],
        "preflight": {"methods": ["GET"], "headers": ["bokeh-session-id"]},
    }


DESK = Dashboard(
    "desk", "Desk", "A page that embeds.", run_page("desk", "report", "with-credentials"),
    policy={"open": True}, domain="dash.test",
)
REPORT = Dashboard(
    "report", "Report", "The app that desk embeds.", run_bokeh("report", "desk"), APP, bokeh=True,
    policy={
        "sessions": ["portal", "bokeh"], "require": "all", "keep": ["bokeh"], **embedded("https://desk.dash.test:8443"),
    },
    domain="dash.test", arrange=name_the_origin,
)
NEWS = Dashboard(
    "news", "News", "A page elsewhere that embeds.", run_page("news", "chart", "without-credentials"),
    policy={"open": True}, domain="press.test",
)
CHART = Dashboard(
    "chart", "Chart", "The app that news embeds.",
    run_bokeh("chart", "news", "--session-token-expiration", str(TOKEN_SECONDS)), APP, bokeh=True,
    policy={"sessions": ["embedded"], "keep": ["embedded"], **embedded("https://news.press.test:8443")},
    domain="dash.test",
    kinds={"embedded": {"format": "bokeh", "keys": ["bokeh"], "max_stream_seconds": STREAM_SECONDS}},
)
