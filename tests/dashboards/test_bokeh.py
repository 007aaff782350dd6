"""Bokeh behind the gate: what it lets in by itself. What a person sees of it is tested with the demo."""

import bokeh_probes
from dashboards import BOKEH, Dashboard

DASHBOARDS: list[Dashboard] = [BOKEH]

EXPECTED = bokeh_probes.EXPECTED


def test_the_same_requests_at_its_own_port_and_at_the_gate(stand):
    assert bokeh_probes.measure(stand, "bokeh", "/bokeh_app") == EXPECTED
