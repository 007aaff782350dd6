"""The receiving end of traces: takes OTLP over HTTP, as any collector does, and keeps every span as it came."""

from __future__ import annotations

import time

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest, ExportTraceServiceResponse
from opentelemetry.proto.trace.v1.trace_pb2 import Span

import loopback
from upstream import read_chunks


class Collector(loopback.Server):
    """Listens on a free loopback port from construction on."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.requests: list[ExportTraceServiceRequest] = []
        collector = self

        class Handler(loopback.Handler):
            def do_POST(self) -> None:
                body = read_chunks(self.rfile)[0] if "transfer-encoding" in self.headers else self.rfile.read(int(self.headers["content-length"]))
                collector.bodies.append(str(self.headers).encode() + body)
                if self.path == "/v1/traces" and self.headers["content-type"] == "application/x-protobuf":
                    collector.requests.append(ExportTraceServiceRequest.FromString(body))
                    answer, status = ExportTraceServiceResponse().SerializeToString(), 200
                else:
                    answer, status = b"", 404
                self.send_response(status)
                self.send_header("content-type", "application/x-protobuf")
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

        super().__init__(Handler)

    def spans(self) -> list[Span]:
        return [span for request in list(self.requests) for resource in request.resource_spans
                for scope in resource.scope_spans for span in scope.spans]

    def wait_for(self, name: str, value: str, count: int = 1, seconds: float = 20) -> list[Span]:
        """The spans with this attribute, once there are so many."""
        deadline = time.monotonic() + seconds
        while len(found := [span for span in self.spans() if attributes(span).get(name) == value]) < count:
            assert time.monotonic() < deadline, f"{len(found)} spans with {name}={value}; there are {[attributes(span) for span in self.spans()]}"
            time.sleep(0.05)
        return found

    def __enter__(self) -> Collector:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def attributes(span: Span) -> dict[str, str]:
    return {one.key: one.value.string_value for one in span.attributes}
