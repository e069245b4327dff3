"""A lading of its own for each test, small artifacts in it, and what upkeep sees of it."""

import os
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

import lading
from lading.api import active_run
from lading.api.keeping import keeper_of
from lading.api.portal import blocking
from lading.api.settings import load_settings
from lading.api.workspace import Workspace, close_workspaces, open_workspace
from lading.transfer.driver import persist
from lading.transfer.progress import Meter
from lading.transfer.scheduler import Retry
from lading.upkeep.garbage import Freed, Manner, collect
from lading.upkeep.keeper import Keeper

T = TypeVar("T")
Log = Callable[..., lading.Artifact]


async def patiently(call: Callable[[], Awaitable[T]]) -> T:
    """Tries again at once what may help."""
    return await persist(call, retry=Retry(base=0.0), meter=Meter())


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """LADING_HOME; no setting comes from outside."""
    for name in [name for name in os.environ if name.startswith("LADING_")]:
        monkeypatch.delenv(name)
    place = tmp_path / "home"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("LADING_HOME", str(place))
    monkeypatch.setenv("LADING_ENTITY", "me")
    monkeypatch.setenv("LADING_PROJECT", "p")
    monkeypatch.setenv("LADING_QUIET", "1")
    yield place
    while (run := active_run()) is not None:
        run.finish()
    blocking(close_workspaces)()


@pytest.fixture
def log(home: Path) -> Iterator[Log]:
    """log({"a.txt": "x"}) logs these files as a version and gives it."""
    with lading.init() as run:

        def make(files: dict[str, str | bytes], name: str = "ds", **more: object) -> lading.Artifact:
            artifact = lading.Artifact(name, "dataset")
            for path, content in files.items():
                with artifact.new_file(path, "wb") as file:
                    file.write(content.encode() if isinstance(content, str) else content)
            return run.log_artifact(artifact, **more).wait()  # type: ignore[arg-type]

        yield make


@pytest.fixture
def workspace(home: Path) -> Workspace:
    return blocking(open_workspace)(load_settings())


@pytest.fixture
def keeper(workspace: Workspace) -> Keeper:
    return keeper_of(workspace)


@pytest.fixture
def collected(keeper: Keeper) -> Callable[..., Freed]:
    """Collect garbage, without grace or trash unless told."""

    def run(grace: float = 0.0, trash: float = 0.0, *, dry_run: bool = False) -> Freed:
        return blocking(collect)(keeper, Manner(grace, trash, dry_run))

    return run


@pytest.fixture
def stored(home: Path) -> Callable[..., list[str]]:
    """The keys in the store below a prefix."""

    def look(prefix: str = "") -> list[str]:
        root = home / "store"
        keys = sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())
        return [key for key in keys if key.startswith(prefix)]

    return look
