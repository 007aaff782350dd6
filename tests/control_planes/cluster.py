"""What a cluster holds around the rendered resources: Services, pods, endpoints, the certificate's Secret. Nothing of ours is in it."""

from __future__ import annotations

import base64
from pathlib import Path

GATEWAYS, DASHBOARDS = "istio-ingress", "dashboards"
WORKLOAD = ("istio", "ingressgateway")
SERVICE = "dashboards-istio"        # what Istio calls the Service and the account that it makes for the Gateway `dashboards` of the class `istio`

Document = dict


def namespace(name: str) -> Document:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def service(name: str, where: str, port: int, target: int, address: str, selector: dict | None = None,
            pod: str | None = None) -> list[Document]:
    """A Service and the one endpoint behind it, on this machine."""
    spec = {"clusterIP": address, "ports": [{"name": "http", "port": port, "targetPort": target, "protocol": "TCP"}]}
    if selector:
        spec["selector"] = selector
    endpoint: Document = {"addresses": ["127.0.0.1"], "conditions": {"ready": True}}
    if pod:
        endpoint["targetRef"] = {"kind": "Pod", "name": pod, "namespace": where}
    return [
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": where}, "spec": spec},
        {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
         "metadata": {"name": f"{name}-1", "namespace": where, "labels": {"kubernetes.io/service-name": name}},
         "addressType": "IPv4", "endpoints": [endpoint], "ports": [{"name": "http", "port": target, "protocol": "TCP"}]},
    ]


def pod(name: str, where: str, labels: dict) -> Document:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": where, "labels": labels},
            "spec": {"containers": [{"name": "istio-proxy", "image": "none"}]},
            "status": {"podIP": "127.0.0.1", "phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}}


def secret(name: str, where: str, certificates: Path) -> Document:
    """The certificate as operators bring it."""
    data = {key: base64.b64encode((certificates / file).read_bytes()).decode()
            for key, file in (("tls.crt", "leaf.pem"), ("tls.key", "leaf.key"))}
    return {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": {"name": name, "namespace": where},
            "data": data}


def gateway_class() -> Document:
    return {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "GatewayClass", "metadata": {"name": "istio"},
            "spec": {"controllerName": "istio.io/gateway-controller"}}


def around_a_gateway(labels: dict, port: int, target: int, dashboards: dict[str, int], certificates: Path) -> list[Document]:
    """A gateway's Service leads from the port browsers use to the one its pod listens on: they differ, as they mostly do."""
    found = [namespace(GATEWAYS), namespace(DASHBOARDS), gateway_class(), secret("dashboards-tls", GATEWAYS, certificates),
             pod("gateway", GATEWAYS, labels), *service(SERVICE, GATEWAYS, port, target, "10.0.0.10", labels, "gateway")]
    for number, (name, upstream) in enumerate(dashboards.items()):
        found += service(name, DASHBOARDS, 80, upstream, f"10.0.1.{number + 1}")
    return found


def beside_a_sidecar(dashboard: str, labels: dict, port: int, target: int, mutual: bool) -> list[Document]:
    """A sidecar's inbound listener on loopback, because nothing redirects the pod's traffic here; in plain text, if not told otherwise,
    because no authority signs certificates here."""
    plain = {"apiVersion": "security.istio.io/v1", "kind": "PeerAuthentication",
             "metadata": {"name": "default", "namespace": "istio-system"}, "spec": {"mtls": {"mode": "DISABLE"}}}
    found = [
        namespace("istio-system"), namespace(DASHBOARDS), pod("app", DASHBOARDS, labels),
        *service(dashboard, DASHBOARDS, 80, port, "10.0.1.1", labels, "app"),
        {"apiVersion": "networking.istio.io/v1", "kind": "Sidecar", "metadata": {"name": "app", "namespace": DASHBOARDS},
         "spec": {"workloadSelector": {"labels": labels},
                  "ingress": [{"port": {"number": port, "name": "http", "protocol": "HTTP"}, "bind": "127.0.0.1",
                               "captureMode": "NONE", "defaultEndpoint": f"127.0.0.1:{target}"}],
                  "egress": [{"hosts": ["~/*"], "captureMode": "NONE"}]}},
    ]
    return found if mutual else [*found, plain]
