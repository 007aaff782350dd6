"""Where no secret may be: images and their history, what the engine shows of containers, what the services print."""

import io
import json
import subprocess
import tarfile

from engine import PORTS, docker

SERVICES = (*PORTS, "init")


def secrets(stand, engine) -> dict[str, str]:
    """Every secret of the stack, by name; of the certificate's key a line, as it stands in its file."""
    stack = stand.stack
    pem = engine.read("envoy", "/run/dashgate/tls/key.pem").splitlines()
    return {
        "the portal's key": stack.secrets.key_base64url(), "the same in hex": stack.secrets.key.hex(),
        "Bokeh's key": stack.secrets.bokeh, "Flask's key": stack.secrets.flask, "the certificate's key": pem[1],
        **{f"{user}'s password": password for user, password in stack.secrets.passwords.items()},
    }


def test_no_secret_is_in_what_the_engine_shows(stand, engine):
    shown = "".join(docker("inspect", engine.container(service)) for service in SERVICES)
    images = {engine.inspect(service)["Image"] for service in SERVICES}
    shown += docker("inspect", *images) + "".join(docker("history", "--no-trunc", image) for image in images)
    assert "DASHGATE_PORT" in shown
    assert [name for name, secret in secrets(stand, engine).items() if secret in shown] == []


def test_no_secret_is_in_an_image(stand, engine):
    images = sorted({engine.inspect(service)["Image"] for service in SERVICES if service != "prometheus"})
    wanted = {name: secret.encode() for name, secret in secrets(stand, engine).items()}
    # Something that must be found: else this has looked at nothing.
    wanted["the demo's notebook"] = b"print(1234 * 5678)"
    with subprocess.Popen(["docker", "save", *images], stdout=subprocess.PIPE) as saving:
        found = found_in(tarfile.open(fileobj=saving.stdout, mode="r|"), wanted)
    assert saving.returncode == 0
    assert found == {"the demo's notebook"}


def test_no_secret_is_in_what_the_services_print(stand, engine):
    printed = stand.printed() + docker("logs", engine.container("init"))
    assert "certificate: made" in printed
    assert [name for name, secret in secrets(stand, engine).items() if secret in printed] == []


def found_in(archive: tarfile.TarFile, wanted: dict[str, bytes]) -> set[str]:
    """Which of them are in a file of the archive, or of an archive in it."""
    found: set[str] = set()
    for member in archive:
        content = archive.extractfile(member) if member.isfile() else None
        if content is None:
            continue
        data = content.read()
        if member.name.endswith(".tar") or (member.name.startswith("blobs/") and not is_json(data)):
            found |= found_in(tarfile.open(fileobj=io.BytesIO(data)), wanted)
        else:
            found |= {name for name, secret in wanted.items() if secret in data}
    return found


def is_json(data: bytes) -> bool:
    """Whether a blob is a manifest or a configuration, and no layer."""
    try:
        json.loads(data)
    except ValueError:
        return False
    return True
