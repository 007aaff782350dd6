"""Rules 21 to 24: Origin and Sec-Fetch. A good session alone is not enough when another page sends it."""

import pytest

from sessions import session
from stage import bearer, cookie, plain_ways, subprotocol, upgrade_ways, ways

FOREIGN = [
    "https://evil.example", "http://training.example.org", "https://training.example.org:8443", "https://training.example.org:443",
    "https://training.example.org.", "https://training.example.org/", "https://TRAINING.example.org", "HTTPS://training.example.org",
    "https://training.example.org.evil.example", "https://training.example.or", "https://eviltraining.example.org",
    "https://x.training.example.org", "https://example.org", "https://other.example.org", "https://portal.example.org",
    "https://someone@training.example.org", "training.example.org", "//training.example.org", "file://", "https://",
    "chrome-extension://abcdefghijklmnop", "http://localhost:8000", "https://127.0.0.1", "https://[::1]", "https://xn--training-.example.org",
    "https://training.example.org#", "https://training.example.org?x", "https://training.example.org https://evil.example", "*", "",
]


@ways
@pytest.mark.parametrize("origin", FOREIGN)
def test_rule_21_refuses_every_origin_but_the_own(gate, way, origin):
    gate.refuses(way, "origin_not_allowed", 403, headers=cookie("training", session("training")), origin=origin)


@ways
@pytest.mark.parametrize("origin", [b"https://training.example.org\xff", b"https://training.example.org\x85", b"\xff"])
def test_rule_21_refuses_an_origin_of_odd_bytes(gate, way, origin):
    gate.refuses(way, "origin_not_allowed", 403, headers=cookie("training", session("training")), origin=origin)


@ways
def test_rule_21_refuses_two_origins_and_a_comma(gate, way):
    """Envoy joins two Origin lines with a comma (CVE-2026-26308's kin): either way it is more than one."""
    own = "https://training.example.org"
    token = cookie("training", session("training"))
    for lines in ([("origin", "https://evil.example")], [("origin", own)], [("origin", "null")]):
        gate.refuses(way, "origin_repeated", 403, headers=[*lines, *token])
    for joined in (f"{own},{own}", f"{own}, https://evil.example", f"{own},", f",{own}"):
        gate.refuses(way, "origin_repeated", 403, headers=token, origin=joined)


@upgrade_ways
def test_rule_21_an_upgrade_needs_an_origin(gate, way):
    gate.refuses(way, "origin_missing", 403, headers=cookie("training", session("training")), origin=None)
    gate.refuses(way, "origin_missing", 403, headers=subprotocol(session("training")), origin=None)


@plain_ways
def test_rule_21_a_method_that_changes_things_needs_an_origin(gate, way):
    token = cookie("training", session("training"))
    for method in ("POST", "PUT", "PATCH", "DELETE", "PROPFIND"):
        gate.refuses(way, "origin_missing", 403, method=method, headers=token, origin=None, body=b"")
        gate.permits(way, method=method, headers=token, body=b"")
    for method in ("GET", "HEAD", "OPTIONS"):
        gate.permits(way, method=method, headers=token, origin=None)


@ways
@pytest.mark.parametrize("origin", ["https://portal.example.org", "https://app.example.org:8443", "https://one.lab.example.org",
                                    "https://partners.example.org", "https://a-1.lab.example.org"])
def test_rule_21_listed_origins_pass(gate, way, origin):
    arrived = gate.permits(way, "partners", headers=cookie("partners", session("partners")), origin=origin)
    assert arrived.values("origin") == [origin]


@ways
@pytest.mark.parametrize("origin", [
    "https://lab.example.org", "https://a.b.lab.example.org", "https://.lab.example.org", "https://*.lab.example.org",
    "https://evil.example/.lab.example.org", "https://xlab.example.org", "https://one.lab.example.org.evil.example",
    "https://one.lab.example.org:8443", "http://one.lab.example.org", "https://one.LAB.example.org", "https://ONE.lab.example.org",
    "https://app.example.org", "https://app.example.org:443", "https://evil@one.lab.example.org", "https://one%2elab.example.org",
    "https://training.example.org",
])
def test_rule_21_a_wildcard_stands_for_one_whole_label(gate, way, origin):
    gate.refuses(way, "origin_not_allowed", 403, "partners", headers=cookie("partners", session("partners")), origin=origin)


@ways
def test_rule_22_null_is_closed_unless_set(gate, way):
    gate.refuses(way, "origin_null", 403, headers=cookie("training", session("training")), origin="null")
    gate.permits(way, "tools", headers=cookie("tools", session("tools")), origin="null")


@upgrade_ways
def test_rule_22_a_missing_origin_is_closed_unless_set(gate, way):
    gate.permits(way, "lenient", headers=cookie("lenient", session("lenient")), origin=None)
    gate.refuses(way, "origin_not_allowed", 403, "lenient", headers=cookie("lenient", session("lenient")), origin="https://evil.example")


@upgrade_ways
def test_rule_23_a_bearer_alone_stands_for_the_missing_origin(gate, way):
    token = session("tools")
    gate.permits(way, "tools", headers=bearer(token), origin=None)
    gate.refuses(way, "origin_missing", 403, "tools", headers=cookie("tools", token), origin=None)
    gate.refuses(way, "origin_missing", 403, "tools", headers=[*bearer(token), *cookie("tools", token)], origin=None)
    gate.answers(way, {401, 403}, "tools", headers=[*bearer("x.y.z"), *cookie("tools", token)], origin=None)
    gate.refuses(way, "origin_missing", 403, "tools", headers=subprotocol(token), origin=None)
    gate.refuses(way, "origin_not_allowed", 403, "tools", headers=bearer(token), origin="https://evil.example")
    gate.refuses(way, "origin_missing", 403, headers=bearer(session("training")), origin=None)


@plain_ways
def test_rule_23_holds_for_posts_too(gate, way):
    token = session("tools")
    gate.permits(way, "tools", headers=bearer(token), origin=None, method="POST", body=b"{}")
    gate.refuses(way, "origin_missing", 403, "tools", headers=cookie("tools", token), origin=None, method="POST", body=b"{}")


def fetched(site, mode, destination, *more):
    return [("sec-fetch-site", site), ("sec-fetch-mode", mode), ("sec-fetch-dest", destination), *more]


@plain_ways
@pytest.mark.parametrize("site", ["cross-site", "same-site", "none", "same-origin"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_rule_24_a_top_level_navigation_passes_from_anywhere(gate, way, site, method):
    headers = fetched(site, "navigate", "document", *cookie("training", session("training")))
    gate.permits(way, headers=headers, origin=None, method=method)


@plain_ways
@pytest.mark.parametrize("site", ["cross-site", "same-site"])
@pytest.mark.parametrize("mode,destination", [("no-cors", "script"), ("no-cors", "image"), ("cors", "empty"), ("navigate", "empty"),
                                              ("no-cors", "document"), ("same-origin", "empty"), ("no-cors", "worker")])
def test_rule_24_another_sites_page_may_fetch_nothing(gate, way, site, mode, destination):
    headers = fetched(site, mode, destination, *cookie("training", session("training")))
    gate.refuses(way, "site_not_allowed", 403, headers=headers, origin=None)
    listed = fetched(site, mode, destination, *cookie("partners", session("partners")))
    gate.permits(way, "partners", headers=listed, origin="https://portal.example.org")
    gate.refuses(way, "site_not_allowed", 403, "partners", headers=listed, origin=None)


@plain_ways
@pytest.mark.parametrize("destination", ["iframe", "frame", "embed", "object"])
def test_rule_24_frames_pass_from_the_own_origin_or_where_embedding_is_allowed(gate, way, destination):
    token = cookie("training", session("training"))
    for site in ("cross-site", "same-site"):
        gate.refuses(way, "frame_not_allowed", 403, headers=fetched(site, "navigate", destination, *token), origin=None)
        gate.permits(way, "embedded", origin=None,
                     headers=fetched(site, "navigate", destination, *cookie("embedded", session("embedded"))))
    gate.permits(way, headers=fetched("same-origin", "navigate", destination, *token), origin=None)


@ways
@pytest.mark.parametrize("lines", [
    [("sec-fetch-site", "elsewhere")], [("sec-fetch-site", "")], [("sec-fetch-site", "Same-Origin")], [("sec-fetch-site", b"\xff")],
    [("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")], [("sec-fetch-site", "same-origin,cross-site")],
    [("sec-fetch-site", "same-origin;x")], [("sec-fetch-site", "cross-site"), ("sec-fetch-site", "same-origin")],
])
def test_rule_24_refuses_fetch_metadata_that_no_browser_sends(gate, way, lines):
    gate.refuses(way, "fetch_metadata_invalid", 403, headers=[*lines, *cookie("training", session("training"))])


@upgrade_ways
def test_rule_24_an_upgrade_is_no_navigation(gate, way):
    headers = fetched("cross-site", "navigate", "document", *cookie("training", session("training")))
    gate.refuses(way, "origin_missing", 403, headers=headers, origin=None)
    gate.refuses(way, "origin_not_allowed", 403, headers=headers, origin="https://evil.example")
