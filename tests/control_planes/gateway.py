"""What `dashgate render --for envoy-gateway` makes of the tests' policy, served by the real Envoy Gateway, asked like any edge.

Nothing of the output is replaced: ports, upstreams, certificate and image are what the deployment says. `edit` is a test's own change.
"""

from __future__ import annotations

from collections.abc import Callable

import build
import namespaces
import rendered
from client import Http1
from envoy_gateway import EnvoyGateway
from loopback import free_port
from registry import Registry, published
from stage import Stage
from upstream import Upstream

NAMESPACE, NAME, CERTIFICATE = "dashboards", "dashboards", "dashboards-tls"
# As docs/envoy-gateway.md has an operator set it; Lua is for what tests put beside the gate.
APIS = {"enableBackend": True, "enableEnvoyPatchPolicy": True, "enableLua": True}

Documents = list[dict]


class Gateway(Stage):
    """One Envoy Gateway, its Envoy, the registry it pulls from, the upstream that records."""

    def __init__(self, policy: dict, edit: Callable[[Documents], None] | None = None, apis: dict[str, bool] | None = None):
        program = build.built("gateway") / "envoy-gateway"      # before there is no network any more
        namespaces.enter()
        names = [dashboard["name"] for dashboard in policy["dashboards"]]
        image = published()
        self.upstream = Upstream(names)
        self.registry = Registry(image)
        self.edge = None
        try:
            self.listen, self.redirect = namespaces.keep(free_port()), namespaces.keep(free_port())
            documents = rendered.documents(rendered.text_of(
                "envoy-gateway", policy, "envoy-gateway", namespace=NAMESPACE, port=self.listen, redirect=self.redirect,
                module=f"oci://127.0.0.1:{self.registry.port}/dashgate:test@{image.digest}",
                upstreams={name: f"127.0.0.1:{self.upstream.port(name)}" for name in names}))
            if edit is not None:
                edit(documents)
            self.edge = EnvoyGateway(program, documents, self.listen, CERTIFICATE, NAMESPACE, apis or APIS)
        except BaseException:
            self.stop()
            raise

    def plain(self) -> Http1:
        """A connection to the listener without TLS."""
        return Http1(self.redirect, None)

    def stop(self) -> None:
        if self.edge is not None:
            self.edge.stop()
        self.registry.stop()
        self.upstream.stop()


def the(documents: Documents, kind: str, name: str | None = None) -> dict:
    return rendered.the(documents, kind, name)


def without(kind: str) -> Callable[[Documents], None]:
    """An edit that takes the resources of a kind out."""
    def edit(documents: Documents) -> None:
        kept = [one for one in documents if one["kind"] != kind]
        assert len(kept) < len(documents)
        documents[:] = kept
    return edit


def patches(documents: Documents) -> list[dict]:
    return the(documents, "EnvoyPatchPolicy")["spec"]["jsonPatches"]


def lock(patch: dict) -> bool:
    """Whether this patch is the lock behind the gate."""
    value = patch["operation"].get("value")
    return isinstance(value, dict) and value.get("name") == "dashgate.lock"
