"""A real Flask page that embeds an app of a Bokeh server elsewhere. The key that signs ids comes in the environment."""

import sys

from bokeh.embed import server_document, server_session
from bokeh.util.token import generate_session_id
from flask import Flask, render_template_string
from werkzeug.serving import make_server

PAGE = """<!doctype html><meta charset=utf-8><link rel=icon href=data:,><title>A page of its own</title>
<h1>A page of its own</h1>{{ script | safe }}"""


def make_page(app_url: str, with_credentials: bool) -> Flask:
    """The page for an app. `with_credentials`: whether the browser is to send the gate's cookie along."""
    page = Flask(__name__, static_folder=None)

    @page.after_request
    def keep_nothing(response):
        response.headers["Cache-Control"] = "no-store"  # the page holds a live session id
        return response

    @page.get("/")
    def embedded():
        signed = generate_session_id(signed=True)  # a fresh one for each showing: whoever has it shares the session
        return render_template_string(
            PAGE, script=server_session(url=app_url, session_id=signed, with_credentials=with_credentials)
        )

    @page.get("/without-id")
    def without_id():
        return render_template_string(PAGE, script=server_document(app_url, with_credentials=with_credentials))

    return page


if __name__ == "__main__":
    port, app_url, credentials = sys.argv[1:]
    page = make_page(app_url, credentials == "with-credentials")
    make_server("127.0.0.1", int(port), page, threaded=True).serve_forever()
