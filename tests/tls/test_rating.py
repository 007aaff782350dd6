"""What the SSL server rating guide (2009r) asks for an A+, each condition by itself, and Mozilla's profile "intermediate".

The grade itself is given by a service on the internet, which sees no edge of a test. What it looks at is seen here.
"""

import datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from client import Http1
from policy import host_of
from sessions import session
from stage import cookie

HALF_A_YEAR = 180 * 86400


def chains(found) -> list[list[x509.Certificate]]:
    return [[x509.load_pem_x509_certificate(each["as_pem"].encode()) for each in deployment["received_certificate_chain"]]
            for deployment in found.deployments()]


def test_mozillas_profile_intermediate_is_kept(found):
    assert found.compliant, found.said[-2000:]
    assert "Checking results against Mozilla's \"intermediate\" configuration" in found.said and "OK - Compliant" in found.said


# ---- the certificate: without these there is no grade at all (T, M)

def test_each_certificate_is_trusted_through_the_chain_that_is_sent(found):
    assert len(found.deployments()) == 2
    for deployment in found.deployments():
        trusted = {each["trust_store"]["name"]: each["was_validation_successful"] for each in deployment["path_validation_results"]}
        assert trusted["Supplied CA file"] is True
        assert deployment["received_chain_has_valid_order"] is True
        assert deployment["received_chain_contains_anchor_certificate"] is False     # it would only be sent for nothing


def test_each_certificate_is_for_the_name_and_in_its_time(found):
    now = datetime.datetime.now(datetime.timezone.utc)
    for leaf, *_ in chains(found):
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(x509.DNSName)
        assert "*.example.org" in names
        assert leaf.not_valid_before_utc < now < leaf.not_valid_after_utc


def test_each_key_is_long_enough_and_there_is_one_of_each_kind(found):
    """2,048 bits of RSA, 256 of ECDSA; less caps the grade."""
    sizes = {"ECDSA" if isinstance(key, ec.EllipticCurvePublicKey) else "RSA": key.key_size
             for key in (leaf.public_key() for leaf, *_ in chains(found))}
    assert sizes.keys() == {"ECDSA", "RSA"} and sizes["ECDSA"] >= 256 and sizes["RSA"] >= 2048


def test_no_signature_is_made_with_sha_1_or_md5(found):
    for deployment in found.deployments():
        assert deployment["verified_chain_has_sha1_signature"] is False
    assert {certificate.signature_hash_algorithm.name for chain in chains(found) for certificate in chain} <= {"sha256", "sha384", "sha512"}


# ---- protocols: TLS 1.0 or 1.1 caps at B, no TLS 1.3 at A-

@pytest.mark.parametrize("version", ["SSL 2.0", "SSL 3.0", "TLS 1.0", "TLS 1.1"])
def test_an_old_protocol_is_not_there(found, version):
    assert found.suites(version) == []


@pytest.mark.parametrize("version,count", [("TLS 1.2", 6), ("TLS 1.3", 3)])
def test_a_current_protocol_is_there(found, version, count):
    assert len(found.suites(version)) == count


# ---- suites: without forward secrecy, or without AEAD, no better than B

def all_suites(found) -> list[dict]:
    return found.suites("TLS 1.2") + found.suites("TLS 1.3")


def test_every_suite_has_forward_secrecy_over_an_elliptic_curve(found):
    for suite in all_suites(found):
        assert suite["ephemeral_key"]["type_name"] == "ECDH", suite


def test_every_suite_is_an_aead(found):
    for suite in all_suites(found):
        assert "_GCM_" in suite["cipher_suite"]["name"] or "_CHACHA20_POLY1305_" in suite["cipher_suite"]["name"]


def test_no_suite_is_anonymous_or_has_less_than_128_bits(found):
    for suite in all_suites(found):
        assert suite["cipher_suite"]["is_anonymous"] is False and suite["cipher_suite"]["key_size"] >= 128


def test_the_score_is_90_or_more(found):
    """The guide: protocols 30 %, key exchange 30 %, cipher 40 %; the middle of the best and the worst of each. 80 is an A."""
    points = {"TLS 1.2": 95, "TLS 1.3": 100}
    protocols = sum(points.values()) / 2
    bits = min(3072 if isinstance(leaf.public_key(), ec.EllipticCurvePublicKey) else leaf.public_key().key_size for leaf, *_ in chains(found))
    exchange = 100 if bits >= 4096 else 90 if bits >= 2048 else 0
    sizes = [suite["cipher_suite"]["key_size"] for suite in all_suites(found)]
    strength = sum(100 if size >= 256 else 80 for size in (min(sizes), max(sizes))) / 2
    assert 0.3 * protocols + 0.3 * exchange + 0.4 * strength >= 90


# ---- behaviour: each of these lowers the grade, some to F

def test_a_downgrade_is_noticed(found):
    assert found.result("tls_fallback_scsv") == {"supports_fallback_scsv": True}


def test_renegotiation_is_secure_and_no_client_can_begin_one(found):
    result = found.result("session_renegotiation")
    assert result["supports_secure_renegotiation"] is True
    assert result["is_vulnerable_to_client_renegotiation_dos"] is False


def test_nothing_is_compressed(found):
    assert found.result("tls_compression") == {"supports_compression": False}


def test_early_data_is_not_taken(found):
    """A request in it can be sent again by whoever saw it."""
    assert found.result("tls_1_3_early_data") == {"supports_early_data": False}


def test_the_master_secret_is_bound_to_the_handshake(found):
    assert found.result("tls_extended_master_secret") == {"supports_ems_extension": True}


@pytest.mark.parametrize("probe,result", [
    ("heartbleed", {"is_vulnerable_to_heartbleed": False}),
    ("openssl_ccs_injection", {"is_vulnerable_to_ccs_injection": False}),
    ("robot", {"robot_result": "NOT_VULNERABLE_RSA_NOT_SUPPORTED"}),
])
def test_a_known_weakness_is_not_there(found, probe, result):
    assert found.result(probe) == result


# ---- HSTS: what makes an A an A+

@pytest.mark.parametrize("way", ["http1", "http2"])
@pytest.mark.parametrize("headers,status", [([], 401), ("session", 200)])
def test_every_answer_asks_browsers_for_tls_only_for_more_than_half_a_year(stage, way, headers, status):
    lines = cookie("training", session("training")) if headers else []
    answer = stage.ask(way, headers=lines)
    assert answer.status == status
    value = answer.value("strict-transport-security")      # once: of two, browsers take the first
    directives = dict(part.strip().lower().partition("=")[::2] for part in value.split(";"))
    assert int(directives["max-age"]) >= HALF_A_YEAR and "includesubdomains" in directives


def test_plain_http_is_led_to_the_same_host_by_tls_and_promises_nothing(stage):
    with Http1(stage.edge.ports["redirect"], None) as connection:
        connection.send("GET", "/page?a=b", [("host", host_of("training"))])
        answer = connection.answer()
    assert (answer.status, answer.value("location")) == (308, f"https://{host_of('training')}:{stage.edge.port}/page?a=b")
    assert answer.value("strict-transport-security") is None     # RFC 6797, 7.2
