"""The slider, moved by Bokeh's own client library through the gate, in a process of its own.

Bokeh's client takes no headers, no certificates and no addresses; all are set for the whole process, hence one apart.
"""

import functools
import json
import os
import subprocess
import sys
import time

SECONDS = 60
ANSWER_SECONDS = 10


def move_slider(stack, cookie: str, value: float) -> tuple[str, str]:
    """Moves the slider of a fresh session; returns what the app said before and after."""
    settings = {
        "url": stack.origin("bokeh") + "/bokeh_app", "origin": stack.origin("bokeh"), "cookie": cookie, "value": value,
        "authority": str(stack.authority),
    }
    environment = {
        "PATH": os.environ.get("PATH", ""), "HOME": os.environ.get("HOME", ""),
        "BOKEH_SECRET_KEY": stack.secrets.bokeh, "BOKEH_SIGN_SESSIONS": "yes",
    }
    done = subprocess.run(
        [sys.executable, __file__], input=json.dumps(settings), env=environment, capture_output=True, text=True,
        timeout=SECONDS, check=False,
    )
    if done.returncode != 0:
        raise RuntimeError("bokeh.client failed: " + (done.stderr.strip().splitlines() or ["no message"])[-1])
    before, after = json.loads(done.stdout)
    return before, after


def main() -> None:
    """Reads the settings, moves the slider, prints both answers."""
    import bokeh.client.connection
    from bokeh.client import pull_session
    from bokeh.util.token import generate_session_id
    from tornado.netutil import Resolver

    settings = json.load(sys.stdin)
    Resolver.configure(
        "tornado.netutil.OverrideResolver", resolver=Resolver(), mapping={"bokeh.localhost": "127.0.0.1"}
    )
    bokeh.client.connection.HTTPRequest = functools.partial(
        bokeh.client.connection.HTTPRequest, ca_certs=settings["authority"],
        headers={"Origin": settings["origin"], "Cookie": settings["cookie"]},
    )
    session = pull_session(generate_session_id(signed=True), url=settings["url"])
    before = after = _answer(session)
    session.document.get_model_by_name("amplitude").value = settings["value"]
    # A client without a loop of its own applies no patches; it asks for the document again.
    deadline = time.monotonic() + ANSWER_SECONDS
    while after == before and time.monotonic() < deadline:
        session.pull()
        after = _answer(session)
    session.close()
    print(json.dumps([before, after]))


def _answer(session) -> str:
    return session.document.get_model_by_name("answer").text


if __name__ == "__main__":
    main()
