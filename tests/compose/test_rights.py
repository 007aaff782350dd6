"""What the programs may do: no root, no capability, nothing to write to, no user in common with Envoy, no secret of others."""

from pathlib import Path

import pytest
from engine import PORTS, docker

USERS = {
    "envoy": 101, "portal": 10001, "bokeh": 10002, "panel": 10003, "tensorboard": 10004, "jupyterlab": 10005,
    "prometheus": 65534,
}
# What lies in /run/dashgate.
SECRETS = {
    "envoy": {"key", "bokeh", "tls"}, "portal": {"key", "bokeh", "flask", "people"}, "bokeh": {"bokeh"}, "panel": {"bokeh"},
}


@pytest.mark.parametrize("service", PORTS)
def test_a_program_is_a_user_of_its_own_without_rights_to_gain(engine, service):
    process = engine.inspect(service)["State"]["Pid"]
    status = dict(line.split(":\t") for line in Path(f"/proc/{process}/status").read_text().splitlines() if ":\t" in line)
    assert set(status["Uid"].split()) == {str(USERS[service])}
    assert {status[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"0" * 16}
    assert status["NoNewPrivs"].strip() == "1"
    assert status["Seccomp"].strip() == "2"


@pytest.mark.parametrize("service", PORTS)
def test_a_program_can_write_nowhere_but_where_it_should(engine, service):
    mounts = Path(f"/proc/{engine.inspect(service)['State']['Pid']}/mounts").read_text().splitlines()
    options = {line.split()[1]: line.split()[3].split(",") for line in mounts}
    assert "ro" in options["/"]
    writable = {place for place, chosen in options.items() if "rw" in chosen and not place.startswith(("/proc", "/dev", "/sys"))}
    own = {"jupyterlab": {"/work"}, "prometheus": {"/prometheus"}}.get(service, set())
    # These three are the engine's own, on the host's disk; a program without rights cannot write to them.
    assert writable - {"/etc/hosts", "/etc/hostname", "/etc/resolv.conf"} == {"/tmp"} | own


@pytest.mark.parametrize("service", PORTS)
def test_a_program_finds_no_secret_but_its_own(engine, service):
    listed = docker("exec", engine.container(service), "sh", "-c", "ls /run/dashgate 2>/dev/null || true").split()
    assert set(listed) == SECRETS.get(service, set())


def test_no_dashboard_has_envoy_s_user():
    assert len(set(USERS.values())) == len(USERS)
