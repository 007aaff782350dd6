"""The image as `cargo xtask image` writes it, made once from the module under test."""

import os
import sys
from pathlib import Path

import pytest

from packing import pack

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

WASM = Path(os.environ.get("DASHGATE_WASM", ROOT / "target/dashgate.wasm"))


@pytest.fixture(scope="session")
def module() -> Path:
    """The filter as it is built."""
    if not WASM.is_file():
        pytest.fail(f"{WASM} is missing: cargo xtask build", pytrace=False)
    return WASM


@pytest.fixture(scope="session")
def image(module, tmp_path_factory):
    """The layout's directory, and the digests that were printed."""
    directory = tmp_path_factory.mktemp("image") / "layout"
    return directory, pack(module, directory)
