"""Backends by name, with the filters and the cluster that docs/private-backends.md shows, and a DNS server of this test's own."""

import re
import socket
import struct
import threading

import pytest
import yaml

import bootstrap
from policy import policy
import sessions
from sessions import session
from stage import Stage, bearer, ways
from upstream import Upstream

PAGE = bootstrap.ROOT / "docs" / "private-backends.md"
PLACE = {"host": "one.runs.example.org", "origin": "https://one.runs.example.org"}


class Names:
    """Answers every question for an A record with one address, and nothing else."""

    def __init__(self, addresses):
        self.addresses = addresses
        self.asked = []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def port(self):
        return self.socket.getsockname()[1]

    def _serve(self):
        while True:
            try:
                question, client = self.socket.recvfrom(4096)
            except OSError:
                return
            self.socket.sendto(self._answer(question), client)

    def _answer(self, question):
        labels, at = [], 12
        while (length := question[at]):
            labels.append(question[at + 1:at + 1 + length].decode().lower())
            at += 1 + length
        kind = struct.unpack("!H", question[at + 1:at + 3])[0]
        name, asked = ".".join(labels), question[12:at + 5]
        self.asked.append(name)
        address = self.addresses.get(name) if kind == 1 else None
        known = name in self.addresses
        head = question[:2] + struct.pack("!HHHHH", 0x8180 if known else 0x8183, 1, 1 if address else 0, 0, 0)
        record = b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 60, 4) + socket.inet_aton(address) if address else b""
        return head + asked + record


@pytest.fixture(scope="module")
def named():
    """An Envoy whose dashboard `runs` has backends by name, the node behind it, and the names."""
    names = Names({"node17.compute.example.org": "127.0.0.1", "node18.compute.example.org.corp.test": "127.0.0.1"})
    node = Upstream(["node17"])
    shown = yaml.safe_load(re.search(r"<!-- runs: names.yaml -->\n```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)[1])
    servers = [{"socket_address": {"address": "127.0.0.1", "port_value": names.port}}]

    def edit(tree):
        for place in bootstrap.walk(shown):
            if "dns_resolver_options" in place:
                place["resolvers"] = servers
        filters = bootstrap.dashboards_manager(tree)["http_filters"]
        filters[-1:-1] = shown["http_filters"]
        clusters = tree["static_resources"]["clusters"]
        clusters[:] = [cluster for cluster in clusters if cluster["name"] != "runs"] + shown["clusters"]

    changed = policy()
    for dashboard in changed["dashboards"]:
        if dashboard["name"] == "runs":
            dashboard["backends"] = [{"zone": "compute.example.org", "ports": "1024-65535"}]
    # A search domain of the machine's, where the same name leads to somebody else.
    environment = sessions.environment() | {"LOCALDOMAIN": "corp.test", "RES_OPTIONS": "ndots:5"}
    with Stage(changed, edit, environment) as stage:
        yield stage, node, names
    node.stop()
    names.socket.close()


@ways
def test_a_session_is_led_to_the_node_it_names(named, way):
    gate, node, names = named
    before = len(node.received())
    headers = bearer(session("runs", sid="one", backend=f"node17.compute.example.org:{node.port('node17')}"))
    answer = gate.ask(way, "runs", "/lab", headers=headers, **PLACE)
    assert (answer.status, answer.value("x-upstream")) == (101 if way == "upgrade1" else 200, "node17")
    arrived = node.received()[before:]
    assert [(each.target, each.values("host"), each.values("x-dashgate-backend")) for each in arrived] == [
        ("/lab", ["one.runs.example.org"], [])]
    assert "node17.compute.example.org" in names.asked


@ways
def test_what_is_not_in_the_zone_is_not_even_asked_for(named, way):
    gate, _, names = named
    for host in ("node17.example.org", "compute.example.org", "node17.compute.example.org.evil.test", "127.0.0.1"):
        gate.refuses(way, "backend_not_allowed", 403, "runs", headers=bearer(session("runs", sid="one", backend=f"{host}:8888")), **PLACE)
        assert host not in names.asked


@ways
def test_a_name_that_is_not_there_is_envoys_error(named, way):
    gate, node, names = named
    before = len(node.received())
    headers = bearer(session("runs", sid="one", backend=f"node18.compute.example.org:{node.port('node17')}"))
    answer = gate.ask(way, "runs", headers=headers, **PLACE)
    assert (answer.status, answer.values("x-upstream"), node.received()[before:]) == (503, [], [])
    assert [name for name in names.asked if name.endswith("corp.test")] == []
