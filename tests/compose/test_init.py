"""What `init` makes, keeps and renews. No container is needed for that."""

import datetime
import stat
from pathlib import Path

import certificates
import init
import pytest
from settings import READERS


@pytest.fixture
def made(tmp_path, monkeypatch) -> Path:
    """The volumes, with what a first start makes."""
    for reader in {reader for readers in READERS.values() for reader in readers}:
        (tmp_path / reader).mkdir()
    monkeypatch.setattr(init, "MADE", tmp_path)
    init.main()
    return tmp_path


def test_each_secret_is_where_its_readers_are_and_nowhere_else(made):
    found = {path.relative_to(made).as_posix() for path in made.rglob("*") if path.is_file()}
    tls = {f"edge/tls/{name}.pem" for name in ("authority", "certificate", "key")}
    assert found == tls | {f"{reader}/{name}" for name, readers in READERS.items() for reader in readers}
    for name, readers in READERS.items():
        assert len({(made / reader / name).read_text() for reader in readers}) == 1
    assert {stat.S_IMODE((made / path).stat().st_mode) for path in found} == {0o440}


def test_a_second_start_keeps_everything(made):
    before = contents(made)
    init.main()
    assert contents(made) == before


def test_a_volume_that_was_lost_gets_the_secret_that_the_others_have(made):
    before = contents(made)
    (made / "bokeh/bokeh").unlink()
    init.main()
    assert contents(made) == before


@pytest.mark.parametrize(("days", "renewed"), [(9, True), (11, False)])
def test_the_certificate_is_renewed_ten_days_before_its_end_and_nothing_else(made, monkeypatch, days, renewed):
    monkeypatch.setattr(certificates, "LIFETIME", datetime.timedelta(days=days))
    (made / "edge/tls/certificate.pem").unlink()
    init.main()
    monkeypatch.undo()
    monkeypatch.setattr(init, "MADE", made)
    before = contents(made)
    init.main()
    changed = {name for name, content in contents(made).items() if content != before[name]}
    tls = {f"edge/tls/{name}.pem" for name in ("authority", "certificate", "key")}
    assert changed == (tls if renewed else set())


def contents(directory: Path) -> dict[str, bytes]:
    """Every file's content."""
    return {path.relative_to(directory).as_posix(): path.read_bytes() for path in directory.rglob("*") if path.is_file()}
