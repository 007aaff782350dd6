"""A real stack, the sites that are none of its own, and what Envoy says of both: its access log and its counters."""

import json
import re
import shutil
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import quote, urlencode

import jwt
from playwright.sync_api import Page

from dashboards import BOKEH, TENSORBOARD, Dashboard
from foreign import Foreign, sibling
from stack import ROOT, Stack

SCREENSHOTS = ROOT / "target/screenshots"
SECONDS = 20
# The policy allows this much clock skew past `exp`; a session made short counts on it.
SKEW_SECONDS = 30


class Stand:
    """The stack on free ports, the demo's where no other dashboards are named, with foreign sites beside it."""

    def __init__(self, wasm: Path, dashboards: Sequence[Dashboard] = (BOKEH, TENSORBOARD)):
        self.directory = Path(tempfile.mkdtemp(prefix="browser-", dir=ROOT / "target"))
        self.stack = Stack(self.directory, wasm, usual_ports=False, dashboards=dashboards)
        self.foreign = Foreign(self.directory / "foreign-tls", [sibling(dashboard.host) for dashboard in dashboards])

    def start(self) -> None:
        """Starts the stack and returns when it answers."""
        self.stack.start(lambda _text: None)

    def stop(self) -> None:
        """Stops everything and removes what it wrote."""
        self.stack.stop()
        self.foreign.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def certificates(self) -> list[Path]:
        """Those that the browser is to trust."""
        return [self.directory / "tls/certificate.pem", self.foreign.certificate]

    def token(self, name: str, subject: str = "ana", **changed) -> str:
        """A session as the portal signs it, with some claims changed."""
        now = int(time.time())
        claims = {
            "iss": self.stack.origin("portal"), "aud": self.stack.url(name), "sub": subject, "iat": now,
            "exp": now + 3600, "jti": str(uuid.uuid4()),
        } | changed
        return jwt.encode(claims, self.stack.secrets.key, algorithm="HS256", headers={"kid": self.stack.key_id})

    def link(self, name: str, token: str, onward: str) -> str:
        """A connect link."""
        return f"{self.stack.origin(name)}/.dashgate/connect#token={quote(token)}&next={quote(onward, safe='')}"

    def bokeh_id(self) -> str:
        """A fresh session id, signed by Bokeh's own function."""
        from bokeh.util.token import generate_session_id

        return generate_session_id(secret_key=self.stack.secrets.bokeh.encode(), signed=True)

    def bokeh_path(self, page: str = "/bokeh_app") -> str:
        """A page of Bokeh's server with a fresh session id."""
        return f"{page}?" + urlencode({"bokeh-session-id": self.bokeh_id()})

    def log_size(self) -> int:
        """Where Envoy's access log ends now."""
        return self.stack.processes.log("envoy").stat().st_size

    def logged(self, since: int, wanted: Callable[[dict], bool]) -> dict:
        """The first line of Envoy's access log from `since` on that is wanted; waits until Envoy has written it."""
        found: list[dict] = []
        path = self.stack.processes.log("envoy")

        def look() -> bool:
            written = path.read_bytes()[since:].decode(errors="replace").splitlines()
            lines = [json.loads(line) for line in written if line.startswith("{") and line.endswith("}")]
            found[:] = [line for line in lines if wanted(line)]
            return bool(found)

        until(look, "a line in Envoy's access log")
        return found[0]

    def printed(self) -> str:
        """All that the stack has printed up to now, Envoy's access log included."""
        marker = f"/marker-{uuid.uuid4()}"
        request = urllib.request.Request(f"http://127.0.0.1:{self.stack.ports['redirect']}{marker}", method="HEAD")
        try:
            urllib.request.build_opener(_Stay).open(request, timeout=SECONDS).close()
        except urllib.error.HTTPError as answer:
            answer.close()
        self.logged(0, lambda line: line["path"] == marker)
        logs = sorted(self.stack.processes.log_directory.glob("*.log"))
        return "\n".join(path.read_text(errors="replace") for path in logs)

    def metrics(self) -> str:
        """What Envoy counts now, in Prometheus' words."""
        url = f"http://127.0.0.1:{self.stack.ports['metrics']}/stats/prometheus"
        with urllib.request.urlopen(url, timeout=SECONDS) as answer:
            return answer.read().decode()

    def forwarded(self, name: str) -> int:
        """How many requests Envoy has ever sent to a dashboard."""
        pattern = rf'^envoy_cluster_upstream_rq_total\{{envoy_cluster_name="{name}"\}} (\d+)$'
        counted = re.search(pattern, self.metrics(), re.MULTILINE)
        assert counted, f"Envoy counts no requests to {name}"
        return int(counted[1])


class _Stay(urllib.request.HTTPRedirectHandler):
    """Follows no redirect."""

    def redirect_request(self, *_arguments) -> None:
        """Leaves it."""


def until(condition: Callable[[], bool], what: str, seconds: float = SECONDS) -> None:
    """Waits for a condition, not longer than so many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds} s in vain for {what}"
        time.sleep(0.05)


def photograph(page: Page, name: str) -> None:
    """Keeps a picture of the page for people to look at."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png")
