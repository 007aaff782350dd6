"""A stand-in for TensorFlow Serving, whose own server is in no package registry.

It speaks the real messages over the real gRPC, and REST as the real one does where that matters to a gate: paths in any
case, matched together with the query. Its models are half_plus_two, and slow, which answers only when the caller has
gone. What it gets, it prints.
"""

import json
import re
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

import grpc
from tf_serving_protos import (
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
    types_pb2,
)

MODEL, SLOW = "half_plus_two", "slow"
VERSION = 123
WHICH = r"/v1/models/([^/:]+)(?:/versions/(\d+)|/labels/([^/:]+))?"
PREDICT = re.compile(rf"{WHICH}:(?:classify|regress|predict)", re.IGNORECASE)
STATUS = re.compile(rf"{WHICH}(/metadata)?", re.IGNORECASE)


def tell(**what) -> None:
    """Prints one line of JSON."""
    print(json.dumps(what), flush=True)


class Rest(BaseHTTPRequestHandler):
    """The REST interface, as with --rest_api_enable_cors_support."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """A model's status."""
        self._tell()
        if self._model(STATUS) is not None:
            state = {"version": str(VERSION), "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
            self._answer(200, {"model_version_status": [state]})

    def do_POST(self) -> None:
        """A prediction."""
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._tell()
        if self._model(PREDICT) is None:
            return
        try:
            instances = [float(instance) for instance in json.loads(content)["instances"]]
        except (ValueError, KeyError, TypeError):
            self._answer(400, {"error": "JSON Parse error: Invalid value. at offset: 0"})
            return
        self._answer(200, {"predictions": [half_plus_two(instance) for instance in instances]})

    def do_OPTIONS(self) -> None:
        """A preflight: everybody may."""
        self._tell()
        self._answer(200, None)

    def _model(self, pattern: re.Pattern) -> str | None:
        """The model that the target names; answers 404 itself where it names none."""
        match = pattern.fullmatch(self.path)
        if match is None:
            self._answer(404, {"error": f"Malformed request: {self.command} {self.path}"})
            return None
        model = unquote(match[1])
        if model != MODEL:
            self._answer(404, {"error": f"Could not find any versions of model {model}"})
            return None
        return model

    def _answer(self, status: int, body: dict | None) -> None:
        content = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Access-Control-Allow-Origin", "*")
        self.send_header("Access-Control-Allow-Methods", "GET, POST")
        self.send_header("Access-Control-Allow-Headers", "*")
        self.end_headers()
        self.wfile.write(content)

    def _tell(self) -> None:
        headers = sorted((name.lower(), value) for name, value in self.headers.items())
        tell(method=self.command, target=self.path, headers=headers)

    def log_message(self, *_arguments) -> None:
        """Prints nothing of its own."""


class Prediction(prediction_service_pb2_grpc.PredictionServiceServicer):
    """tensorflow.serving.PredictionService."""

    def Predict(self, request, context):  # noqa: N802
        """Half of each value, plus two."""
        hear("Predict", context)
        if request.model_spec.name == SLOW:
            gone = threading.Event()
            context.add_callback(gone.set)
            gone.wait()
            tell(call="Predict", ended=True)
        if request.model_spec.name != MODEL:
            context.abort(grpc.StatusCode.NOT_FOUND, f"Servable not found for request: {request.model_spec.name}")
        answer = predict_pb2.PredictResponse()
        answer.model_spec.name, answer.model_spec.version.value = MODEL, VERSION
        answer.outputs["y"].dtype = types_pb2.DT_FLOAT
        answer.outputs["y"].tensor_shape.CopyFrom(request.inputs["x"].tensor_shape)
        answer.outputs["y"].float_val.extend(half_plus_two(value) for value in request.inputs["x"].float_val)
        return answer


class Model(model_service_pb2_grpc.ModelServiceServicer):
    """tensorflow.serving.ModelService."""

    def GetModelStatus(self, request, context):  # noqa: N802
        """The one version is available."""
        hear("GetModelStatus", context)
        if request.model_spec.name != MODEL:
            context.abort(grpc.StatusCode.NOT_FOUND, f"Could not find any versions of model {request.model_spec.name}")
        answer = get_model_status_pb2.GetModelStatusResponse()
        answer.model_version_status.add(version=VERSION, state=get_model_status_pb2.ModelVersionStatus.AVAILABLE)
        return answer


def half_plus_two(value: float) -> float:
    """The model."""
    return value / 2 + 2


def hear(call: str, context) -> None:
    """Prints who calls and how long that may take."""
    metadata = sorted((name, value) for name, value in context.invocation_metadata() if isinstance(value, str))
    tell(call=call, metadata=metadata, seconds_left=context.time_remaining())


def main(rest_port: int, grpc_port: int) -> None:
    """Serves both on loopback."""
    server = grpc.server(ThreadPoolExecutor(8))
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(Prediction(), server)
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(Model(), server)
    server.add_insecure_port(f"127.0.0.1:{grpc_port}")
    server.start()
    ThreadingHTTPServer(("127.0.0.1", rest_port), Rest).serve_forever()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
