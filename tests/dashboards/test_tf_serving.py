"""TensorFlow Serving's REST and gRPC behind the gate, by a stand-in with the real messages: tf_serving.py."""

import contextlib
import json
import time
from collections.abc import Iterator
from dataclasses import replace

import grpc
import pytest

import probes
from client import Answer, Client
from dashboards import Dashboard
from probes import Door, Probe
from stand import SKEW_SECONDS, Stand, until

try:
    import tf_serving_protos as protos
except ImportError:
    pytest.skip("the messages of TensorFlow Serving are not in target/tf-serving", allow_module_level=True)

from tf_serving_server import GRPC, SERVING

DASHBOARDS: list[Dashboard] = [SERVING]
MODEL = "/v1/models/half_plus_two"
FOREIGN = "https://evil.test"
SENTENCES = {
    grpc.StatusCode.UNAUTHENTICATED: (
        "There is no valid session for this dashboard. Sign in at your portal and press Connect."
    ),
    grpc.StatusCode.PERMISSION_DENIED: "This request is not allowed here.",
}
# What a program sends besides the instances, given a good token, and the answer.
OUT_OF_ORDER = {
    "no bearer": (lambda token: {}, 401),
    "a bad bearer": (lambda token: {"Authorization": f"Bearer {probes.spoilt(token)}"}, 401),
    "a foreign Origin": (lambda token: {"Authorization": f"Bearer {token}", "Origin": FOREIGN}, 403),
    "a session cookie and no Origin": (lambda token: {"Cookie": f"__Host-dashgate-serving={token}"}, 403),
    "a session cookie beside the bearer": (
        lambda token: {"Authorization": f"Bearer {token}", "Cookie": f"__Host-dashgate-serving={token}"}, 403
    ),
}
INSTANCES = '{"instances": [1, 2, 5], "pad": "="}'


def _elsewhere(path: str) -> Probe:
    return lambda good: replace(good, door=Door(path), cookies=())


MORE: dict[str, Probe] = {
    "a query beside everything in order: ?token=x": lambda good: replace(good, query=("token=x",)),
    "the path in other letters, no credential: /V1/MODELS/half_plus_two": _elsewhere("/V1/MODELS/half_plus_two"),
    "a letter of it encoded, no credential: /v1/models/half%5Fplus_two": _elsewhere("/v1/models/half%5Fplus_two"),
    "a preflight from a foreign Origin": lambda good: replace(
        good, method="OPTIONS", origin=FOREIGN, cookies=(), lines=("Access-Control-Request-Method: POST",)
    ),
    "a form posted to :predict from a foreign Origin": lambda good: replace(
        good, door=Door(f"{MODEL}:predict"), method="POST", origin=FOREIGN, lines=("Content-Type: text/plain",),
        body=INSTANCES,
    ),
}

EXPECTED: probes.Table = {
    "everything in order": ("200", "200"),
    "no credential at all": ("200", "401 session_missing"),
    "credentials in the query only": ("404", "401 session_missing"),
    "no Origin": ("200", "200"),
    "a foreign Origin": ("200", "403 origin_not_allowed"),
    "a foreign Origin with Sec-Fetch-Site: same-origin": ("200", "403 origin_not_allowed"),
    "a foreign Host with the Origin to match (DNS rebinding)": ("200", "404 dashboard_not_found"),
    "each cookie twice: good, then bad": ("200", "403 credential_repeated"),
    "each cookie twice: bad, then good": ("200", "403 credential_repeated"),
    "a query beside everything in order: ?token=x": ("404", "404"),
    "the path in other letters, no credential: /V1/MODELS/half_plus_two": ("200", "401 session_missing"),
    "a letter of it encoded, no credential: /v1/models/half%5Fplus_two": ("200", "401 session_missing"),
    "a preflight from a foreign Origin": ("200", "403 origin_not_allowed"),
    "a form posted to :predict from a foreign Origin": ("200", "403 origin_not_allowed"),
}


def test_the_same_requests_at_its_own_port_and_at_the_gate(stand):
    assert probes.measure(stand, "serving", [Door(MODEL)], MORE) == EXPECTED


@pytest.mark.parametrize("path", [f"{MODEL}:predict", "/V1/Models/half_plus_two/VERSIONS/123:PREDICT"])
def test_a_program_with_a_bearer_predicts_over_rest_and_the_path_goes_up_as_it_came(stand, path):
    since = _log(stand).stat().st_size
    answer = _rest(stand, "POST", path, {"Authorization": f"Bearer {stand.token('serving')}"}, INSTANCES.encode())
    assert (answer.status, json.loads(answer.body)) == (200, {"predictions": [2.5, 3, 4.5]})
    arrived = _heard(stand, since, "method")
    assert (arrived["method"], arrived["target"]) == ("POST", path)
    headers = dict(arrived["headers"])
    assert headers["x-dashgate-subject"] == "ana"
    assert headers.keys() & {"authorization", "cookie", "grpc-timeout", "origin"} == set()


@pytest.mark.parametrize("wrong", OUT_OF_ORDER)
def test_a_program_that_is_not_in_order_gets_json_and_nothing_goes_up(stand, wrong):
    headers, status = OUT_OF_ORDER[wrong]
    forwarded = stand.forwarded("serving")
    answer = _rest(stand, "POST", f"{MODEL}:predict", headers(stand.token("serving")), INSTANCES.encode())
    assert (answer.status, answer.headers["content-type"]) == (status, "application/json")
    assert stand.forwarded("serving") == forwarded


def test_grpc_calls_with_a_bearer_work_and_the_bearer_stays_at_the_gate(stand):
    since = _log(stand).stat().st_size
    with _channel(stand) as channel:
        answer = _predict(channel, _bearer(stand))
        assert (list(answer.outputs["y"].float_val), answer.model_spec.version.value) == ([2.5, 3, 4.5], 123)
        arrived = _heard(stand, since, "call")
        metadata = dict(arrived["metadata"])
        assert (arrived["call"], metadata["x-dashgate-subject"]) == ("Predict", "ana")
        assert "authorization" not in metadata
        # No deadline of the client's: the session's end is all there is.
        assert 3600 < arrived["seconds_left"] <= 3600 + SKEW_SECONDS
        request = protos.get_model_status_pb2.GetModelStatusRequest()
        request.model_spec.name = "half_plus_two"
        stub = protos.model_service_pb2_grpc.ModelServiceStub(channel)
        status = stub.GetModelStatus(request, metadata=_bearer(stand), timeout=10)
        assert [(version.version, version.state) for version in status.model_version_status] == [(123, 30)]


def test_grpc_refusals_are_grpc_statuses_and_nothing_goes_up(stand):
    expired = int(time.time()) - SKEW_SECONDS - 1
    bearer = _bearer(stand)
    refused = grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED
    cases = [
        ((), refused[0]),
        (_bearer(stand, iat=expired - 60, exp=expired), refused[0]),
        ((("authorization", "Bearer x.y.z"),), refused[0]),
        ((*bearer, ("origin", FOREIGN)), refused[1]),
        ((("cookie", f"__Host-dashgate-serving={stand.token('serving')}"),), refused[1]),
        ((*bearer, ("cookie", f"__Host-dashgate-serving={stand.token('serving')}")), refused[1]),
    ]
    forwarded = stand.forwarded(GRPC)
    with _channel(stand) as channel:
        for metadata, expected in cases:
            error = _failure(channel, metadata)
            assert (error.code(), error.details()) == (expected, SENTENCES[expected]), metadata
    with _channel(stand, "127.0.0.1") as channel:  # by another name, which its certificate has too
        assert _failure(channel, bearer).code() == refused[1]
    assert stand.forwarded(GRPC) == forwarded


def test_the_client_s_shorter_deadline_goes_up_and_ends_the_call_there(stand):
    since = _log(stand).stat().st_size
    with _channel(stand) as channel:
        started = time.monotonic()
        assert _failure(channel, _bearer(stand), "slow", timeout=1.5).code() == grpc.StatusCode.DEADLINE_EXCEEDED
        assert 1.4 < time.monotonic() - started < 3
    assert 0.5 < _heard(stand, since, "seconds_left")["seconds_left"] <= 1.5
    assert _heard(stand, since, "ended")["ended"]


def test_the_session_s_end_ends_a_call_whose_client_would_have_waited_longer(stand):
    since, ends = _log(stand).stat().st_size, int(time.time()) + 4
    with _channel(stand) as channel:
        bearer = _bearer(stand, iat=ends - 60, exp=ends - SKEW_SECONDS)
        error = _failure(channel, bearer, "slow", timeout=60)
        assert (error.code(), -0.5 < time.time() - ends <= 2) == (grpc.StatusCode.DEADLINE_EXCEEDED, True)
    assert 2 < _heard(stand, since, "seconds_left")["seconds_left"] <= 4
    assert _heard(stand, since, "ended")["ended"]


def _rest(stand: Stand, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
    url = stand.stack.origin("serving") + path
    return Client(stand.stack.authority).request(method, url, headers | {"Content-Type": "application/json"}, body=body)


@contextlib.contextmanager
def _channel(stand: Stand, host: str = "serving.localhost") -> Iterator[grpc.Channel]:
    """A channel over TLS to the gate's port, whose certificate is checked. `host` is what the calls name."""
    port = stand.stack.ports["dashboards"]
    options = [
        ("grpc.ssl_target_name_override", host), ("grpc.default_authority", f"{host}:{port}"),
        ("grpc.enable_http_proxy", 0),
    ]
    trusted = grpc.ssl_channel_credentials(stand.stack.authority.read_bytes())
    with grpc.secure_channel(f"127.0.0.1:{port}", trusted, options) as channel:
        yield channel


def _bearer(stand: Stand, **changed) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {stand.token('serving', **changed)}"),)


def _predict(channel: grpc.Channel, metadata, model: str = "half_plus_two", timeout: float | None = None):
    request = protos.predict_pb2.PredictRequest()
    request.model_spec.name = model
    request.inputs["x"].dtype = protos.types_pb2.DT_FLOAT
    request.inputs["x"].tensor_shape.dim.add(size=3)
    request.inputs["x"].float_val.extend([1, 2, 5])
    return protos.prediction_service_pb2_grpc.PredictionServiceStub(channel).Predict(
        request, metadata=metadata, timeout=timeout
    )


def _failure(channel: grpc.Channel, metadata, model: str = "half_plus_two", timeout: float = 10) -> grpc.RpcError:
    with pytest.raises(grpc.RpcError) as caught:
        _predict(channel, metadata, model, timeout)
    return caught.value


def _log(stand: Stand):
    return stand.stack.processes.log("serving")


def _heard(stand: Stand, since: int, key: str) -> dict:
    """The first thing with this key that the server has told from `since` on; waits until it has."""
    found: list[dict] = []

    def look() -> bool:
        lines = _log(stand).read_bytes()[since:].splitlines(keepends=True)
        found[:] = [told for line in lines if line.endswith(b"\n") and key in (told := json.loads(line))]
        return bool(found)

    until(look, f"the server to tell of {key}")
    return found[0]
