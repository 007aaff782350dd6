"""Serves the Flask portal with the documentation's connect page."""

import connect  # noqa: F401: it adds its page to the app
from portal import app
from werkzeug.serving import make_server

server = make_server("127.0.0.1", 0, app, threaded=True)
print(server.port, flush=True)
server.serve_forever()
