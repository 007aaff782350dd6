"""Renewed certificates: new connections get the new one within a second or two, open ones notice nothing."""

import contextlib
import shutil
import socket
import ssl
import threading
import time
from pathlib import Path

import bootstrap
import certificates
import pytest
from client import Http1
from cryptography import x509
from policy import host_of, only
from sessions import session
from stage import Stage, cookie

SECONDS = 10
RSA_ONLY = "ECDHE-RSA-AES128-GCM-SHA256"


def shown(edge, ciphers: str | None = None) -> x509.Certificate:
    """The certificate that a new connection is shown. It is verified."""
    context = ssl.create_default_context(cafile=edge.authority)
    if ciphers:
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(ciphers)
    with socket.create_connection(("127.0.0.1", edge.port), timeout=5) as plain:
        with context.wrap_socket(plain, server_hostname="training.example.org") as connection:
            return x509.load_der_x509_certificate(connection.getpeercert(binary_form=True))


def until_shown(edge, certificate: x509.Certificate, ciphers: str | None = None) -> float:
    """How long it took until new connections are shown this certificate."""
    started = time.monotonic()
    edge.wait(lambda: shown(edge, ciphers) == certificate, lambda: shown(edge, ciphers).serial_number, "new certificate", SECONDS)
    return time.monotonic() - started


@pytest.fixture
def stage():
    """An edge of the test's own."""
    with Stage(only("portal", "training")) as stage:
        yield stage


def test_a_renewed_certificate_is_served_and_nothing_that_is_open_ends(stage):
    edge, credential = stage.edge, cookie("training", session("training"))
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(stage.open(way, headers=credential)) for way in ("upgrade1", "upgrade2")]
        kept = stack.enter_context(stage.http1())
        for way in (1, 2, 3):
            for live in sockets:
                assert live.exchange(b"before %d" % way) == b"before %d" % way
            renewed = edge.issuer.issue(edge.folder, "leaf")
            assert until_shown(edge, renewed) < 2
            for live in sockets:
                assert live.exchange(b"after %d" % way) == b"after %d" % way
            kept.send("GET", "/", [("host", host_of("training")), *credential])
            assert kept.answer().status == 200
        assert edge.stat("sds.edge.key_rotation_failed") <= 3     # between its two files a renewal may be seen half done
        for live in sockets:
            assert live.seconds_until_closed(1.5) is None


def test_each_certificate_is_renewed_by_itself(stage):
    edge = stage.edge
    other = shown(edge)
    renewed = edge.issuer.issue(edge.folder, "leaf-rsa", key=certificates.rsa_key())
    assert until_shown(edge, renewed, RSA_ONLY) < 2
    assert shown(edge) == other


def test_under_load_no_request_and_no_handshake_fails_while_certificates_are_renewed(stage):
    edge, credential = stage.edge, cookie("training", session("training"))
    lines = [("host", host_of("training")), *credential]
    stopping, failures, counts = threading.Event(), [], {"kept": 0, "new": 0}

    def ask(name: str, connect) -> None:
        try:
            while not stopping.is_set():
                connection = connect()
                connection.send("GET", "/", lines)
                answer = connection.answer()
                if answer.status != 200:
                    failures.append((name, answer.status))
                counts[name] += 1
                if name == "new":
                    connection.close()
        except (OSError, ValueError) as problem:
            failures.append((name, repr(problem)))

    kept = Http1(edge.port, edge.authority)
    threads = [threading.Thread(target=ask, args=("kept", lambda: kept)), threading.Thread(target=ask, args=("new", stage.http1))]
    for thread in threads:
        thread.start()
    try:
        renewals, deadline = 0, time.monotonic() + 60
        while (renewals < 5 or min(counts.values()) < 50) and not failures:
            until_shown(edge, edge.issuer.issue(edge.folder, "leaf"))
            renewals += 1
            assert time.monotonic() < deadline, counts
    finally:
        stopping.set()
        for thread in threads:
            thread.join(SECONDS)
        kept.close()
    assert failures == []


def test_half_a_renewal_changes_nothing_until_the_other_half_comes(stage):
    edge = stage.edge
    old = shown(edge)
    aside = edge.folder / "aside"
    aside.mkdir()
    renewed = edge.issuer.issue(aside, "leaf")
    (aside / "leaf.pem").rename(edge.folder / "leaf.pem")
    edge.wait(lambda: edge.stat("sds.edge.key_rotation_failed") == 1, edge.log, "word of a pair that does not fit", SECONDS)
    assert "KEY_VALUES_MISMATCH" in edge.log()
    assert shown(edge) == old
    (aside / "leaf.key").rename(edge.folder / "leaf.key")
    until_shown(edge, renewed)


def test_a_volume_that_is_swapped_by_one_symbolic_link_is_seen_too():
    """As Kubernetes updates a mounted secret: files are links through `..data`, and only that link is replaced."""
    swapped = []

    def as_a_volume(tree):
        folder = Path(bootstrap.admin_socket(tree)).parent
        volume = folder / "volume"
        (volume / "..first").mkdir(parents=True)
        for name in ("leaf.pem", "leaf.key", "leaf-rsa.pem", "leaf-rsa.key"):
            shutil.copy(folder / name, volume / "..first" / name)
            (volume / name).symlink_to(f"..data/{name}")
        (volume / "..data").symlink_to("..first")
        for secret in folder.glob("secret-*.yaml"):
            secret.write_text(secret.read_text().replace(f"{folder}/leaf", f"{volume}/leaf")
                              .replace(f"path: {folder}\n", f"path: {volume}\n"))
        swapped.append(volume)

    with Stage(only("portal", "training"), as_a_volume) as stage:
        edge, volume = stage.edge, swapped[0]
        (volume / "..second").mkdir()
        for name in ("leaf-rsa.pem", "leaf-rsa.key"):
            shutil.copy(volume / "..first" / name, volume / "..second" / name)
        renewed = edge.issuer.issue(volume / "..second", "leaf")
        assert shown(edge) != renewed
        (volume / "..data_tmp").symlink_to("..second")
        (volume / "..data_tmp").rename(volume / "..data")
        assert until_shown(edge, renewed) < 2
        assert edge.stat("sds.edge.key_rotation_failed") == 0
