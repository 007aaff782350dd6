"""Who reaches whom: each dashboard only Envoy, Envoy only the dashboards, and from outside one port. Tried, not read."""

import http.client
import socket
import subprocess
import sys

import pytest
from engine import PORTS, PROJECT, SECONDS, docker
from network_namespace import namespace

DASHBOARDS = [service for service in PORTS if service != "envoy"]
METRICS = ("10.202.9.2", 9902)
# Envoy's listeners, and the port where an admin interface usually is.
ENVOY_PORTS = (8443, 8080, 9901, 9902)
# Where each says that it works, as docker-compose.yml asks it.
HEALTH = {
    "portal": "/login", "bokeh": "/bokeh_app/metadata", "panel": "/panel_app/metadata", "tensorboard": "/data/environment",
    "jupyterlab": "/api", "prometheus": "/-/healthy",
}
# Addresses of nobody's (RFC 5737): this machine's on the cable to a network namespace, and that of the one who listens there.
CABLE, OUTSIDE = "198.51.100.1", ("198.51.100.2", 443)
LISTEN = "import socket, sys; s = socket.create_server(('', int(sys.argv[1]))); print('listening', flush=True); sys.stdin.read()"


def test_every_service_works(engine):
    assert engine.is_healthy()


def test_one_port_is_published_and_on_loopback(engine, stand):
    bindings = {
        (service, port): [(binding["HostIp"], binding["HostPort"]) for binding in published]
        for service in (*PORTS, "init")
        for port, published in engine.inspect(service)["NetworkSettings"]["Ports"].items() if published
    }
    assert bindings == {("envoy", "8443/tcp"): [("127.0.0.1", str(stand.stack.ports["dashboards"]))]}


def test_envoy_reaches_every_dashboard(engine):
    targets = [(service, PORTS[service]) for service in DASHBOARDS]
    assert engine.try_from("envoy", targets) == dict.fromkeys(targets, "open")


@pytest.fixture
def world(engine):
    """Somebody beyond this machine who, like the world, answers it and knows no way to its containers' own addresses."""
    open_network = f"{PROJECT}-open"
    with namespace(CABLE, OUTSIDE[0]) as beyond:
        command = [*beyond.enter, sys.executable, "-c", LISTEN, str(OUTSIDE[1])]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as listener:
            try:
                assert listener.stdout.readline() == "listening\n"
                docker("network", "create", open_network)
                yield open_network
            finally:
                listener.kill()
                subprocess.run(["docker", "network", "rm", open_network], capture_output=True, timeout=SECONDS, check=False)


def test_envoy_itself_reaches_nothing_outside(engine, world):
    # A network that masquerades gets an answer: that Envoy gets none says something.
    assert engine.try_on(world, [OUTSIDE])[OUTSIDE] == "open"
    assert engine.try_from("envoy", [OUTSIDE])[OUTSIDE] != "open"


@pytest.mark.parametrize("service", DASHBOARDS)
def test_a_dashboard_reaches_no_other_one_nothing_outside_and_of_envoy_only_the_gate(engine, service):
    network = engine.inspect(service)["NetworkSettings"]["Networks"]
    assert len(network) == 1
    others = [other for other in DASHBOARDS if other != service]
    names = [(name, PORTS[name]) for name in others]
    closed = names + [(address, PORTS[other]) for other in others for address in engine.addresses(other)]
    closed += [OUTSIDE] + [(address, port) for address in engine.addresses("envoy") for port in ENVOY_PORTS]
    [network_name] = network
    here = engine.inspect("envoy")["NetworkSettings"]["Networks"][network_name]["IPAddress"]
    expected = {(here, 8443)} | ({METRICS} if service == "prometheus" else set())
    outcomes = engine.try_from(service, closed)
    assert {target for target, outcome in outcomes.items() if outcome == "open"} == expected, outcomes
    assert {outcomes[name] for name in names} == {"gaierror"}, outcomes
    # Not merely no answer: there is no way there, or the way leads to a gateway that nobody is.
    assert outcomes[OUTSIDE] in ("ENETUNREACH", "EHOSTUNREACH")


def test_users_of_this_machine_reach_no_dashboard(engine, stand):
    socket.create_connection(("127.0.0.1", stand.stack.ports["dashboards"]), 5).close()
    places = [(service, address) for service in DASHBOARDS for address in engine.addresses(service)]
    assert [place for place in places if _is_well(*place)] == []


def _is_well(service: str, address: str) -> bool:
    """Whether the service says there what it says when it is asked for its health.

    A connection alone, or any answer, says little: there are networks with a proxy that takes what leads nowhere else.
    """
    connection = http.client.HTTPConnection(address, PORTS[service], timeout=2)
    try:
        connection.request("GET", HEALTH[service])
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
