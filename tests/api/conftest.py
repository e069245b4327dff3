"""A lading of its own for each test, and small things to put into artifacts."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import lading
from lading.api import active_run
from lading.api.portal import blocking
from lading.api.settings import load_settings
from lading.api.workspace import Workspace, close_workspaces, open_workspace


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
