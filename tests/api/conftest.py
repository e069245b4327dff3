"""A lading of its own for each test, and small things to put into artifacts."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import lading
from lading.api import active_run
from lading.api.documents import tree_algorithm
from lading.api.portal import blocking
from lading.api.settings import load_settings
from lading.api.workspace import Workspace, close_workspaces, open_workspace
from lading.errors import UnknownNameError
from lading.transfer.plan import object_key


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """LADING_HOME; the working folder is beside it, and no setting comes from outside."""
    for name in [name for name in os.environ if name.startswith("LADING_")]:
        monkeypatch.delenv(name)
    if paths := os.environ.get("PYTHONPATH"):  # for scripts that run elsewhere
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join(str(Path(path).absolute()) for path in paths.split(os.pathsep) if path))
    place = tmp_path / "home"
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("LADING_HOME", str(place))
    monkeypatch.setenv("LADING_ENTITY", "me")
    monkeypatch.setenv("LADING_QUIET", "1")
    yield place
    while (run := active_run()) is not None:
        run.finish()
    blocking(close_workspaces)()


@pytest.fixture
def run(home: Path) -> Iterator[lading.Run]:
    """An active run in project p."""
    with lading.init(project="p") as run:
        yield run


@pytest.fixture
def workspace(home: Path) -> Workspace:
    return blocking(open_workspace)(load_settings())


@pytest.fixture
def fill(tmp_path: Path) -> Callable[..., Path]:
    """fill("folder", {"a/b.txt": "text"}) writes files below a folder of the working folder, and gives the folder."""

    def make(folder: str, files: dict[str, str | bytes]) -> Path:
        root = tmp_path / "work" / folder
        root.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        return root

    return make


@pytest.fixture
def dataset(run: lading.Run, fill: Callable[..., Path]) -> Callable[..., lading.Artifact]:
    """dataset({"a.txt": "x"}) logs an artifact of these files and gives it."""

    def make(files: dict[str, str | bytes], name: str = "ds", **more: object) -> lading.Artifact:
        artifact = lading.Artifact(name, "dataset")
        for path, content in files.items():
            with artifact.new_file(path, "wb") as file:
                file.write(content.encode() if isinstance(content, str) else content)
        return run.log_artifact(artifact, **more)  # type: ignore[arg-type]

    return make


@pytest.fixture
def stored(home: Path) -> Callable[..., dict[str, int]]:
    """What lies in the store below a prefix: key → inode."""

    def look(prefix: str = "") -> dict[str, int]:
        root = home / "store"
        found = {path.relative_to(root).as_posix(): path.stat().st_ino for path in root.rglob("*") if path.is_file()}
        return {key: inode for key, inode in sorted(found.items()) if key.startswith(prefix)}

    return look


@pytest.fixture
def picture(tmp_path: Path) -> Callable[..., Path]:
    """picture("a/b.png", shade=9) draws a small picture there."""

    def make(name: str = "picture.png", shade: int = 7) -> Path:
        from PIL import Image

        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (3, 2), shade).save(path)
        return path

    return make


@pytest.fixture
def table() -> Callable[[], lading.Table]:
    """table() is the table of seed 000's examples, each time another object."""
    return lambda: lading.Table(columns=["a", "b", "c"], data=[[i, i * 2, 2**i] for i in range(100)])


@pytest.fixture
def logged(run: lading.Run) -> Callable[..., lading.Artifact]:
    """logged("name", t=value) logs an artifact of these values and gives it, committed."""

    def make(name: str = "my_dataset", **values: Any) -> lading.Artifact:
        artifact = lading.Artifact(name, "dataset")
        for key, value in values.items():
            artifact[key] = value
        return run.log_artifact(artifact).wait()

    return make


# What tests of logging ask for


def artifact_of(
    folder: Path, name: str = "ds", *, policy: str = "mutable", digest_algorithm: str | None = None
) -> lading.Artifact:
    artifact = lading.Artifact(name, "dataset", digest_algorithm=digest_algorithm)
    artifact.add_dir(folder, policy=policy)
    return artifact


def versions(name: str = "p/ds") -> list[str]:
    """The versions that readers see; none if they see no such collection."""
    try:
        return [artifact.version for artifact in lading.Api().artifacts("dataset", name, order="version_index")]
    except UnknownNameError:
        return []


def open_sessions(workspace: Workspace) -> list[str]:
    """What of write sessions is left in the catalogue: pending versions, and pins."""
    with closing(sqlite3.connect(workspace.catalog.url.removeprefix("sqlite:///"))) as db:
        pending = db.execute("SELECT id FROM versions WHERE state = 'PENDING'").fetchall()
        return [str(row[0]) for row in pending + db.execute("SELECT digest FROM pins").fetchall()]


def tree(root: Path) -> dict[str, bytes]:
    """What the files below `root` hold, links followed."""
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def key_of(artifact: lading.Artifact, path: str) -> str:
    """The key of what an artifact holds under a path."""
    version = artifact.logged_version("test")
    return object_key(version.entity_id, tree_algorithm(version), artifact.manifest.entries[path].digest)
