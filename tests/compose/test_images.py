"""What the images are made of: packages at the one version that is written down, and the same ones as the demo's."""

import re

import pytest
from engine import docker
from stack import ROOT

CONSTRAINTS = ROOT / "demo/compose/constraints.txt"
PYTHON = ("init", "portal", "bokeh", "panel", "tensorboard", "jupyterlab")


def pins(file: str) -> dict[str, str]:
    """The versions that a file of requirements names, by the package's name as the index spells it in URLs."""
    lines = re.findall(r"^([\w.-]+)==(\S+)", (ROOT / file).read_text(), re.MULTILINE)
    return {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in lines}


@pytest.mark.parametrize("service", PYTHON)
def test_an_image_has_no_package_but_those_written_down(engine, service):
    image = engine.inspect(service)["Image"]
    frozen = docker("run", "--rm", "--network", "none", "--entrypoint", "pip", image, "freeze", "--disable-pip-version-check")
    found = dict(line.split("==") for line in frozen.splitlines())
    written = pins("demo/compose/constraints.txt")
    assert found
    assert {name: version for name, version in found.items() if written.get(re.sub(r"[-_.]+", "-", name).lower()) != version} == {}


def test_the_images_have_the_demo_s_and_the_tests_versions():
    tested = pins("tests/requirements.txt") | pins("tests/dashboards/requirements.txt")
    written = pins("demo/compose/constraints.txt")
    common = tested.keys() & written.keys()
    assert {"bokeh", "panel", "tensorboard", "jupyterlab", "flask", "pyjwt", "cryptography"} <= common
    assert {name: tested[name] for name in common} == {name: written[name] for name in common}
