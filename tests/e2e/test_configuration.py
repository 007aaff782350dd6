"""Rules 20, 49 and 50: a configuration is taken whole or not at all, at the start and while Envoy runs."""

import copy
import json
import time

import pytest
import yaml

import bootstrap
from edge import EdgeStopped
from policy import only
from sessions import BOKEH_SECRET, KEY_CURRENT, base64url, environment, session
from stage import Stage, cookie


def changed(path, value):
    """The policy with one place set to something else; the path is what the message must name."""
    whole = only("portal", "training", "report")
    place = [int(step) if step.isdigit() else step for step in path.replace("[", ".").replace("]", "").split(".")]
    node = whole
    for step in place[:-1]:
        node = node[step]
    node[place[-1]] = value
    return whole


BROKEN = [
    ("dashboards[1].unheard_of", True), ("unheard_of", 1), ("keys[0].secret", "x"), ("sessions.portal.unheard_of", 1), ("connect.unheard_of", 1),
    ("dashboards[1].sessions[0]", "nowhere"), ("sessions.portal.keys[0]", "nowhere"), ("dashboards[2].name", "training"), ("dashboards[2].keep[0]", "nowhere"),
    ("dashboards[1].url", "https://TRAINING.example.org/"), ("dashboards[1].url", "https://training.example.org"), ("dashboards[1].url", "training.example.org/"),
    ("dashboards[1].url", "https://training.example.org:443/"), ("dashboards[1].url", "ftp://training.example.org/"), ("dashboards[1].url", "https://a@b.example/"),
    ("dashboards[2].url", "https://training.example.org/"), ("dashboards[2].public[0]", "/"), ("dashboards[2].public[0]", "static"), ("dashboards[2].public[0]", "/a/../b"),
    ("dashboards[1].origins", ["https://*.*.example.org"]), ("dashboards[1].origins", ["*"]), ("dashboards[1].origins", ["https://example.org/"]),
    ("dashboards[1].origins", ["https://a.*.example.org"]), ("dashboards[1].origins", ["null"]), ("dashboards[1].origins", "https://portal.example.org"),
    ("sessions.portal.format", "jwe"), ("sessions.portal.clock_skew_seconds", -1), ("sessions.portal.clock_skew_seconds", 1.5), ("sessions.portal.carriers", ["query"]),
    ("sessions.portal.carriers", []), ("keys[0].encoding", "guess"), ("keys[0].encoding", "hex"), ("keys[0].retire_at", "tomorrow"), ("keys[1].id", "current"),
    ("dashboards[1].missing_origin", "yes"), ("dashboards[1].require", "some"), ("dashboards[1].cookie", "a b"), ("dashboards[1].identity_headers", ["email"]),
    ("dashboards[1].open", "true"), ("dashboards[1].open", True), ("dashboards[1].name", ""), ("dashboards[1].name", "a b"), ("reason_header", "yes"),
    ("connect.from", []), ("connect.from", ["https://portal.example.org/"]), ("connect.login_url", "javascript:alert(1)"), ("sessions.bokeh.max_stream_seconds", 0),
    ("sessions.flask.anonymous", True), ("sessions.bokeh.subject_from", "user"), ("sessions.tornado.keys", ["bokeh"]), ("sessions.tornado.keys", ["current"]),
    ("sessions.flask.cookie", "__Host-dashgate-x"), ("sessions.tornado.cookie", "flask_session"), ("sessions.tornado.salt", "x"),
    ("dashboards[1].embed_from", ["'none'; script-src *"]), ("dashboards[1].preflight", {"methods": ["GET\r\nx: y"]}), ("dashboards", {}), ("keys", None),
]


# Where the message names another place than the one that was changed.
NAMED_ELSEWHERE = {("keys[0].encoding", "hex"): "keys[0].env", ("dashboards[1].open", True): "dashboards[1].sessions"}


def refuses_to_start(policy, *named, environment_=None, edit=None):
    with pytest.raises(EdgeStopped) as stopped, Stage(policy, edit, environment_):
        pass
    assert stopped.value.code == 1
    for name in named:
        assert name in stopped.value.log, (name, stopped.value.log[-1500:])
    for secret in (BOKEH_SECRET, base64url(KEY_CURRENT), KEY_CURRENT.hex()):
        assert secret not in stopped.value.log
    return stopped.value.log


def test_rule_50_every_problem_is_told_at_once():
    whole = changed("dashboards[1].unheard_of", 1)
    whole["sessions"]["portal"]["clock_skew_seconds"] = -5
    whole["keys"][1]["encoding"] = "guess"
    refuses_to_start(whole, "dashboards[1].unheard_of", "sessions.portal.clock_skew_seconds", "keys[1].encoding")


def with_text(text):
    def edit(tree):
        for gate in bootstrap.wasm_filters(tree):
            gate["typed_config"]["config"]["configuration"] = {"@type": "type.googleapis.com/google.protobuf.StringValue", "value": text}
    return edit


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "{}", '{"keys":[],"keys":[]}', "\u0000", "keys: []"])
def test_rule_50_a_text_that_is_no_configuration_refuses_to_start(text):
    refuses_to_start(only("training"), edit=with_text(text))


def test_rule_50_no_configuration_at_all_refuses_to_start():
    def edit(tree):
        for gate in bootstrap.wasm_filters(tree):
            del gate["typed_config"]["config"]["configuration"]
    refuses_to_start(only("training"), edit=edit)


def test_rule_50_json_text_and_native_yaml_are_the_same_configuration():
    whole = only("portal", "training")
    with Stage(whole, with_text(json.dumps(whole))) as stage:
        for way in ("http1", "http2", "upgrade1", "upgrade2"):
            stage.permits(way, headers=cookie("training", session("training")))
            stage.refuses(way, "session_missing", 401)


@pytest.mark.parametrize("name", ["DASHGATE_E2E_CURRENT", "DASHGATE_E2E_BOKEH"])
def test_rule_20_a_missing_key_refuses_to_start(name):
    keys = environment()
    del keys[name]
    refuses_to_start(only("training", "report"), name, environment_=keys)


@pytest.mark.parametrize("name,value", [("DASHGATE_E2E_CURRENT", base64url(bytes(31))), ("DASHGATE_E2E_CURRENT", ""), ("DASHGATE_E2E_CURRENT", "+/" * 30),
                                        ("DASHGATE_E2E_CURRENT", "not base64!" * 8), ("DASHGATE_E2E_OLDER", "0g" * 40), ("DASHGATE_E2E_BOKEH", "too short")])
def test_rule_20_a_short_or_misspelt_key_refuses_to_start_and_is_not_printed(name, value):
    log = refuses_to_start(only("training", "report"), name, environment_={**environment(), name: value})
    assert not value or value not in log


class Discovery:
    """The gate's configuration in a file that Envoy watches, instead of in the bootstrap."""

    def __init__(self, folder):
        self.path, self.folder, self.turn, self.model = folder / "ecds.yaml", folder, 0, None

    def edit(self, tree):
        [gate] = bootstrap.wasm_filters(tree)
        self.model = {"name": gate["name"], "typed_config": gate.pop("typed_config")}
        self.write(None)
        gate["config_discovery"] = {
            "config_source": {"resource_api_version": "V3", "path_config_source": {"path": str(self.path)}},
            "type_urls": ["type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm"]}

    def write(self, policy):
        """Replaces the file by rename, as Envoy's watch wants it."""
        resource = copy.deepcopy(self.model)
        if policy is not None:
            resource["typed_config"]["config"]["configuration"]["value"] = policy
        resource["@type"] = "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig"
        self.turn += 1
        fresh = self.folder / f"ecds-{self.turn}.yaml"
        fresh.write_text(yaml.safe_dump({"version_info": str(self.turn), "resources": [resource]}))
        fresh.rename(self.path)


def updates(stage, kind):
    name = bootstrap.wasm_filters(bootstrap.shipped())[0]["name"]
    return sum(int(line.rsplit(": ", 1)[1]) for line in stage.edge.admin(f"/stats?filter=extension_config_discovery.*{name}.*{kind}$").splitlines() if line)


def wait_for_updates(stage, kind, count):
    stage.edge.wait(lambda: updates(stage, kind) >= count, lambda: updates(stage, kind), f"{kind} {count}", 10)


@pytest.fixture(scope="module")
def watching(tmp_path_factory):
    """An Envoy that takes configurations while it runs: refusing one costs no start."""
    discovery = Discovery(tmp_path_factory.mktemp("discovery"))
    with Stage(only("portal", "training"), discovery.edit) as stage:
        yield stage, discovery


@pytest.mark.parametrize("path,value", BROKEN, ids=lambda part: str(part)[:40].replace("\r\n", " "))
def test_rule_50_a_broken_configuration_is_refused_whole_and_names_the_place(watching, path, value):
    stage, discovery = watching
    said, rejected = len(stage.edge.log()), updates(stage, "config_fail")
    discovery.write(changed(path, value))
    wait_for_updates(stage, "config_fail", rejected + 1)
    text = stage.edge.log()[said:]
    hashable = value if isinstance(value, (str, bool)) else None
    named = NAMED_ELSEWHERE.get((path, hashable)) or (path.split("[0]")[0] if path.endswith("[0]") else path)
    assert named in text, text[-1500:]
    for secret in (BOKEH_SECRET, base64url(KEY_CURRENT), KEY_CURRENT.hex()):
        assert secret not in text
    stage.permits("http1", headers=cookie("training", session("training")))


@pytest.mark.parametrize("path,value", [BROKEN[0], BROKEN[5], BROKEN[9]])
def test_rule_50_a_broken_configuration_refuses_to_start(path, value):
    refuses_to_start(changed(path, value), path)


def test_rule_49_a_rejected_update_keeps_the_last_good_configuration(tmp_path):
    discovery = Discovery(tmp_path)
    whole = only("portal", "training")
    with Stage(whole, discovery.edit) as stage:
        def verdicts():
            for way in ("http1", "upgrade2"):
                stage.permits(way, headers=cookie("training", session("training")))
                stage.refuses(way, "session_missing", 401)
                stage.refuses(way, "origin_not_allowed", 403, origin="https://evil.example", headers=cookie("training", session("training")))
        verdicts()
        broken = changed("dashboards[1].unheard_of", 1)
        with stage.open("upgrade1", path="/ws", headers=cookie("training", session("training"))) as live:
            before = updates(stage, "config_fail")
            discovery.write(broken)
            wait_for_updates(stage, "config_fail", before + 1)
            verdicts()
            assert live.exchange(b"alive") == b"alive"
            good = copy.deepcopy(whole)
            good["dashboards"][1]["origins"] = ["https://evil.example"]
            reloads = updates(stage, "config_reload")
            discovery.write(good)
            wait_for_updates(stage, "config_reload", reloads + 1)
            stage.permits("http1", origin="https://evil.example", headers=cookie("training", session("training")))
            assert live.exchange(b"still alive") == b"still alive"


def test_rule_45_a_stream_of_an_older_configuration_still_ends_in_time(tmp_path):
    discovery = Discovery(tmp_path)
    whole = only("portal", "training", "brief")
    with Stage(whole, discovery.edit) as stage:
        end = int(time.time()) + 4
        with stage.open("upgrade1", "brief", "/ws", headers=cookie("brief", session("brief", exp=end))) as live:
            assert live.answer.status == 101
            discovery.write(only("portal", "training"))
            wait_for_updates(stage, "config_reload", 2)
            assert live.seconds_until_closed(8) is not None
            assert -0.3 <= time.time() - end <= 2
