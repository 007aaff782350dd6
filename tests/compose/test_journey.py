"""The demo's journey, in the same browser and by the same client, through the containers: these are the demo's own tests."""

import smoke
from test_connect import (  # noqa: F401
    test_a_connect_form_leaves_no_token_in_the_address_bar_the_tab_s_history_or_any_log,
    test_a_page_elsewhere_cannot_post_a_connect_form,
)
from test_dashboards import (  # noqa: F401
    test_a_dashboard_without_a_session_leads_to_login_and_back_to_the_dashboard,
    test_a_slider_move_changes_what_the_server_answers,
    test_tensorboard_draws_its_scalars,
    test_the_streaming_plot_advances,
    test_the_websocket_runs_over_http_2,
)
from test_jupyterlab import (  # noqa: F401
    test_a_cell_runs,
    test_a_terminal_answers,
    test_the_kernel_s_websocket_ends_with_the_session,
)
from test_panel import (  # noqa: F401
    test_the_app_learns_whom_it_serves_and_sees_only_cookies_that_are_not_the_gate_s,
    test_the_page_draws_and_a_slider_move_changes_what_the_server_answers,
)


def test_the_demo_s_client_finds_every_verdict_as_at_the_demo(stand, capsys):
    """Permits and refusals, over HTTP, HTTP/1.1 upgrades and HTTP/2 extended CONNECT."""
    # This portal starts no dashboards, and of Envoy's ports one is published.
    code = smoke.run(stand.stack, without=("runs", "edge"))
    assert code == 0, capsys.readouterr().out

