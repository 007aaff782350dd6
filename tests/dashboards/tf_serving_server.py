"""TensorFlow Serving, or what stands in for it, behind the gate: one entry in the policy, two clusters."""

import copy
import sys
from pathlib import Path

from dashboards import Dashboard
from stack import Stack

HERE = Path(__file__).resolve().parent
GRPC = "serving-grpc"


def run(stack: Stack) -> None:
    """Starts the stand-in with its REST and its gRPC port."""
    ports = [str(stack.ports[name]) for name in ("serving", GRPC)]
    stack.run("serving", [sys.executable, str(HERE / "tf_serving.py"), *ports])


def send_grpc_elsewhere(routes: list[dict], clusters: list[dict]) -> None:
    """Gives the gRPC route a cluster of its own: another port, and HTTP/2, without which there is no gRPC."""
    cluster = copy.deepcopy(clusters[-1])
    cluster["name"] = cluster["load_assignment"]["cluster_name"] = GRPC
    (options,) = cluster["typed_extension_protocol_options"].values()
    options["explicit_http_config"] = {"http2_protocol_options": {}}
    clusters.append(cluster)
    (route,) = (route for route in routes if "grpc" in route["match"])
    route["route"]["cluster"] = GRPC


SERVING = Dashboard(
    "serving", "TensorFlow Serving", "Half of it, plus two.", run,
    policy={"sessions": ["portal"], "missing_origin": "allow_with_bearer"},
    ports=(GRPC,), arrange=send_grpc_elsewhere,
)
