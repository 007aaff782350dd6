"""Rule 41, last of all: nothing that Envoy printed in this whole run holds a credential of any kind."""

import re

import edge
from sessions import PORTAL, SECRETS, bokeh_id, bokeh_token, environment, session
from stage import WAYS, bearer, cookie


def test_rule_41_nothing_printed_holds_a_credential(gate):
    environment()
    token, identity, bokehs = session("training"), bokeh_id(), bokeh_token()
    carried = [cookie("training", token), bearer(token), [("referer", f"https://training.example.org/?token={token}")],
               [("sec-websocket-protocol", f"dashgate, {token}")], [("sec-websocket-protocol", f"bokeh, {bokehs}")], [("bokeh-session-id", identity)]]
    for way in WAYS:
        for lines in carried:
            for path in ("/", "/a%2fb", f"/?token={token}&bokeh-session-id={identity}&bokeh-token={bokehs}", f"/a%2fb?token={token}&bokeh-session-id={identity}",
                         f"//a/../b?bokeh-token={bokehs}", f"/;?token={token}", f"/.dashgate/connect?token={token}", f"/x?token={token}#token={token}"):
                for host in ("training.example.org", "bokeh.example.org", "unknown.example.org", "training.example.org."):
                    gate.ask(way, path=path, headers=lines, host=host, origin="https://training.example.org")
        gate.ask(way, headers=cookie("training", token), origin=PORTAL)
    with gate.http1() as connection:    # a request that Envoy's codec refuses
        connection.write(f"GET /?token={token} HTTP/1.1\r\nhost: a\r\nbad header: {token}\r\nauthorization: Bearer {token}\r\n\r\n".encode())
        assert connection.answer().status == 400
    entries = len(gate.edge.access_log())
    assert entries > 500
    printed = "\n".join([*edge.PRINTED, gate.edge.everything_printed()])
    assert "dashgate refused" in printed and "dashgate_decisions_total" in printed and "host_env_keys" in printed
    assert len(SECRETS) >= 8
    assert leaked(printed) == []


def leaked(printed: str) -> list[str]:
    """The secrets of which any longer piece was printed: a run of letters that no punctuation or percent-encoding can split."""
    runs = "\n".join(set(re.findall(r"[A-Za-z0-9_-]{16,}", printed)))
    pieces = {piece: secret for secret in SECRETS for piece in re.findall(r"[A-Za-z0-9_-]{16,}", secret)}
    return sorted({secret[:6] + "..." for piece, secret in pieces.items() if piece in runs})


def test_the_search_finds_what_was_printed():
    token = session("training")
    assert token[:6] + "..." in leaked(f"GET /?token={token.replace('.', '%2E')} x")
    assert leaked("nothing of the kind") == []
