"""A real Bokeh app: a slider that bends a curve and writes what it computed, and a plot that streams."""

import math
import random

from bokeh.layouts import column, row
from bokeh.models import ColumnDataSource, Div, Slider
from bokeh.plotting import curdoc, figure

POINTS = [step * 4 * math.pi / 200 for step in range(201)]
STREAM_MILLISECONDS = 250
STREAM_KEPT = 200

curve = ColumnDataSource({"x": POINTS, "y": [math.sin(x) for x in POINTS]})
curve_plot = figure(title="A curve bent by the slider", height=320, width=480, y_range=(-10, 10))
curve_plot.line("x", "y", source=curve, line_width=2)

# The text is computed here, in the server: whoever sees it change knows that the slider's value came all the way up
# and the answer all the way down.
answer = Div(text="amplitude 1", name="answer")
slider = Slider(start=0, end=10, value=1, step=0.5, title="Amplitude", name="amplitude")

stream = ColumnDataSource({"step": [], "value": []}, name="stream")
stream_plot = figure(title="A streaming random walk", height=320, width=480)
stream_plot.line("step", "value", source=stream, line_width=2)
walk = {"step": 0, "value": 0.0}


def bend(_attribute, _old, new):
    """Redraws the curve for the slider's new value."""
    curve.data = {"x": POINTS, "y": [new * math.sin(x) for x in POINTS]}
    answer.text = f"amplitude {new:g}"


def advance():
    """Streams one more point."""
    walk["step"] += 1
    walk["value"] += random.gauss(0, 1)
    stream.stream({"step": [walk["step"]], "value": [walk["value"]]}, rollover=STREAM_KEPT)


slider.on_change("value", bend)
document = curdoc()
document.title = "Bokeh behind dashgate"
document.add_root(row(column(slider, answer, curve_plot), stream_plot))
document.add_periodic_callback(advance, STREAM_MILLISECONDS)
