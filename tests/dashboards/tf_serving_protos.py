"""The messages of TensorFlow Serving from target/tf-serving: its own package, and TensorFlow's without the rest."""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool

PACKAGES = Path(__file__).resolve().parents[2] / "target/tf-serving"
ERROR_CODES = "tensorflow.core.protobuf.error_codes_pb2"


@contextlib.contextmanager
def _importable() -> Iterator[None]:
    """Puts the packages on the path, and takes TensorFlow's name back afterwards.

    TensorBoard, which shares this process in the tests, takes whatever is called tensorflow for the whole of it.
    """
    paths = [str(PACKAGES / "tensorflow-serving-api"), str(PACKAGES / "tensorflow-protobuf")]
    sys.path += paths
    try:
        _supply_error_codes()
        yield
    finally:
        for path in paths:
            sys.path.remove(path)
        for name in [name for name in sys.modules if name.partition(".")[0] == "tensorflow"]:
            del sys.modules[name]


def _supply_error_codes() -> None:
    """TensorFlow's error codes, which are gRPC's by name and number: the older package has them elsewhere."""
    file = descriptor_pb2.FileDescriptorProto(
        name="tensorflow/core/protobuf/error_codes.proto", package="tensorflow.error", syntax="proto3"
    )
    codes = file.enum_type.add(name="Code")
    for code in grpc.StatusCode:
        codes.value.add(name=code.name, number=code.value[0])
    descriptor_pool.Default().AddSerializedFile(file.SerializeToString())
    module = sys.modules[ERROR_CODES] = ModuleType(ERROR_CODES)
    module.xla_dot_tsl_dot_protobuf_dot_error__codes__pb2 = module  # by this name TensorFlow Serving asks for it


with _importable():
    from tensorflow.core.framework import types_pb2  # noqa: F401
    from tensorflow_serving.apis import (  # noqa: F401
        get_model_status_pb2,
        model_service_pb2_grpc,
        predict_pb2,
        prediction_service_pb2_grpc,
    )
