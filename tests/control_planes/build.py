"""The control planes' programs: built from their Go modules, kept under the sum of what went into them. Decides what is built when.

As a program: `build.py [TARGET...]` builds these, or all of them, and prints where; what cannot be built is said. Go's own caches make
a second build of a changed source a matter of seconds; the first one of `mesh` takes some 4 minutes on two cores.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import namespaces

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
KEPT = Path(os.environ.get("DASHGATE_CONTROL_PLANES") or ROOT / "target" / "control-planes")
GO_FLAGS = ["-mod=readonly", "-p=2", "-trimpath"]


class Missing(Exception):
    """What a control plane is built with is not here: the reason, as one line."""


@dataclass(frozen=True)
class Target:
    """Programs of one module, and the files of its dependencies that travel with them."""

    module: str                         # a folder in modules/
    programs: dict[str, str]            # the program's name and its package
    tags: str = ""
    ldflags: str = "-s -w"
    sources: tuple[str, ...] = ()       # of our own, beside go.mod and go.sum
    data: dict[str, tuple[str, ...]] = field(default_factory=dict)    # a Go module, and patterns within it


TARGETS = {
    # The generator calls generated Validate methods, which the tag disable_pgv would take out.
    "mesh": Target("istio", {"mesh": "./mesh"}, tags="vtprotobuf", sources=("mesh/*.go",), data={
        "istio.io/istio": ("manifests/charts/base/files/crd-all.gen.yaml",),
        "sigs.k8s.io/gateway-api": ("config/crd/standard/gateway.networking.k8s.io_*.yaml",),
    }),
    "agent": Target("istio", {"pilot-agent": "istio.io/istio/pilot/cmd/pilot-agent"}, tags="vtprotobuf,disable_pgv",
                    ldflags="-s -w -X istio.io/istio/pkg/version.buildVersion=1.30.3",
                    data={"istio.io/istio": ("tools/packaging/common/envoy_bootstrap.json",)}),
    "gateway": Target("gateway", {"envoy-gateway": "github.com/envoyproxy/gateway/cmd/envoy-gateway"},
                      ldflags="-s -w -X github.com/envoyproxy/gateway/internal/cmd/version.envoyGatewayVersion=v1.9.0",
                      data={"github.com/envoyproxy/gateway": ("charts/gateway-helm/charts/crds/crds/generated/*.yaml",)}),
}


def sources_of(target: Target) -> list[Path]:
    folder = HERE / "modules" / target.module
    own = [path for pattern in target.sources for path in sorted(folder.glob(pattern))]
    return [folder / "go.mod", folder / "go.sum", *own]


def folder_of(name: str) -> Path:
    """Where a target's files are, or will be."""
    target = TARGETS[name]
    total = hashlib.sha256(repr(target).encode())
    for path in sources_of(target):
        total.update(path.read_bytes())
    return KEPT / f"{name}-{total.hexdigest()[:12]}"


def built(name: str) -> Path:
    """The folder of a target, built now if it was not yet."""
    folder = folder_of(name)
    if not folder.is_dir():
        build(name, folder)
    return folder


def build(name: str, folder: Path) -> None:
    if shutil.which("go") is None:
        raise Missing(f"control plane {name}: Go is not here to build it")
    target, started = TARGETS[name], time.monotonic()
    being_built = folder.with_name(f".{folder.name}.{os.getpid()}")
    shutil.rmtree(being_built, ignore_errors=True)
    being_built.mkdir(parents=True)
    try:
        for program, package in target.programs.items():
            say(f"building {program} of {package}: minutes when Go's cache is cold")
            go(target, ["build", *GO_FLAGS, "-tags", target.tags, "-ldflags", target.ldflags, "-o", str(being_built / program), package])
        for module, patterns in target.data.items():
            source = Path(go(target, ["list", "-mod=readonly", "-m", "-f", "{{.Dir}}", module]).strip())
            for path in (path for pattern in patterns for path in source.glob(pattern)):
                shutil.copyfile(path, being_built / path.name)
        being_built.rename(folder)      # only what is whole gets its name
    finally:
        shutil.rmtree(being_built, ignore_errors=True)
    say(f"built {folder} in {time.monotonic() - started:.0f} s")


def go(target: Target, arguments: list[str]) -> str:
    """Runs Go in the target's module, outside the tests' namespaces: it may have to download."""
    environment = {**os.environ, "GOTOOLCHAIN": "local", "CGO_ENABLED": "0", "GOFLAGS": "-buildvcs=false"}
    # The folder is said to Go itself: entering another mount namespace leaves the one this program is in.
    command = [*namespaces.outside(), "nice", "-n", "5", "go", "-C", str(HERE / "modules" / target.module), *arguments]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, pass_fds=namespaces.descriptors())
    if done.returncode != 0:
        raise Missing(f"go {arguments[0]} failed: {done.stderr.strip()[-800:]}")
    return done.stdout


def say(text: str) -> None:
    print(f"control planes: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    for wanted in sys.argv[1:] or TARGETS:
        try:
            print(built(wanted), flush=True)
        except Missing as problem:
            say(f"left out: {problem}")
