"""Each way of leaving a gateway or a sidecar open, written into the shipped files: `dashgate check` finds every one, and says which."""

import subprocess
from dataclasses import dataclass

import pytest
import yaml

import test_istio_locks as locks
from bootstrap import ROOT
from rendered import DASHGATE, documents, the

SHIPPED = ROOT / "envoy" / "istio"
EXTENSIONS, FILTER = ("trafficextension", "wasmplugin"), ("envoyfilter",)
CLASSIC, GATEWAY_API, SIDECAR = ("",), ("gateway-api-",), ("sidecar-",)      # a Gateway of the Gateway API is named, not labelled
GATEWAYS = (*CLASSIC, *GATEWAY_API)
EVERYWHERE = (*GATEWAYS, *SIDECAR)


def checked(path):
    done = subprocess.run([str(DASHGATE), "check", "--no-keys", str(path)], capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def gone_behind_the_router(documents):
    patch = locks.placed(documents)
    patch["match"]["listener"]["filterChain"]["filter"]["subFilter"] = {"name": "envoy.filters.http.router"}
    patch["patch"]["operation"] = "INSERT_AFTER"


def without_locks(documents):
    documents.remove(the(documents, "EnvoyFilter", "dashgate-locks"))


def open_when_it_fails(documents):
    spec = locks.extension(documents)["spec"]
    spec.get("wasm", spec)["failStrategy"] = "FAIL_OPEN"


def patched_open_when_it_fails(documents):
    patch = locks.patch_of(documents, "EXTENSION_CONFIG")["patch"]
    patch["value"]["typed_config"]["config"]["failure_policy"] = "FAIL_OPEN"


def for_a_clients_side(documents):
    locks.extension(documents)["spec"]["match"] = [{"mode": "CLIENT"}]


def for_another_app(documents):
    locks.extension(documents)["spec"]["selector"]["matchLabels"] = {"app": "tensorbord"}


def in_the_gateways_namespace(documents):
    locks.extension(documents)["metadata"]["namespace"] = "istio-ingress"


def patched_for_a_gateway(documents):
    locks.placed(documents)["match"]["context"] = "GATEWAY"


def patched_for_what_goes_out(documents):
    locks.placed(documents)["match"]["context"] = "SIDECAR_OUTBOUND"


def patched_for_another_app(documents):
    the(documents, "EnvoyFilter", "dashgate")["spec"]["workloadSelector"]["labels"] = {"app": "tensorbord"}


def patched_in_the_gateways_namespace(documents):
    the(documents, "EnvoyFilter", "dashgate")["metadata"]["namespace"] = "istio-ingress"


@dataclass
class Trap:
    """A change to the shipped files of some forms in some places, and what is said of it: one text for each problem, and no other."""

    change: object
    forms: tuple[str, ...]
    places: tuple[str, ...]
    told: tuple[str, ...]


NO_MORE = ("backends' answers keep service-worker-allowed,", "sets max_stream_duration.grpc_timeout_header_max on the routes")
LOCKED_ELSEWHERE = ("has no lock: the RBAC filter that demands filter state wasm.dashgate_dashboard is for something else, or nowhere", *NO_MORE)
TRAPS = [
    # Istio's own kinds.
    Trap(locks.removed, EXTENSIONS, EVERYWHERE, ("no dashgate filter found in ",)),
    Trap(locks.for_the_services_port, EXTENSIONS, GATEWAYS, ("spec.match[0].ports: on a gateway is the pod's own port,",)),
    Trap(locks.for_a_servers_side, EXTENSIONS, GATEWAYS, ("spec.match[0].mode: is for what comes in to a sidecar;",)),
    Trap(for_a_clients_side, EXTENSIONS, SIDECAR, ("spec.match[0].mode: is for what a workload sends:",)),
    Trap(locks.for_another_label, EXTENSIONS, CLASSIC, ("Gateway istio-ingress/dashboards has istio: ingressgateway, not ingres-gateway",)),
    Trap(locks.for_another_gateway, EXTENSIONS, GATEWAY_API, ("Gateway istio-ingress/dashboards is not named",)),
    Trap(for_another_app, EXTENSIONS, SIDECAR, ("PeerAuthentication dashboards/tensorboard has app: tensorboard, not tensorbord",)),
    Trap(locks.in_another_namespace, EXTENSIONS, GATEWAYS, ("Gateway istio-ingress/dashboards is in namespace istio-ingress, not dashboards",)),
    Trap(in_the_gateways_namespace, EXTENSIONS, SIDECAR,
         ("PeerAuthentication dashboards/tensorboard is in namespace dashboards, not istio-ingress",)),
    Trap(locks.beside_lua, ("trafficextension",), EVERYWHERE, ("spec.lua: stands beside wasm: Istio takes the lua and drops the gate",)),
    Trap(open_when_it_fails, EXTENSIONS, EVERYWHERE, ("failStrategy: lets every request through unchecked",)),
    # An EnvoyFilter.
    Trap(locks.patched_for_the_services_port, FILTER, GATEWAYS,
         ("spec.configPatches[1].match.listener.portNumber: on a gateway is the pod's own port,",)),
    Trap(locks.patched_before_a_misspelt_filter, FILTER, EVERYWHERE,
         ("filterChain.filter.subFilter.name: names no filter that there is; envoy.filters.http.router is:",)),
    Trap(locks.patched_into_a_misspelt_manager, FILTER, EVERYWHERE,
         ("filterChain.filter.name: names no filter that there is; envoy.filters.network.http_connection_manager is:",)),
    Trap(locks.patched_for_a_sidecar, FILTER, GATEWAYS,
         ("configPatches[0].match.context: is GATEWAY, and the HTTP_FILTER's is SIDECAR_INBOUND:",
          "configPatches[1].match.context: is for sidecars, and what this applies to is a gateway:", *LOCKED_ELSEWHERE)),
    Trap(patched_for_a_gateway, FILTER, SIDECAR,
         ("configPatches[0].match.context: is SIDECAR_INBOUND, and the HTTP_FILTER's is GATEWAY:",
          "configPatches[1].match.context: is for gateways, and what this applies to is none:", *LOCKED_ELSEWHERE)),
    Trap(patched_for_what_goes_out, FILTER, SIDECAR,
         ("configPatches[0].match.context: is SIDECAR_INBOUND, and the HTTP_FILTER's is SIDECAR_OUTBOUND:",
          "configPatches[1].match.context: is not where requests to dashboards come in:")),
    Trap(locks.patched_for_another_label, FILTER, CLASSIC, ("Gateway istio-ingress/dashboards has istio: ingressgateway, not ingres-gateway",)),
    Trap(locks.patched_for_another_gateway, FILTER, GATEWAY_API, ("Gateway istio-ingress/dashboards is not named",)),
    Trap(patched_for_another_app, FILTER, SIDECAR, ("PeerAuthentication dashboards/tensorboard has app: tensorboard, not tensorbord",)),
    Trap(locks.patched_in_another_namespace, FILTER, GATEWAYS,
         ("Gateway istio-ingress/dashboards is in namespace istio-ingress, not dashboards",)),
    Trap(patched_in_the_gateways_namespace, FILTER, SIDECAR,
         ("PeerAuthentication dashboards/tensorboard is in namespace dashboards, not istio-ingress",)),
    Trap(locks.disarmed_by_its_capabilities, FILTER, EVERYWHERE,
         ("capability_restriction_config: lacks proxy_on_delete, proxy_on_request_headers,",)),
    Trap(locks.in_the_wrong_order, FILTER, EVERYWHERE, ("stands before the gate, which has not said yet what it demands:",)),
    Trap(gone_behind_the_router, FILTER, EVERYWHERE, ("patch.operation: INSERT_AFTER puts the gate after the router, where nothing runs;",)),
    Trap(patched_open_when_it_fails, FILTER, EVERYWHERE, ("failure_policy: lets every request through unchecked",)),
    # Whatever brings the gate.
    Trap(locks.upgraded_past_the_filters, (*EXTENSIONS, *FILTER), EVERYWHERE,
         ("EnvoyFilter {}/manager: spec.configPatches[0].patch.value.typed_config.upgrade_configs[0].filters: run instead of http_filters",)),
    Trap(without_locks, (*EXTENSIONS, *FILTER), EVERYWHERE,
         ("has no lock: no RBAC filter after the gate demands filter state wasm.dashgate_dashboard,", *NO_MORE)),
]
CASES = [(f"{place}{form}", trap) for trap in TRAPS for form in trap.forms for place in trap.places]


def test_every_trap_of_the_locks_is_here():
    assert {trap[0] for trap in locks.TRAPS} <= {trap.change for trap in TRAPS}


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_shipped_files_are_fine(path):
    assert {f"{place}{form}" for place in EVERYWHERE for form in (*EXTENSIONS, *FILTER)} >= {path.stem}     # and have their traps
    code, said = checked(path)
    assert (code, "no problems, no warnings" in said) == (0, True), said


@pytest.mark.parametrize("name,trap", CASES, ids=[f"{name}-{trap.change.__name__}" for name, trap in CASES])
def test_check_finds_it(tmp_path, name, trap):
    tree = documents((SHIPPED / f"{name}.yaml").read_text())
    trap.change(tree)
    (tmp_path / "trap.yaml").write_text(yaml.safe_dump_all(tree))
    code, said = checked(tmp_path / "trap.yaml")
    problems = [line for line in said.splitlines() if " problem: " in line]
    assert (code, len(problems)) == (1, len(trap.told)), said
    where = "dashboards" if name.startswith(SIDECAR) else "istio-ingress"
    for text in trap.told:
        assert [line for line in problems if text.format(where) in line] != [], said


@pytest.mark.parametrize("form", [*EXTENSIONS, *FILTER])
def test_one_port_of_a_sidecar_is_a_warning(tmp_path, form):
    """The pod may have no other: whoever wrote it knows, the files do not."""
    tree = documents((SHIPPED / f"sidecar-{form}.yaml").read_text())
    if form in FILTER:
        locks.placed(tree)["match"]["listener"]["portNumber"] = 6006
    else:
        locks.extension(tree)["spec"]["match"] = [{"mode": "SERVER", "ports": [{"number": 6006}]}]
    (tmp_path / "trap.yaml").write_text(yaml.safe_dump_all(tree))
    code, said = checked(tmp_path / "trap.yaml")
    told = "portNumber: leaves out the gate on every other port" if form in FILTER else "ports: is the port on which the workload listens:"
    assert (code, "no problems, 1 warning" in said, told in said) == (0, True, True), said
