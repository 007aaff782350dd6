"""Rules 14 to 16, 18 to 20: which signed tokens are sessions. The golden vectors test the format; this, that the edge obeys."""

import base64
import json
import time

import pytest

from sessions import (KEY_OLDER, KEY_RETIRED, KEY_UNKNOWN, base64url, bokeh_id, bokeh_token, claims, handmade, handmade_for,
                      session, tampered, unsigned)
from stage import bearer, cookie, is_upgrade, ways

GOOD_HEADER = '{"alg":"HS256","typ":"JWT","kid":"current"}'


def refuses(gate, way, reason, token, status=401, dashboard="training"):
    """The same refusal by cookie and by bearer."""
    gate.refuses(way, reason, status, dashboard, headers=cookie(dashboard, token))
    gate.refuses(way, reason, status, dashboard, headers=bearer(token))


@ways
def test_refuses_a_request_without_a_session(gate, way):
    gate.refuses(way, "session_missing", 401)
    gate.answers(way, 401, headers=[("cookie", "__Host-dashgate-training=")])
    gate.answers(way, 401, headers=[("authorization", "Bearer ")])
    gate.answers(way, 401, headers=[("authorization", "Basic YW5hOnNlY3JldA==")])


@ways
def test_rule_14_refuses_a_tampered_session(gate, way):
    good = session("training")
    refuses(gate, way, "signature_invalid", tampered(good))
    header, payload, signature = good.split(".")
    refuses(gate, way, "signature_invalid", f"{header}.{payload}.{signature[:-4]}AAAA")
    for odd in (f"{header}.{payload}", f"{header}.{payload}.", f"{header}..{signature}", f"{good}.", f"{good}.x", f".{good}",
                f"{header}.{payload}.{signature}=", header, "x", "..", "a.b.c", f"{header}.{payload}.{signature[:-1]}"):
        gate.answers(way, 401, headers=cookie("training", odd))
        gate.answers(way, 401, headers=bearer(odd))


@ways
def test_rule_14_refuses_a_signature_written_in_another_way(gate, way):
    """Base64 with spare bits set decodes to the same bytes in lax decoders."""
    header, payload, signature = session("training").split(".")
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    twin = letters[letters.index(signature[-1]) | 1]
    assert base64.urlsafe_b64decode(signature[:-1] + twin + "=") == base64.urlsafe_b64decode(signature + "=")
    if twin != signature[-1]:
        gate.answers(way, 401, headers=cookie("training", f"{header}.{payload}.{signature[:-1]}{twin}"))


@ways
@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "", "HS256"])
def test_rule_15_refuses_an_unsigned_token(gate, way, algorithm):
    gate.answers(way, 401, headers=cookie("training", unsigned("training", algorithm)))
    gate.answers(way, 401, headers=bearer(unsigned("training", algorithm)))


@ways
@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
def test_rule_15_the_algorithm_is_the_configurations(gate, way, algorithm):
    refuses(gate, way, "algorithm_not_allowed", session("training", algorithm=algorithm, key=KEY_UNKNOWN + KEY_UNKNOWN))
    for name in ("hs256", "RS256", "ES256", "none"):
        refuses(gate, way, "algorithm_not_allowed", handmade_for("training", json.dumps({"alg": name, "kid": "current"})))
    gate.answers(way, 401, headers=cookie("training", handmade_for("training", '{"typ":"JWT"}')))


@ways
@pytest.mark.parametrize("parameter", ["crit", "b64", "zip", "jku", "x5u", "jwk", "x5c"])
def test_rule_15_refuses_header_parameters_that_change_the_meaning(gate, way, parameter):
    header = {"alg": "HS256", "kid": "current", parameter: ["exp"] if parameter == "crit" else "https://evil.example/keys"}
    refuses(gate, way, "header_parameter_not_allowed", handmade_for("training", json.dumps(header)))


@ways
def test_rule_15_the_key_id_is_only_an_index(gate, way):
    refuses(gate, way, "key_unknown", session("training", key_id="unheard-of"))
    refuses(gate, way, "signature_invalid", session("training", key=KEY_UNKNOWN))
    refuses(gate, way, "signature_invalid", session("training", key=KEY_OLDER, key_id="current"))
    for odd in ("../../dev/null", "", "current ", "CURRENT", "current\u0000", "bokeh", "' or 1=1"):
        gate.answers(way, 401, headers=cookie("training", session("training", key_id=odd)))
    gate.answers(way, 401, headers=cookie("training", handmade_for("training", '{"alg":"HS256","kid":1}')))


@ways
def test_rule_20_several_keys_are_valid_at_once_and_a_token_may_name_none(gate, way):
    gate.permits(way, headers=cookie("training", session("training", key=KEY_OLDER, key_id="older")))
    gate.permits(way, headers=cookie("training", session("training", key_id=None)))
    gate.permits(way, headers=cookie("training", session("training", key=KEY_OLDER, key_id=None)))


@ways
def test_rule_20_refuses_a_retired_key(gate, way):
    refuses(gate, way, "key_retired", session("training", key=KEY_RETIRED, key_id="retired"))


@ways
def test_rule_15_refuses_duplicate_json_keys(gate, way):
    usual = json.dumps(claims("training"))
    for double in (usual[:-1] + ',"sub":"root"}', '{"sub":"root",' + usual[1:], usual[:-1] + ',"s\\u0075b":"root"}'):
        gate.answers(way, 401, headers=cookie("training", handmade(GOOD_HEADER, double)))
    gate.answers(way, 401, headers=cookie("training", handmade('{"alg":"HS256","kid":"current","alg":"HS256"}', usual)))


@ways
@pytest.mark.parametrize("payload", ["[]", "null", "1", "{", '"x"', "\ufeff{}", "{} {}", "[" * 500, '{"a":' * 200 + "1" + "}" * 200])
def test_rule_15_refuses_signed_content_that_is_no_object_of_claims(gate, way, payload):
    refuses(gate, way, "claims_malformed", handmade(GOOD_HEADER, payload))


@ways
def test_rule_15_refuses_signed_bytes_that_are_not_utf_8(gate, way):
    usual = json.dumps(claims("training", sub="ana@x")).encode()
    refuses(gate, way, "claims_malformed", handmade(GOOD_HEADER, usual.replace(b"ana@x", b"ana\xff")))
    refuses(gate, way, "claims_malformed", handmade(GOOD_HEADER, usual.decode().encode("utf-16")))


@ways
def test_rule_16_the_audience_must_name_the_dashboard(gate, way):
    for audience in ("https://other.example.org/", "training", "https://training.example.org", "https://TRAINING.example.org/",
                     "https://training.example.org/x", "http://training.example.org/", "https://training.example.org:443/", ""):
        refuses(gate, way, "audience_not_allowed", session("training", aud=audience), status=403)
    gate.answers(way, {401, 403}, headers=cookie("training", session("training", aud=None)))
    gate.answers(way, {401, 403}, headers=cookie("training", session("training", aud=[])))
    gate.permits(way, headers=cookie("training", session("training", aud=["https://x.example/", "https://training.example.org/"])))


@ways
def test_rule_16_the_issuer_is_exact(gate, way):
    for issuer in ("https://evil.example", "https://portal.example.org/", "HTTPS://portal.example.org", "", "https://portal.example.or"):
        refuses(gate, way, "issuer_not_allowed", session("training", iss=issuer))
    gate.answers(way, 401, headers=cookie("training", session("training", iss=None)))
    gate.answers(way, 401, headers=cookie("training", handmade_for("training", iss=["https://portal.example.org"])))


@ways
def test_rule_16_times_are_checked_with_the_skew(gate, way):
    now = int(time.time())
    refuses(gate, way, "session_expired", session("training", iat=now - 600, exp=now - 31))
    gate.permits(way, headers=cookie("training", session("training", iat=now - 600, exp=now - 5)))
    refuses(gate, way, "session_not_yet_valid", session("training", nbf=now + 300))
    refuses(gate, way, "session_not_yet_valid", session("training", iat=now + 300, exp=now + 600))
    gate.permits(way, headers=cookie("training", session("training", nbf=now + 20, iat=now + 20)))
    refuses(gate, way, "session_expired", session("brief", iat=now - 60, exp=now - 1), dashboard="brief")


@ways
def test_rule_16_refuses_a_life_over_the_limit(gate, way):
    now = int(time.time())
    refuses(gate, way, "session_lifetime_too_long", session("training", iat=now, exp=now + 43200 + 60))
    gate.permits(way, headers=cookie("training", session("training", iat=now, exp=now + 43200)))


@ways
@pytest.mark.parametrize("end", [None, "tomorrow", "1e400", True, [], {}, -1, 0])
def test_rule_16_an_end_is_required_and_a_finite_number(gate, way, end):
    gate.answers(way, 401, headers=cookie("training", handmade_for("training", exp=end)))


@ways
@pytest.mark.parametrize("number", ["1e400", "1e30", "99999999999999999999", "NaN", "Infinity", "-0", "01", "1_000", "0x7fffffff",
                                    "4102444800.5e3"])
def test_rule_16_no_odd_number_makes_a_session_everlasting(gate, way, number):
    payload = json.dumps(claims("training", exp=987654321)).replace("987654321", number)
    gate.answers(way, 401, headers=cookie("training", handmade(GOOD_HEADER, payload)))


@ways
def test_rule_18_all_demands_each_session_and_any_takes_one(gate, way):
    portal, good, forged = session("report"), bokeh_token(), bokeh_token(secret="another-secret-of-forty-four-characters-1234")

    def with_bokeh(token):
        """Bokeh's token where its client puts it: in the page's query or in the WebSocket's subprotocol."""
        if is_upgrade(way):
            return {"path": "/app", "headers": [("sec-websocket-protocol", f"bokeh, {token}")]}
        return {"path": f"/app?bokeh-token={token}", "headers": []}

    def with_both(token, dashboard, portal):
        asked = with_bokeh(token)
        return {**asked, "headers": [*asked["headers"], *cookie(dashboard, portal)]}

    gate.permits(way, "report", **with_both(good, "report", portal))
    gate.refuses(way, "session_missing", 401, "report", "/app", headers=cookie("report", portal))
    gate.refuses(way, "session_missing", 401, "report", **with_bokeh(good))
    gate.refuses(way, "signature_invalid", 401, "report", **with_both(forged, "report", portal))
    gate.refuses(way, "signature_invalid", 401, "report", **with_both(good, "report", tampered(portal)))
    gate.permits(way, "either", "/", headers=cookie("either", session("either")))
    gate.permits(way, "either", **with_bokeh(good))
    gate.refuses(way, "session_missing", 401, "either", "/")


@ways
def test_a_token_of_another_format_is_no_session(gate, way):
    """Presence is not validity (CVE-2022-29226), and no format passes as another."""
    identity = bokeh_id()
    for odd in (identity, base64url(b'{"sub":"ana"}'), "null", "undefined", "true", "1", "{}"):
        gate.answers(way, 401, headers=cookie("training", odd))
    token = session("training")
    gate.answers(way, {401, 403}, "bokeh", f"/app?bokeh-session-id={token}")
    gate.answers(way, {401, 403}, "bokeh", f"/app?bokeh-token={token}")
