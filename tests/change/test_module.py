"""The module's file replaced: nothing happens by itself; named anew it is loaded beside the old one, which ends with its streams."""

import shutil

import bootstrap
import certificates
import pytest
from discovered import Discovered, Load, alive
from sessions import session
from stage import cookie

VMS = "wasm.envoy.wasm.runtime.v8.active"


class Replaceable(Discovered):
    """An edge with a module of its own, that can be replaced."""

    def discover(self, tree):
        super().discover(tree)
        self.module = self.file.with_name("dashgate.wasm")
        shutil.copy(bootstrap.module(), self.module)
        self.gate["config"]["vm_config"]["code"]["local"]["filename"] = str(self.module)
        self.write(self.gate)


@pytest.fixture
def stage():
    with Replaceable() as stage:
        stage.until("config_reload", 1)
        yield stage


def another() -> bytes:
    """The module with one more custom section: another hash, the same behaviour."""
    return bootstrap.module().read_bytes() + b"\0\x02\x01x"


def test_a_new_file_under_the_old_name_changes_nothing_until_the_configuration_does(stage):
    before = stage.edge.stat(VMS)
    certificates.replace(stage.module, b"this is no module")
    stage.write(stage.gate)                             # the same text: Envoy sees the file and compares
    stage.until("update_success", 2)
    stage.permits("http1", headers=cookie("training", session("training")))
    assert (stage.edge.stat(VMS), stage.edge.stat("extension_config_discovery.http_filter.dashgate.config_reload")) == (before, 1)


def test_a_new_module_under_a_new_name_takes_over_and_open_websockets_go_on(stage):
    before = stage.edge.stat(VMS)
    with stage.sockets() as sockets, Load(stage) as load:
        load.wait_for(5)
        stage.module.with_name("dashgate-2.wasm").write_bytes(another())
        stage.change(lambda plugin, _policy: plugin["vm_config"]["code"]["local"].update(
            filename=str(stage.module.with_name("dashgate-2.wasm"))))
        stage.until("config_reload", 2)
        load.wait_for(5)
        alive(sockets)
        # The old VMs stay for the streams that they began.
        assert stage.edge.stat(VMS) > before
        load.stop()
        for way in ("http1", "http2", "upgrade1", "upgrade2"):
            stage.permits(way, headers=cookie("training", session("training")))
            stage.refuses(way, "session_missing", 401)
        alive(sockets)
    assert load.others_than(200) == []
    stage.edge.wait(lambda: stage.edge.stat(VMS) <= before, lambda: stage.edge.stat(VMS), "end of the old VMs", 10)


def test_what_is_no_module_is_refused_and_the_old_one_stays(stage):
    with stage.sockets() as sockets:
        broken = stage.module.with_name("broken.wasm")
        broken.write_bytes(b"this is no module")
        stage.change(lambda plugin, _policy: plugin["vm_config"]["code"]["local"].update(filename=str(broken)))
        stage.until("update_rejected", 1)
        alive(sockets)
        stage.refuses("http1", "session_missing", 401)
        stage.permits("http1", headers=cookie("training", session("training")))
