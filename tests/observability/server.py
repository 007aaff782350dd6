"""One running Prometheus with the shipped configuration, but for its pace and its targets; asked through its HTTP interface."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path

import yaml

from loopback import free_port
from ending import end
from programs import ROOT, program

SHIPPED = ROOT / "envoy/observability"
SCRAPE_SECONDS = 1
SECONDS = 60


class Prometheus:
    """Started on construction, over the metrics listeners of some Envoys by their roles."""

    def __init__(self, targets: dict[str, int], rules: dict | None = None):
        self.instances = {f"127.0.0.1:{port}": role for role, port in targets.items()}
        binary = program("prometheus")
        self.folder = Path(tempfile.mkdtemp(prefix="dashgate-prometheus-"))
        shutil.copytree(SHIPPED, self.folder, dirs_exist_ok=True)
        config = yaml.safe_load((SHIPPED / "prometheus.yml").read_text())
        config["global"] = {"scrape_interval": f"{SCRAPE_SECONDS}s", "evaluation_interval": "1s"}
        (self.folder / "prometheus.yml").write_text(yaml.safe_dump(config))
        (self.folder / "targets.yml").write_text(yaml.safe_dump([{"targets": list(self.instances)}]))
        if rules is not None:
            (self.folder / "keys.yml").write_text(yaml.safe_dump(rules))
        self.port = free_port()
        self.log = self.folder / "prometheus.log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [binary, f"--config.file={self.folder}/prometheus.yml", f"--storage.tsdb.path={self.folder}/data",
                 f"--web.listen-address=127.0.0.1:{self.port}", "--log.level=warn"],
                cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, env={"HOME": str(self.folder)})
        try:
            self.wait("ready", self.is_ready, bool)
            self.wait("every target up", lambda: self.samples('up{job="dashgate"} == 1'), lambda found: len(found) == len(targets))
        except BaseException:
            self.stop()
            raise

    def ask(self, path: str, **parameters: str) -> dict:
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as problem:
            raise AssertionError(f"{parameters}: {problem.read().decode()}") from problem

    def is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/-/ready", timeout=10) as answer:
                return answer.status == 200
        except OSError:     # not listening yet, or 503: still reading its data
            return False

    def samples(self, query: str) -> list[dict]:
        """What a query has now: each sample's labels and value."""
        result = self.ask("query", query=query)["result"]
        return [{"labels": sample["metric"], "value": float(sample["value"][1])} for sample in result]

    def alarms(self) -> set[tuple[str, str]]:
        """Which alerts are true now, each with the role of the Envoy it is about (none for what names no Envoy)."""
        found = set()
        for rule in self.rules():
            for alert in rule["alerts"]:
                found.add((rule["name"], self.instances.get(alert["labels"].get("instance", ""), "none")))
        return found

    def rules(self) -> list[dict]:
        return [rule for group in self.ask("rules")["groups"] for rule in group["rules"] if rule["type"] == "alerting"]

    def wait(self, what: str, asked: Callable, satisfied: Callable, seconds: float = SECONDS):
        deadline = time.monotonic() + seconds
        while not satisfied(found := asked()):
            if self.process.poll() is not None:
                raise AssertionError(f"Prometheus has ended:\n{self.log.read_text()[-2000:]}")
            assert time.monotonic() < deadline, f"not {what} within {seconds} s; there is {str(found)[:2000]}"
            time.sleep(0.1)
        return found

    def wait_for_scrapes(self, count: int = 2) -> None:
        """Until every Envoy was read this often from now on."""
        wanted = time.time() + (count - 1) * SCRAPE_SECONDS
        query = 'min(timestamp(up{job="dashgate"}))'
        self.wait(f"{count} scrapes", lambda: self.samples(query), lambda found: found and found[0]["value"] > wanted)

    def stop(self) -> None:
        end(self.process, seconds=10)
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Prometheus:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
