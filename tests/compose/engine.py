"""The running stack as the container engine sees it: its containers, their addresses, and a look from inside one's network."""

from __future__ import annotations

import ipaddress
import json
import os
import subprocess
import time
from collections.abc import Callable

import yaml
from documents import block
from stack import ROOT

PAGE = "docs/compose.md"
# What is tested: `docker compose`, or docker-compose 1.29.
VARIANT = os.environ.get("DASHGATE_COMPOSE", "docker compose")
PROJECT = "dashgate-test"
BUILD_SECONDS, SECONDS = 3600, 120
# The services, and the port that each listens on.
PORTS = {
    "envoy": 8443, "portal": 5000, "bokeh": 5006, "panel": 5006, "tensorboard": 6006, "jupyterlab": 8888, "prometheus": 9090,
}


class Engine:
    """The stack of one project, published on that port."""

    def __init__(self, port: int):
        self.environment = os.environ | {"COMPOSE_PROJECT_NAME": PROJECT, "DASHGATE_PORT": str(port)}

    def run_documented(self, name: str, seconds: float = SECONDS) -> str:
        """Runs a block of the page as it stands there; returns what it printed."""
        commands = block(PAGE, f"{VARIANT}/{name}")
        done = subprocess.run(
            ["sh", "-euxc", commands], cwd=ROOT, env=self.environment, stdin=subprocess.DEVNULL, capture_output=True,
            text=True, timeout=seconds, check=False,
        )
        assert done.returncode == 0, f"{commands}ended with {done.returncode}:\n{done.stderr[-6000:]}\n{self.last_words()}"
        return done.stdout

    def remove(self) -> None:
        """Takes down what is there of the project, whoever left it."""
        down = [*VARIANT.split(), "down", "--volumes", "--remove-orphans", "--timeout", "5"]
        subprocess.run(down, cwd=ROOT, env=self.environment, capture_output=True, timeout=SECONDS, check=False)

    def need_free_range(self) -> None:
        """Fails where another stack has the one range that docker-compose.yml fixes, and says which must be stopped."""
        networks = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["networks"]
        [fixed] = [ipaddress.ip_network(network["ipam"]["config"][0]["subnet"]) for network in networks.values() if "ipam" in network]
        for identity in docker("network", "ls", "--quiet").split():
            [network] = json.loads(docker("network", "inspect", identity))
            for given in network["IPAM"]["Config"] or []:
                taken = ipaddress.ip_network(given["Subnet"])
                project = (network["Labels"] or {}).get("com.docker.compose.project")
                stop = f"docker compose --project-name {project} down" if project else f"docker network rm {network['Name']}"
                assert taken.version != fixed.version or not taken.overlaps(fixed), (
                    f"{fixed} is taken by the network {network['Name']} ({taken}): `{stop}` first"
                )

    def container(self, service: str) -> str:
        """The id of a service's container."""
        # Images that compose built carry the first two as well: what is run of them by hand is no service's.
        labels = (("project", PROJECT), ("service", service), ("oneoff", "False"))
        filters = [part for key, value in labels for part in ("--filter", f"label=com.docker.compose.{key}={value}")]
        found = docker("ps", "--all", "--quiet", *filters).split()
        assert len(found) == 1, f"{service} has {len(found)} containers"
        return found[0]

    def inspect(self, service: str) -> dict:
        """All that the engine knows of a service's container."""
        return json.loads(docker("inspect", self.container(service)))[0]

    def addresses(self, service: str) -> list[str]:
        """A service's addresses, one in each of its networks."""
        return [network["IPAddress"] for network in self.inspect(service)["NetworkSettings"]["Networks"].values()]

    def read(self, service: str, path: str) -> str:
        """A file in a service's container."""
        return docker("exec", self.container(service), "cat", path)

    def is_healthy(self) -> bool:
        """Whether every service that stays says that it works, and the one that ends has ended well."""
        states = {service: self.inspect(service)["State"] for service in PORTS}
        return all(state["Health"]["Status"] == "healthy" for state in states.values()) and self._has_made_secrets()

    def _has_made_secrets(self) -> bool:
        state = self.inspect("init")["State"]
        return (state["Status"], state["ExitCode"]) == ("exited", 0)

    def try_from(self, service: str, targets: list[tuple[str, int]]) -> dict[tuple[str, int], str]:
        """What becomes of connections from inside a service's network to names or addresses: `open`, or why not."""
        return self.try_on(f"container:{self.container(service)}", targets)

    def try_on(self, network: str, targets: list[tuple[str, int]]) -> dict[tuple[str, int], str]:
        """The same from a container on that network."""
        image = self.inspect("init")["Image"]
        given = json.dumps(targets)
        printed = docker("run", "--rm", "--network", network, "--cap-drop", "ALL", image, "python", "-c", CONNECT, given)
        return dict(zip(targets, json.loads(printed), strict=True))

    def left(self) -> str:
        """What there still is of the project: containers, networks, volumes."""
        wanted = ("--quiet", "--filter", f"label=com.docker.compose.project={PROJECT}")
        return "".join(docker(*kind, *wanted) for kind in (("ps", "--all"), ("network", "ls"), ("volume", "ls")))

    def last_words(self) -> str:
        """What each container printed last, for a failure's message."""
        words = []
        for line in docker("ps", "--all", "--filter", f"label=com.docker.compose.project={PROJECT}", "--format",
                           "{{.ID}} {{.Names}} {{.Status}}").splitlines():
            identity = line.split()[0]
            logs = subprocess.run(["docker", "logs", "--tail", "15", identity], capture_output=True, text=True, timeout=SECONDS,
                                  check=False)
            words.append(f"== {line}\n{logs.stdout}{logs.stderr}")
        return "\n".join(words)


# Runs inside: tries them all at once. A gateway that does not answer is known to be none after three seconds.
CONNECT = """
import concurrent.futures, errno, json, socket, sys

def attempt(target):
    try:
        socket.create_connection(tuple(target), 6).close()
    except OSError as error:
        return errno.errorcode.get(error.errno, type(error).__name__)
    return "open"

with concurrent.futures.ThreadPoolExecutor(64) as pool:
    print(json.dumps(list(pool.map(attempt, json.loads(sys.argv[1])))))
"""


def docker(*arguments: str, seconds: float = SECONDS) -> str:
    """What a docker command prints; it must succeed."""
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, timeout=seconds, check=False)
    assert done.returncode == 0, f"docker {' '.join(arguments)}: {done.stderr[-2000:]}"
    return done.stdout


def until(condition: Callable[[], bool], what: str, seconds: float) -> None:
    """Waits for a condition, not longer than so many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds} s in vain for {what}"
        time.sleep(0.5)
