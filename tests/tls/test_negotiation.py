"""What the edge negotiates: versions, key exchange groups, suites, and which of its two certificates it shows to whom."""

import socket
import ssl
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

import debian
import hello
from client import Http1
from hello import TLS12, TLS13
from policy import host_of
from sessions import session
from stage import cookie

GREASE = 0x4A4A     # RFC 8701: values that nobody may choose, and nobody may stumble over


class Over(Http1):
    """HTTP/1.1 over a connection that the test made itself."""

    def __init__(self, connected: socket.socket):
        self.socket, self.reader = connected, connected.makefile("rb")


def certificate_shown(edge, ciphers: str | None = None, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2) -> x509.Certificate:
    context = ssl.create_default_context(cafile=edge.authority)
    context.minimum_version = context.maximum_version = version
    if ciphers:
        context.set_ciphers(ciphers)
    with socket.create_connection(("127.0.0.1", edge.port), timeout=5) as plain:
        with context.wrap_socket(plain, server_hostname="training.example.org") as connection:
            return x509.load_der_x509_certificate(connection.getpeercert(binary_form=True))


@pytest.mark.parametrize("versions,chosen", [((TLS13, TLS12), TLS13), ((TLS13,), TLS13), ((TLS12,), TLS12)])
def test_the_newest_version_is_taken(edge, versions, chosen):
    assert hello.ask(edge.port, versions=versions).version == chosen


@pytest.mark.parametrize("version", [0x0300, 0x0301, 0x0302])
def test_what_came_before_tls_1_2_is_not_spoken(edge, version):
    old_suites = (0xC009, 0xC013, 0x002F, 0x000A)      # ECDHE and RSA with CBC, which those versions know
    assert hello.ask(edge.port, versions=(version,), suites=old_suites).alert == "protocol_version"


def test_a_version_that_does_not_exist_yet_disturbs_nothing(edge):
    assert hello.ask(edge.port, versions=(GREASE, 0x0305, TLS13)).version == TLS13
    assert hello.ask(edge.port, extra=((GREASE, b"\0"),), suites=(GREASE, *hello.TLS13_SUITES)).version == TLS13


@pytest.mark.parametrize("offered", [
    ("P-384", "P-256", "X25519", "X25519MLKEM768"), ("X25519", "X25519MLKEM768"), ("X25519MLKEM768", "P-384"), ("X25519MLKEM768",),
])
def test_the_post_quantum_group_is_taken_wherever_it_is_offered_and_however_late(edge, offered):
    chosen = hello.ask(edge.port, groups=offered)
    assert (chosen.version, chosen.retry, chosen.group) == (TLS13, True, "X25519MLKEM768")


@pytest.mark.parametrize("offered,chosen", [(("P-384", "P-256", "X25519"), "X25519"), (("P-384", "P-256"), "P-256"), (("P-384",), "P-384")])
def test_without_it_the_others_follow_in_the_servers_order(edge, offered, chosen):
    assert hello.ask(edge.port, groups=offered).group == chosen


@pytest.mark.parametrize("group", ["P-521", "X25519Kyber768Draft00", "ffdhe2048", "MLKEM1024", hex(GREASE)])
def test_no_other_group_is_taken(edge, group):
    assert hello.ask(edge.port, groups=(group,)).alert == "handshake_failure"


def test_a_client_that_falls_back_for_no_reason_is_told_so(edge):
    """RFC 7507: someone on the way may have broken the first try, to get a weaker one."""
    suites = (*hello.TLS12_SUITES, hello.FALLBACK)
    assert hello.ask(edge.port, versions=(TLS12,), suites=suites).alert == "inappropriate_fallback"


@pytest.mark.parametrize("suite", [
    0x009C, 0x009D, 0x002F, 0x0035, 0x003C,     # RSA key exchange: no forward secrecy
    0xC009, 0xC013, 0xC023, 0xC027, 0xC0AC,     # CBC, CCM
    0x009E, 0x0033, 0xCCAA,                     # finite-field Diffie-Hellman
    0x000A, 0x0005, 0x0003, 0x0001, 0x0018,     # 3DES, RC4, export, NULL, anonymous
])
def test_no_other_suite_of_tls_1_2_is_taken(edge, suite):
    assert hello.ask(edge.port, versions=(TLS12,), suites=(suite,)).alert == "handshake_failure"


@pytest.mark.parametrize("suite", [0xC02B, 0xCCA9, 0xC02C, 0xC02F, 0xCCA8, 0xC030])
def test_the_six_suites_of_tls_1_2_are_taken_three_for_each_certificate(edge, suite):
    chosen = hello.ask(edge.port, versions=(TLS12,), suites=(suite,))
    assert (chosen.version, chosen.suite) == (TLS12, suite)


def test_the_client_chooses_between_aes_128_and_chacha_20(edge):
    """One without AES in its hardware says so by its order."""
    for suites in ((0xC02B, 0xCCA9), (0xCCA9, 0xC02B)):
        assert hello.ask(edge.port, versions=(TLS12,), suites=suites).suite == suites[0]


def test_ecdsa_is_shown_to_those_who_know_it(edge):
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        assert isinstance(certificate_shown(edge, version=version).public_key(), ec.EllipticCurvePublicKey)
    both = "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES128-GCM-SHA256"
    assert isinstance(certificate_shown(edge, both).public_key(), ec.EllipticCurvePublicKey)


def test_rsa_is_shown_to_those_who_know_no_other(edge):
    assert isinstance(certificate_shown(edge, "ECDHE-RSA-AES128-GCM-SHA256").public_key(), rsa.RSAPublicKey)


@pytest.mark.parametrize("signatures,kind", [("rsa_pss_rsae_sha256", "RSA"), ("ecdsa_secp256r1_sha256", "ECDSA")])
def test_both_are_served_over_tls_1_3(edge, signatures, kind):
    program = debian.program("openssl", "usr/bin/openssl")
    command = [program.command, "s_client", "-connect", f"127.0.0.1:{edge.port}", "-servername", "training.example.org", "-tls1_3",
               "-sigalgs", signatures, "-CAfile", edge.authority, "-verify_return_error", "-verify_hostname", "training.example.org"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20, env=program.environment())
    assert done.returncode == 0 and "Verification: OK" in done.stdout, done.stdout + done.stderr
    assert f"Peer signature type: {'RSA-PSS' if kind == 'RSA' else 'ECDSA'}" in done.stdout


def test_a_session_is_judged_the_same_over_each_certificate_and_version(stage):
    """What is negotiated changes nothing for the gate."""
    edge = stage.edge
    for ciphers, version in ((None, ssl.TLSVersion.TLSv1_3), (None, ssl.TLSVersion.TLSv1_2),
                             ("ECDHE-RSA-AES256-GCM-SHA384", ssl.TLSVersion.TLSv1_2)):
        for headers, status in ((cookie("training", session("training")), 200), ([], 401)):
            context = ssl.create_default_context(cafile=edge.authority)
            context.minimum_version = context.maximum_version = version
            if ciphers:
                context.set_ciphers(ciphers)
            plain = socket.create_connection(("127.0.0.1", edge.port), timeout=5)
            connection = Over(context.wrap_socket(plain, server_hostname=host_of("training")))
            before = len(stage.upstream.received())
            with connection:
                connection.send("GET", "/", [("host", host_of("training")), *headers])
                answer = connection.answer()
            assert answer.status == status
            assert answer.value("x-dashgate-reason") == (None if status == 200 else "session_missing")
            assert len(stage.upstream.received()) - before == (1 if status == 200 else 0)


def test_plain_http_on_the_tls_port_gets_no_answer(edge):
    with socket.create_connection(("127.0.0.1", edge.port), timeout=5) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: training.example.org\r\n\r\n")
        try:
            received = connection.recv(4096)
        except ConnectionError:
            received = b""
    assert not received.startswith(b"HTTP/")
