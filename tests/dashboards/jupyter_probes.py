"""Probes at a Jupyter server, a person's own behind JupyterHub too: what writes a file, and what its token opens."""

from dataclasses import replace

from probes import EVIL, Probe, Request

FOREIGN = f"https://{EVIL}"
# Makes an empty file: what a form, which needs no preflight, can send as well.
MAKE = {"method": "POST", "body": '{"type":"file"}', "lines": ("Content-Type: text/plain",)}


def page_only(probe: Probe) -> Probe:
    """The probe, left out at the WebSocket."""
    return lambda good: None if good.door.websocket else probe(good)


WRITES: dict[str, Probe] = {
    "a file made by POST from a foreign Origin": page_only(lambda good: replace(good, origin=FOREIGN, **MAKE)),
    "a file made by POST without Origin": page_only(lambda good: replace(good, origin=None, **MAKE)),
}


def with_token(token: str) -> dict[str, Probe]:
    """The token in the place of its cookie, in the query and in the header."""

    def in_query(good: Request, **changed) -> Request:
        return replace(good, query=(f"token={token}",), cookies=(good.session,), **changed)

    def in_header(scheme: str) -> Probe:
        return lambda good: replace(good, cookies=(good.session,), lines=(f"Authorization: {scheme} {token}",))

    return WRITES | {
        "its token in the query, no session": lambda good: replace(in_query(good), cookies=()),
        "its token in the query, a session": in_query,
        "the same from a foreign Origin": lambda good: in_query(good, origin=FOREIGN),
        "the same, a file made by POST": page_only(lambda good: in_query(good, origin=FOREIGN, **MAKE)),
        "its token as `Authorization: token`, a session": in_header("token"),
        "its token as `Authorization: Bearer`, a session": in_header("Bearer"),
    }
