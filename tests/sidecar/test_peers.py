"""Who gets to the gate at all: the edge, by its certificate's name, and nobody else, not even with a good session."""

import certificates
import pytest
from beside import DASHBOARD, EDGE_NAME
from client import Http1
from policy import host_of
from test_verdicts import credentials


def status_for(sidecar, identity: str | None) -> int:
    """What a peer with this certificate is answered; 0: the handshake or the connection ends without an answer."""
    try:
        with Http1(sidecar.edge.port, sidecar.authority, identity=identity) as connection:
            connection.send("GET", "/", [("host", host_of(DASHBOARD)), *credentials("http1")["headers"]])
            return connection.answer().status
    except OSError:
        return 0


def refused_at_the_handshake(sidecar, identity: str | None, stat: str) -> None:
    port = sidecar.edge.port
    counter = f"listener.127.0.0.1_{port}.ssl.{stat}"
    before = sidecar.edge.stat(counter)
    assert status_for(sidecar, identity) == 0
    assert sidecar.edge.stat(counter) == before + 1
    assert sidecar.upstream.received() == []


def test_the_edge_is_let_in(sidecar):
    assert status_for(sidecar, sidecar.identity) == 200


def test_a_peer_without_a_certificate_is_refused(sidecar):
    refused_at_the_handshake(sidecar, None, "fail_verify_no_cert")


def test_a_certificate_of_another_authority_is_refused_whatever_its_name(sidecar):
    stranger = sidecar.issue("stranger", certificates.Authority("another authority"), EDGE_NAME)
    refused_at_the_handshake(sidecar, stranger, "fail_verify_error")


@pytest.mark.parametrize("name", ["sidecar.dashgate.example.org", "edge.dashgate.example.org.evil.example", "dashgate.example.org",
                                  "*.dashgate.example.org"])
def test_another_name_of_the_same_authority_is_refused(sidecar, name):
    refused_at_the_handshake(sidecar, sidecar.issue("other", sidecar.authority_of_edges, name), "fail_verify_san")


def test_the_edges_authority_is_replaced_without_a_restart(sidecar):
    """When the edge moves to another authority, its file is replaced; the old certificate counts no more."""
    old = sidecar.folder / "edge-authority.pem"
    kept, new = old.read_bytes(), certificates.Authority("the edges' next authority")
    moved = sidecar.issue("moved", new, EDGE_NAME)
    assert status_for(sidecar, moved) == 0
    try:
        certificates.replace(old, certificates.pem(new.certificate))
        sidecar.edge.wait(lambda: status_for(sidecar, moved) == 200, lambda: None, "edge of the new authority", 10)
        assert status_for(sidecar, sidecar.identity) == 0
    finally:
        certificates.replace(old, kept)
        sidecar.edge.wait(lambda: status_for(sidecar, sidecar.identity) == 200, lambda: None, "edge of the old authority", 10)
