"""The image in a real registry: pushed, pulled back and asked for by digest, it is byte for byte what was packed."""

import contextlib
import http.client
import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import debian
from ending import end
from loopback import free_port

from packing import blob, files, manifest_of

MANIFEST = "application/vnd.oci.image.manifest.v1+json"


@contextlib.contextmanager
def registry(folder: Path) -> Iterator[int]:
    """Debian's docker-registry on loopback, with its storage in a folder; its port."""
    program = debian.program("docker-registry", "usr/bin/docker-registry")
    port = free_port()
    settings = {"version": 0.1, "storage": {"filesystem": {"rootdirectory": str(folder / "storage")}},
                "http": {"addr": f"127.0.0.1:{port}"}, "log": {"level": "error"}}
    (folder / "registry.json").write_text(json.dumps(settings))       # JSON is YAML
    with open(folder / "registry.log", "wb") as log:
        process = subprocess.Popen([program.command, "serve", str(folder / "registry.json")], env=program.environment(),
                                   stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    try:
        deadline = time.monotonic() + 20
        while asked(port, "/v2/")[0] != 200:
            assert process.poll() is None and time.monotonic() < deadline, (folder / "registry.log").read_text()
            time.sleep(0.05)
        yield port
    finally:
        end(process, seconds=10)


def asked(port: int, path: str) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path, headers={"Accept": MANIFEST})
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    except OSError:
        return 0, {}, b""
    finally:
        connection.close()


def skopeo(*arguments: str) -> str:
    program = debian.program("skopeo", "usr/bin/skopeo", "libgpgme11", "libassuan0", "libdevmapper1.02.1")
    done = subprocess.run([program.command, "--insecure-policy", *arguments], env=program.environment(), capture_output=True,
                          text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_pushed_and_pulled_it_keeps_its_digest(image, tmp_path):
    directory, printed = image
    manifest, digest = manifest_of(directory)
    with registry(tmp_path) as port:
        place = f"docker://127.0.0.1:{port}/dashgate"
        skopeo("copy", "--dest-tls-verify=false", f"oci:{directory}", f"{place}:test")

        inspected = json.loads(skopeo("inspect", "--tls-verify=false", f"{place}:test"))
        assert inspected["Digest"] == printed["image"] == digest
        assert inspected["Layers"] == [manifest["layers"][0]["digest"]]

        # As a puller asks that pins the digest: one manifest, with the type and the bytes that were pushed.
        status, headers, body = asked(port, f"/v2/dashgate/manifests/{printed['image']}")
        assert (status, headers["content-type"], headers["docker-content-digest"]) == (200, MANIFEST, digest)
        assert body == blob(directory, digest)
        # The hash of the module is the name of nothing there: pinning it would pull nothing.
        assert asked(port, f"/v2/dashgate/manifests/{printed['module']}")[0] == 404

        pulled = tmp_path / "pulled"
        skopeo("copy", "--src-tls-verify=false", f"{place}@{digest}", f"oci:{pulled}")
    assert manifest_of(pulled) == (manifest, digest)
    blobs = {name: content for name, content in files(pulled).items() if name.startswith("blobs/")}
    assert blobs == {name: content for name, content in files(directory).items() if name.startswith("blobs/")}
