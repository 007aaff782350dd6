"""A portal in Flask, all but its connect page: whoever signs in is who they say they are."""

import os

from flask import Flask, request, session

app = Flask(__name__, template_folder=".")
app.secret_key = os.environ["PORTAL_SECRET"]


@app.post("/login")
def login():
    session["user"] = request.form["user"]
    return "", 204
