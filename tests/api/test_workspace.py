"""Workspaces: catalogue, store and engine, opened once; and what stands in their way."""

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

import lading
from lading.api.portal import blocking
from lading.api.settings import load_settings
from lading.api.workspace import close_workspaces, open_workspace
from lading.errors import CatalogNewerError, CommError, LocalFileError, StoreForeignError, UsageError

Make = Callable[..., lading.Artifact]


def test_a_workspace_is_opened_once(home: Path) -> None:
    settings = load_settings()

    first, again = blocking(open_workspace)(settings), blocking(open_workspace)(settings)
    other = blocking(open_workspace)(load_settings(project="p"))

    assert first is again
    assert (other.engine, other.catalog, other.settings.project) == (first.engine, first.catalog, "p")


def test_threads_that_open_it_at_once_get_one(home: Path) -> None:
    settings, found = load_settings(), list[object]()
    threads = [threading.Thread(target=lambda: found.append(blocking(open_workspace)(settings))) for _ in range(8)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 8
    assert len({id(each) for each in found}) == 1


@pytest.mark.parametrize("url", ["postgresql://x/y", "mysql://x", "nonsense", "https://server"])
def test_a_catalogue_that_cannot_be_is_refused(home: Path, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("LADING_CATALOG", url)

    with pytest.raises(UsageError):
        lading.init(project="p")


def test_store_and_catalogue_may_lie_elsewhere(
    dataset: Make, run: lading.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run.finish()
    monkeypatch.setenv("LADING_STORE", str(tmp_path / "apart/objects"))
    monkeypatch.setenv("LADING_CATALOG", f"sqlite:///{tmp_path}/apart/names.db")
    with lading.init(project="p") as here:
        artifact = lading.Artifact("ds", "dataset")
        with artifact.new_file("a") as file:
            file.write("1")
        here.log_artifact(artifact)

    assert Path(artifact.download(), "a").read_text() == "1"
    assert (tmp_path / "apart/names.db").is_file()
    assert (tmp_path / "apart/objects/lading-store.json").is_file()


def log_text(text: str) -> lading.Artifact:
    with lading.init(project="p") as here:
        artifact = lading.Artifact("ds", "dataset")
        with artifact.new_file("a") as file:
            file.write(text)
        return here.log_artifact(artifact).wait()


@pytest.mark.parametrize("text", ["1", "2"])
def test_another_store_is_refused_and_not_written_to(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    """What the catalogue takes to be stored would be missing there: the log would send nothing, and get find nothing."""
    log_text("1")
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("LADING_STORE", str(tmp_path / "empty"))

    with pytest.raises(StoreForeignError) as caught:
        log_text(text)
    assert f"file://{tmp_path}/empty is not the store of the catalogue sqlite:///{home}/catalog.db" in str(caught.value)
    assert "point LADING_STORE at the store that belongs to it" in str(caught.value)
    assert [*(tmp_path / "empty").iterdir()] == []

    monkeypatch.delenv("LADING_STORE")
    assert Path(log_text(text).download(), "a").read_text() == text


@pytest.mark.parametrize("reopened", [True, False])
def test_a_store_that_went_away_is_missed(home: Path, reopened: bool) -> None:
    log_text("1")
    if reopened:
        blocking(close_workspaces)()
    (home / "store").rename(home / "away")

    with pytest.raises(StoreForeignError, match="it has no lading-store"):
        log_text("1")
    assert not (home / "store").exists()

    (home / "away").rename(home / "store")
    assert Path(log_text("2").download(), "a").read_text() == "2"


def test_a_catalogue_of_a_newer_lading_is_refused_in_one_sentence(dataset: Make, run: lading.Run, home: Path) -> None:
    """DESIGN 4: "an older client refuses a newer format in one sentence"."""
    dataset({"a": "1"})
    run.finish()
    blocking(close_workspaces)()
    with closing(sqlite3.connect(home / "catalog.db", isolation_level=None)) as db:
        db.execute("UPDATE alembic_version SET version_num = '9999'")

    with pytest.raises(CatalogNewerError):
        lading.Api().artifact("p/ds")


def test_a_damaged_catalogue_is_named(home: Path) -> None:
    home.mkdir()
    (home / "catalog.db").write_bytes(b"not a database" * 100)

    with pytest.raises(CommError, match=f"{home}/catalog.db: not a catalogue"):
        lading.Api().artifact("p/ds")


def test_a_home_that_is_a_file_is_named(home: Path) -> None:
    home.write_text("x")

    with pytest.raises(LocalFileError, match=f"{home} cannot be made") as caught:
        lading.init(project="p")
    assert "LADING_HOME" in str(caught.value)


@pytest.fixture
def others(tmp_path: Path) -> Iterator[Path]:
    """A folder that any user may reach."""
    place = Path(tempfile.mkdtemp())
    place.chmod(0o755)
    yield place
    shutil.rmtree(place)


AS_NOBODY = """
import os, sys
import lading
with lading.init(project="p") as run:  # everything is imported before the rights go
    run.log_artifact(lading.Artifact("warm")).download("warm")
os.environ["LADING_HOME"] = sys.argv[1]
os.setgid(65534)
os.setuid(65534)
try:
    exec(sys.argv[2])
except lading.LadingError as error:
    print(type(error).__name__, error)
"""


def as_nobody(text: str, place: Path, home: Path) -> str:
    """What a script prints that runs as a user without rights."""
    done = subprocess.run(
        [sys.executable, "-c", AS_NOBODY, str(home), text], capture_output=True, text=True, timeout=60, check=False, cwd=place
    )
    return done.stdout + done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="gives rights away")
def test_a_home_that_may_not_be_written_is_named(others: Path) -> None:
    (others / "made").mkdir()

    assert "LocalFileError " in (said := as_nobody("lading.init(project='p')", others, others / "new"))
    assert f"{others}/new cannot be made: Permission denied" in said
    assert f"{others}/made/catalog.db: the catalogue cannot be made here" in as_nobody(
        "lading.init(project='p')", others, others / "made"
    )


@pytest.mark.skipif(os.geteuid() != 0, reason="gives rights away")
def test_files_and_roots_without_rights_are_named(others: Path) -> None:
    (others / "home").mkdir()
    (others / "home").chmod(0o777)
    (others / "secret").write_text("x")
    (others / "secret").chmod(0)
    (others / "open").write_text("x")

    said = as_nobody("lading.Artifact('ds').add_file('secret')", others, others / "home")
    assert said.startswith(f"LocalFileError {others}/secret: Permission denied")

    said = as_nobody(
        "run = lading.init(project='p')\na = lading.Artifact('ds')\na.add_file('open')\nrun.log_artifact(a)\na.download('out')",
        others,
        others / "home",
    )
    assert said.startswith(f"LocalFileError {others}/out: Permission denied")


def test_a_home_may_have_any_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "a b#c%25d ü&"
    monkeypatch.setenv("LADING_HOME", str(home))

    with lading.init(project="p") as run:
        artifact = run.log_artifact(lading.Artifact("ds"))
        with pytest.raises(UsageError, match="checkout would empty"):
            artifact.checkout(home / "store")

    assert artifact.download()
    assert sorted(path.name for path in home.iterdir() if path.suffix == "") == ["store"]
