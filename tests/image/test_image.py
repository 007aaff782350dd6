"""The OCI image: what the pullers of Istio and Envoy Gateway insist on, and the same bytes from everybody who packs it."""

import gzip
import io
import json
import os
import shutil
import subprocess
import tarfile
import time

from packing import ROOT, blob, files, manifest_of, pack, sha256


def test_it_is_one_manifest_and_no_index_of_several(image):
    directory, _ = image
    manifest, _ = manifest_of(directory)
    assert json.loads((directory / "oci-layout").read_text()) == {"imageLayoutVersion": "1.0.0"}
    assert manifest["schemaVersion"] == 2
    assert manifest["mediaType"] == "application/vnd.oci.image.manifest.v1+json"
    assert manifest["annotations"]["module.wasm.image/variant"] == "compat"


def test_its_one_layer_holds_the_module_and_nothing_of_who_packed_it_when(image, module):
    directory, _ = image
    manifest, _ = manifest_of(directory)
    (layer,) = manifest["layers"]
    assert layer["mediaType"] == "application/vnd.oci.image.layer.v1.tar+gzip"
    packed = blob(directory, layer["digest"])
    assert len(packed) == layer["size"]
    assert packed[3:10] == b"\0\0\0\0\0\x02\xff"      # no name, no comment; no time; best compression; no system
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(packed))) as archive:
        (entry,) = archive.getmembers()
        assert (entry.name, entry.mode, entry.mtime, entry.uid, entry.gid) == ("plugin.wasm", 0o644, 0, 0, 0)
        assert (entry.uname, entry.gname, entry.type) == ("", "", tarfile.REGTYPE)
        assert archive.extractfile(entry).read() == module.read_bytes()


def test_its_configuration_names_the_layer_as_it_is_unpacked(image):
    directory, _ = image
    manifest, _ = manifest_of(directory)
    named = manifest["config"]
    assert named["mediaType"] == "application/vnd.oci.image.config.v1+json"
    content = blob(directory, named["digest"])
    assert len(content) == named["size"]
    configuration = json.loads(content)
    unpacked = gzip.decompress(blob(directory, manifest["layers"][0]["digest"]))
    assert configuration["rootfs"] == {"type": "layers", "diff_ids": [sha256(unpacked)]}
    assert (configuration["os"], configuration["architecture"]) == ("linux", "amd64")
    assert "created" not in configuration and "history" not in configuration


def test_it_holds_no_blob_that_nothing_names(image):
    directory, _ = image
    manifest, digest = manifest_of(directory)
    named = {digest, manifest["config"]["digest"], manifest["layers"][0]["digest"]}
    assert {f"sha256:{path.name}" for path in (directory / "blobs/sha256").iterdir()} == named


def test_both_digests_are_printed_each_under_its_name(image, module):
    directory, printed = image
    _, digest = manifest_of(directory)
    assert printed == {"image": digest, "module": sha256(module.read_bytes())}


def test_packed_again_at_another_time_by_another_path_it_is_the_same_image(image, module, tmp_path):
    directory, printed = image
    copy = tmp_path / "elsewhere" / "renamed.wasm"
    copy.parent.mkdir()
    shutil.copyfile(module, copy)
    os.utime(copy, (time.time() - 86400, time.time() - 86400))
    again = tmp_path / "again"
    assert pack(copy, again) == printed
    # Over the first one: what was there goes, and nothing of it is left.
    assert pack(copy, again) == printed
    assert files(again) == files(directory)


def test_another_module_makes_another_image(image, module, tmp_path):
    _, printed = image
    changed = tmp_path / "changed.wasm"
    changed.write_bytes(module.read_bytes() + b"\0\x02\x01x")      # a custom section of one letter
    other = pack(changed, tmp_path / "other")
    assert other["image"] != printed["image"] and other["module"] != printed["module"]


def test_what_is_no_module_and_a_directory_of_something_else_are_refused(module, tmp_path):
    text = tmp_path / "text.wasm"
    text.write_text("not a module")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "kept.txt").write_text("kept")
    for source, place, said in ((text, tmp_path / "new", "is no WebAssembly module"),
                                (module, tmp_path / "full", "something else than an OCI layout")):
        command = ["cargo", "xtask", "image", "--module", str(source), "--into", str(place)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900)
        assert done.returncode == 1 and said in done.stderr
    assert (tmp_path / "full" / "kept.txt").read_text() == "kept"


def tracked() -> list[str]:
    """What a checkout of the tree as it stands would hold."""
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, check=True,
                            capture_output=True, text=True)
    return [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def test_built_in_another_directory_the_module_and_the_image_are_the_same_bytes(tmp_path):
    """A whole build of a copy of this tree, with nothing of this tree's own build, beside one of the tree itself."""
    copy = tmp_path / "a-longer-path-than-that-of-the-tree-itself" / "copy"
    for path in tracked():
        (copy / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / path, copy / path)
    environment = {key: value for key, value in os.environ.items() if not key.startswith("CARGO_TARGET")}
    made = []
    for tree in (ROOT, copy):
        done = subprocess.run(["cargo", "xtask", "image"], cwd=tree, capture_output=True, text=True, timeout=1800, env=environment)
        assert done.returncode == 0, done.stderr[-3000:]
        made.append((done.stdout, (tree / "target/dashgate.wasm").read_bytes(), files(tree / "target/image")))
    shutil.rmtree(copy)
    assert made[0] == made[1]
    for tree in (ROOT, copy):
        assert str(tree).encode() not in made[0][1]
