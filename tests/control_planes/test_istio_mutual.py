"""The sidecar's rendered guards: mutual TLS, and only from the gateway. Certificates are files, as a mesh without Istio's authority has them."""

import datetime
import http.client
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from agent import AgentMesh
from policy import only
from sessions import session

GATEWAY, OWN, STRANGER = (f"spiffe://cluster.local/ns/{name}" for name in
                          ("istio-ingress/sa/gateway", "dashboards/sa/default", "default/sa/default"))


class Authority:
    """Signs a workload's certificate, as the mesh's own would."""

    def __init__(self):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "cluster.local")])
        self.root = self._certificate(self.name, self.key.public_key(), x509.BasicConstraints(ca=True, path_length=0))

    def _certificate(self, subject, key, *extensions):
        now = datetime.datetime.now(datetime.timezone.utc)
        hour = datetime.timedelta(hours=1)
        made = (x509.CertificateBuilder().subject_name(subject).issuer_name(self.name).public_key(key)
                .serial_number(x509.random_serial_number()).not_valid_before(now - hour).not_valid_after(now + hour))
        for extension in extensions:
            made = made.add_extension(extension, critical=not isinstance(extension, x509.ExtendedKeyUsage))
        return made.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    def write(self, folder, identity):
        """cert-chain.pem, key.pem and root-cert.pem of one workload."""
        folder.mkdir(parents=True, exist_ok=True)
        key = ec.generate_private_key(ec.SECP256R1())
        both = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
        certificate = self._certificate(x509.Name([]), key.public_key(), both,
                                        x509.SubjectAlternativeName([x509.UniformResourceIdentifier(identity)]))
        (folder / "cert-chain.pem").write_bytes(certificate)
        (folder / "root-cert.pem").write_bytes(self.root)
        (folder / "key.pem").write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                                           serialization.NoEncryption()))
        return folder


AUTHORITY = Authority()


class MutualMesh(AgentMesh):
    """A sidecar whose agent finds certificates where it looks for them first."""

    mutual = True

    def _proxy(self, *arguments):
        AUTHORITY.write(self.folder / "etc" / "certs", OWN)
        return super()._proxy(*arguments)


@pytest.fixture(scope="module")
def stage(mesh, agent_program, private_network):
    with MutualMesh(0, "istio-trafficextension", "istio-sidecar", only("training")) as stage:
        yield stage


def ask(stage, folder, **headers):
    """One request with a workload's certificate, or with none."""
    context = ssl.create_default_context(cafile=str(stage.folder / "etc" / "certs" / "root-cert.pem"))
    context.check_hostname = False
    if folder is not None:
        context.load_cert_chain(folder / "cert-chain.pem", folder / "key.pem")
    connection = http.client.HTTPSConnection("127.0.0.1", stage.edge.port, context=context, timeout=10)
    try:
        connection.request("GET", "/page", headers={"Host": "training.example.org", **headers})
        answer = connection.getresponse()
        return answer.status, answer.getheader("x-dashgate-reason"), answer.getheader("x-upstream")
    finally:
        connection.close()


def test_the_gateway_reaches_the_gate_and_a_session_the_dashboard(stage, tmp_path):
    gateway = AUTHORITY.write(tmp_path, GATEWAY)
    assert ask(stage, gateway) == (401, "session_missing", None)
    good = {"Cookie": f"__Host-dashgate-training={session('training')}"}
    assert ask(stage, gateway, **good) == (200, None, "training")


def test_no_other_workload_reaches_the_dashboard(stage, tmp_path):
    stage.upstream.forget()
    good = {"Cookie": f"__Host-dashgate-training={session('training')}"}
    assert ask(stage, AUTHORITY.write(tmp_path, STRANGER), **good)[0] == 403
    assert stage.upstream.received() == []


def test_nobody_without_a_certificate_of_the_mesh_speaks_to_it_at_all(stage, tmp_path):
    stage.upstream.forget()
    with pytest.raises(OSError):
        ask(stage, None)
    with pytest.raises(OSError):
        ask(stage, Authority().write(tmp_path, GATEWAY))
    plain = http.client.HTTPConnection("127.0.0.1", stage.edge.port, timeout=10)
    with pytest.raises((OSError, http.client.HTTPException)):
        plain.request("GET", "/page", headers={"Host": "training.example.org"})
        plain.getresponse()
    assert stage.upstream.received() == []
