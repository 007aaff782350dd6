"""TensorBoard behind the gate: what it lets in by itself. What a person sees of it is tested with the demo."""

from dataclasses import replace

import probes
from dashboards import TENSORBOARD, Dashboard
from probes import Door, Probe

DASHBOARDS: list[Dashboard] = [TENSORBOARD]
FOREIGN = "https://evil.test"
FORM = ("Content-Type: multipart/form-data; boundary=x",)
REQUESTS = (
    '--x\r\nContent-Disposition: form-data; name="requests"\r\n\r\n'
    '[{"plugin":"scalars","tag":"loss"}]\r\n--x--\r\n'
)

MORE: dict[str, Probe] = {
    "a preflight from a foreign Origin": lambda good: replace(
        good, method="OPTIONS", origin=FOREIGN, cookies=(), lines=("Access-Control-Request-Method: GET",)
    ),
    "OPTIONS that is no preflight": lambda good: replace(good, method="OPTIONS", cookies=()),
    "the path in disguise: /data/%72uns": lambda good: replace(good, door=Door("/data/%72uns"), cookies=()),
    "a form posted from a foreign Origin": lambda good: replace(
        good, door=Door("/data/plugin/timeseries/timeSeries"), method="POST", origin=FOREIGN, lines=FORM, body=REQUESTS
    ),
}

EXPECTED: probes.Table = {
    "everything in order": ("200", "200"),
    "no credential at all": ("200", "401 session_missing"),
    "credentials in the query only": ("200", "401 session_missing"),
    "no Origin": ("200", "200"),
    "a foreign Origin": ("200", "403 origin_not_allowed"),
    "a foreign Origin with Sec-Fetch-Site: same-origin": ("200", "403 origin_not_allowed"),
    "a foreign Host with the Origin to match (DNS rebinding)": ("200", "404 dashboard_not_found"),
    "each cookie twice: good, then bad": ("200", "403 credential_repeated"),
    "each cookie twice: bad, then good": ("200", "403 credential_repeated"),
    "a preflight from a foreign Origin": ("200", "403 origin_not_allowed"),
    "OPTIONS that is no preflight": ("200", "401 session_missing"),
    "the path in disguise: /data/%72uns": ("200", "401 session_missing"),
    "a form posted from a foreign Origin": ("200", "403 origin_not_allowed"),
}


def test_the_same_requests_at_its_own_port_and_at_the_gate(stand):
    assert probes.measure(stand, "tensorboard", [Door("/data/runs")], MORE) == EXPECTED
