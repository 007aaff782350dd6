"""A real Panel app: a slider that changes a text and a plot in the server, and what came with the request."""

import math

import panel
from bokeh.models import ColumnDataSource
from bokeh.plotting import figure

POINTS = [step * 4 * math.pi / 200 for step in range(201)]

panel.extension()

wave = ColumnDataSource({"x": POINTS, "y": [math.sin(x) for x in POINTS]}, name="wave")
plot = figure(title="A wave bent by the slider", height=300, width=480, y_range=(-10, 10))
plot.line("x", "y", source=wave, line_width=2)
slider = panel.widgets.FloatSlider(name="Height", start=0, end=10, value=1, step=0.5)
answer = panel.pane.Str("height 1")
# Whom the gate let in, and the names of the cookies that came this far.
subject = panel.pane.Str(f"for {panel.state.headers.get('X-Dashgate-Subject')}")
cookies = panel.pane.Str(f"cookies: {' '.join(sorted(panel.state.cookies)) or 'none'}")


def bend(event) -> None:
    """Computes text and wave anew: whoever sees them change knows that the value came up and the answer down."""
    wave.data = {"x": POINTS, "y": [event.new * math.sin(x) for x in POINTS]}
    answer.object = f"height {event.new:g}"


slider.param.watch(bend, "value")
panel.Column(subject, cookies, slider, answer, plot).servable(title="Panel behind dashgate")
