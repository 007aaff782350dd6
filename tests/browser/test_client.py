"""Bokeh's own client library, which is no browser, through the gate."""

import bokeh_client
import pytest


def test_bokeh_client_moves_the_slider_with_a_session(stand):
    cookie = f"__Host-dashgate-bokeh={stand.token('bokeh')}"
    assert bokeh_client.move_slider(stand.stack, cookie, 4) == ("amplitude 1", "amplitude 4")


def test_bokeh_client_is_refused_without_a_session(stand):
    since, forwarded = stand.log_size(), stand.forwarded("bokeh")
    with pytest.raises(RuntimeError, match="bokeh.client failed"):
        bokeh_client.move_slider(stand.stack, "other=1", 4)
    line = stand.logged(since, lambda line: line["path"] == "/bokeh_app/ws")
    assert (line["response_code"], line["dashgate_reason"]) == (401, "session_missing")
    assert stand.forwarded("bokeh") == forwarded
