"""A dashboard in Flask that answers with whose session it is."""

from flask import Flask, request
from werkzeug.serving import make_server

app = Flask(__name__)


@app.get("/")
def whose():
    # the documentation's lines
    return subject


server = make_server("127.0.0.1", 0, app, threaded=True)
print(server.port, flush=True)
server.serve_forever()
