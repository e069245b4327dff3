"""The async face: a service stays responsive, and what is cancelled leaves nothing."""

import asyncio
import contextlib
import gc
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Coroutine, Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import lading
from lading.api.session import workspace_here
from lading.api.workspace import Workspace, close_workspaces
from lading.errors import WaitTimeoutError
from lading.store.checksum import Checksum, Piece
from lading.store.jobs import WriteJob
from lading.store.store import Store
from lading.testing.wrappers import SlowStore

from .conftest import tree

Fill = Callable[..., Path]


@pytest.fixture
def many(fill: Fill) -> Path:
    """2,000 small files."""
    return fill("many", {f"d{number % 20}/{number}": os.urandom(500) for number in range(2000)})


@pytest.fixture
def mixed(fill: Fill) -> Path:
    return fill("mixed", {**{str(number): os.urandom(1000) for number in range(300)}, "big": os.urandom(20 << 20)})


async def drafted(folder: Path, name: str = "ds", *, policy: str = "mutable") -> lading.Artifact:
    artifact = lading.Artifact(name, "dataset")
    await artifact.add_dir_async(folder, policy=policy)
    return artifact


def descriptors() -> set[str]:
    """What this process has open, but for the catalogue's and the loop's own."""
    names: set[str] = set()
    for number in list(Path("/proc/self/fd").iterdir()):
        with contextlib.suppress(OSError):
            names.add(str(number.readlink()))
    return {name for name in names if name.startswith("/") and ".db" not in name and not name.startswith("/dev/")}


def leftovers(workspace: Workspace, *roots: Path) -> list[str]:
    """Half-written files, open write sessions, and pins."""
    places = [*roots, workspace.settings.home / "store"]
    found = [str(path) for place in places for path in place.rglob(".lading-*")]
    with closing(sqlite3.connect(workspace.catalog.url.removeprefix("sqlite:///"))) as db:
        found += [f"pending {row[0]}" for row in db.execute("SELECT id FROM versions WHERE state = 'PENDING'")]
        found += [f"pin {row[0]}" for row in db.execute("SELECT digest FROM pins")]
    return found


class Ticker:
    """How long the loop was away at most, while the block ran."""

    async def __aenter__(self) -> "Ticker":
        self.worst, self._task = 0.0, asyncio.create_task(self._tick())
        await asyncio.sleep(0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])

    async def _tick(self) -> None:
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0.005)
            self.worst = max(self.worst, time.perf_counter() - before - 0.005)


async def test_everything_can_be_awaited(run: lading.Run, fill: Fill, tmp_path: Path) -> None:
    """DESIGN 7: "What may wait is written once, as `…_async`"."""
    folder = fill("in", {"a": "1", "sub/b": "2"})
    artifact = await drafted(folder)
    await artifact.add_file_async(folder / "a", "again")
    async with artifact.new_file_async("made", "wb") as file:
        file.write(b"3")
    with pytest.raises(RuntimeError, match="no"):
        async with artifact.new_file_async("not made"):
            raise RuntimeError("no")
    await run.log_artifact_async(artifact)
    await artifact.wait_async()
    found = await lading.Api().artifact_async("p/ds")

    assert await found.download_async() == str(tmp_path / "work/artifacts/ds:v0")
    assert await found.checkout_async() == str(tmp_path / "work/artifacts/ds")
    await found.verify_async()
    assert sorted((await found.manifest_async()).entries) == ["a", "again", "made", "sub/b"]
    assert await (await found.get_entry_async("made")).download_async(tmp_path / "one") == str(tmp_path / "one" / "made")
    assert [len(await file.download_async(tmp_path / "two")) for file in found.files(["a"])] == [len(str(tmp_path / "two" / "a"))]
    assert [file.name async for file in found.files()] == ["a", "again", "made", "sub/b"]
    maker = await found.logged_by_async()
    assert maker is not None
    assert maker.id == run.id
    found.tags.append("t")
    await found.save_async()
    assert (await lading.Artifact.from_id_async(found.id or "")).tags == ["t"]
    assert await lading.Artifact.expected_type_async(None, "ds", "me", "p") == "dataset"
    used = await run.use_artifact_async("ds:latest")
    assert [each.id for each in await used.used_by_async()] == [run.id]
    assert await lading.Api().artifact_exists_async("p/ds")
    assert [each.name for each in await lading.Api().artifact_types_async("p")] == ["dataset"]
    collection = await (await lading.Api().artifact_type_async("dataset", "p")).collection_async("ds")
    assert [each.version async for each in collection.artifacts()] == ["v0"]
    await used.delete_async(delete_aliases=True)
    assert used.state == "DELETED"


async def test_a_service_keeps_answering_while_it_logs_and_downloads(run: lading.Run, many: Path) -> None:
    """DESIGN 6: "`await artifact.download_async()` leaves a service responsive"."""

    async def worst(name: str) -> float:
        async with Ticker() as ticker:
            artifact = await drafted(many, name)
            await run.log_artifact_async(artifact)
            await artifact.download_async(name)

        assert len(tree(Path(name))) == 2000
        refill(many)
        return ticker.worst

    for name in "abcde":  # who holds the loop up does so each time; a machine that stands still for a moment does not
        if await worst(name) < 0.1:
            return
    pytest.fail("nobody was answered for a tenth of a second, each time")


def refill(folder: Path) -> None:
    """With other bytes, which are to be read, stored and downloaded anew."""
    for path in folder.glob("*/*"):
        path.write_bytes(os.urandom(500))


async def test_blocking_calls_work_on_the_thread_of_a_running_loop(run: lading.Run, fill: Fill) -> None:
    """DESIGN 7: the Jupyter case."""
    artifact = lading.Artifact("ds", "dataset")
    artifact.add_dir(fill("in", {"a": "1"}))
    with artifact.new_file("b") as file:
        file.write("2")

    run.log_artifact(artifact)

    assert tree(Path(lading.Api().artifact("p/ds").download())) == {"a": b"1", "b": b"2"}
    assert [file.name for file in artifact.files()] == ["a", "b"]


async def test_several_downloads_at_once(run: lading.Run, fill: Fill) -> None:
    """SEMANTICS 3 (#6856): "many artifacts at once"; (#10681): "no async API exists"."""
    artifacts = [
        await run.log_artifact_async(await drafted(fill(f"in{n}", {"same": "x", "own": str(n)}), f"ds{n}")) for n in range(4)
    ]

    roots = await asyncio.gather(*(artifact.download_async() for artifact in artifacts), artifacts[0].download_async())

    assert [tree(Path(root))["own"] for root in roots] == [b"0", b"1", b"2", b"3", b"0"]


async def test_several_downloads_into_one_root(run: lading.Run, mixed: Path) -> None:
    artifact = await run.log_artifact_async(await drafted(mixed))

    await asyncio.gather(*(artifact.download_async("out") for _ in range(3)))

    assert tree(Path("out")) == tree(mixed)


async def test_several_logs_at_once(run: lading.Run, fill: Fill) -> None:
    drafts = [await drafted(fill(f"in{n}", {"same": "x" * 1000, "own": str(n)})) for n in range(5)]

    await asyncio.gather(*(run.log_artifact_async(draft) for draft in drafts))

    assert sorted(draft.version for draft in drafts) == ["v0", "v1", "v2", "v3", "v4"]


def test_one_loop_after_another_and_threads_with_loops_of_their_own(run: lading.Run, fill: Fill) -> None:
    from concurrent.futures import ThreadPoolExecutor

    folder = fill("in", {"a": "1"})

    async def main(number: int) -> str:
        artifact = await run.log_artifact_async(await drafted(folder, f"ds{number}"))
        return await artifact.download_async(f"out{number}")

    def thread(number: int) -> str:
        return asyncio.run(main(number))

    assert thread(0) != thread(1)
    with ThreadPoolExecutor(4) as pool:
        roots = list(pool.map(thread, range(2, 8)))
    assert all(tree(Path(root)) == {"a": b"1"} for root in roots)


# -- cancelled ----------------------------------------------------------------------------------------------------------------


async def cancel_at(work: Coroutine[Any, Any, object], after: float) -> bool:
    """Cancel after so many seconds; whether it came in time."""
    task = asyncio.create_task(work)
    await asyncio.sleep(after)
    task.cancel()
    await asyncio.wait([task])
    return task.cancelled()


@pytest.mark.parametrize("slow", [False, True])
async def test_a_cancelled_download_leaves_nothing_half_written(run: lading.Run, mixed: Path, slow: bool) -> None:
    artifact = await run.log_artifact_async(await drafted(mixed))
    workspace, right, out = await workspace_here(), tree(mixed), Path("out")
    inner = workspace.store
    if slow:
        workspace.engine.store = SlowStore(inner, delay=0.005, rate=3e8)
    await artifact.download_async("warm")
    before = descriptors()
    cancelled = 0

    for step in range(12):
        cancelled += await cancel_at(artifact.download_async(f"out/{step}"), step * 0.004)
        assert {path: right[path] for path in tree(out / str(step))} == tree(out / str(step))  # whole files only
    gc.collect()

    assert cancelled > 3
    assert leftovers(workspace, out) == []
    assert descriptors() <= before
    assert tree(Path(await artifact.download_async("out/0"))) == right


@pytest.mark.parametrize("slow", [False, True])
async def test_a_cancelled_log_leaves_no_version_no_pins_and_nothing_half_written(
    run: lading.Run, fill: Fill, monkeypatch: pytest.MonkeyPatch, slow: bool
) -> None:
    """DESIGN 5: "A crash anywhere leaves garbage, never a dangling name"; here not even a lease is left."""
    monkeypatch.setattr("lading.transfer.engine.GRACE", 30.0)  # how soon it ends is not what this is about
    workspace = await workspace_here()
    if slow:
        workspace.engine.store = SlowStore(workspace.store, delay=0.005, rate=3e8)
    before, cancelled, logged = descriptors(), 0, 0

    for step in range(12):
        folder = fill(f"in{step}", {**{str(number): os.urandom(100) for number in range(30)}, "big": os.urandom(9 << 20)})
        artifact = await drafted(folder)
        given_up = await cancel_at(run.log_artifact_async(artifact), step * 0.004)
        cancelled += given_up
        logged += not given_up
        assert artifact.is_draft() == given_up
        # What was given up while it was being carried out may end as a whole a moment later.
        deadline = time.monotonic() + 30
        while leftovers(workspace) and time.monotonic() < deadline:  # noqa: ASYNC110  # it is another thread that ends it
            await asyncio.sleep(0.01)
        assert leftovers(workspace) == []
    gc.collect()

    assert cancelled > 3
    assert descriptors() <= before
    await run.log_artifact_async(await drafted(fill("in0", {})))
    versions = [each async for each in lading.Api().artifacts("dataset", "p/ds", order="version_index")]
    assert [each.version for each in versions] == [f"v{number}" for number in range(len(versions))]
    assert len(versions) >= logged
    for each in versions:
        await each.verify_async(await each.download_async())


async def test_a_cancelled_add_dir_adds_nothing_or_all(fill: Fill, mixed: Path) -> None:
    for step in range(8):
        artifact = lading.Artifact("ds", "dataset")
        await cancel_at(artifact.add_dir_async(mixed), step * 0.003)
        assert len(artifact.manifest) in (0, 301)


class ClosedStore(SlowStore):
    """Nothing is written before it is `open`."""

    def __init__(self, inner: Store) -> None:
        super().__init__(inner)
        self.open = threading.Event()

    def wrap_write(self, job: WriteJob, key: str) -> WriteJob:
        return _ClosedWrite(job, self.open)


@dataclass(frozen=True)
class _ClosedWrite:
    inner: WriteJob
    open: threading.Event
    checks: str | None = None

    def take(self, source: int, start: int, checksum: Checksum | None) -> bool:
        return False

    def write(self, pieces: Iterable[Piece]) -> None:
        self.open.wait(60)
        self.inner.write(pieces)


async def test_giving_up_the_wait_does_not_give_up_the_work(run: lading.Run, fill: Fill) -> None:
    """SEMANTICS 1.1, `wait(timeout)` → `WaitTimeoutError`."""
    workspace = await workspace_here()
    workspace.engine.store = closed = ClosedStore(workspace.store)
    artifact = await drafted(fill("in", {"a": "1"}), policy="immutable")

    await run.log_artifact_async(artifact)
    with pytest.raises(WaitTimeoutError):
        await artifact.wait_async(0.001)
    assert await cancel_at(artifact.wait_async(), 0.001)
    assert artifact.is_draft()
    closed.open.set()
    await asyncio.gather(artifact.wait_async(), artifact.wait_async(30))

    assert artifact.version == "v0"


def test_a_loop_that_ended_before_the_work_does_no_harm(run: lading.Run, fill: Fill) -> None:
    opened = list[threading.Event]()

    async def main() -> lading.Artifact:
        workspace = await workspace_here()
        workspace.engine.store = closed = ClosedStore(workspace.store)
        opened.append(closed.open)
        artifact = await drafted(fill("in", {"a": "1"}), policy="immutable")
        await run.log_artifact_async(artifact)
        with pytest.raises(WaitTimeoutError):
            await artifact.wait_async(0.001)
        return artifact

    artifact = asyncio.run(main())
    opened[0].set()

    assert artifact.wait().version == "v0"


def test_debug_mode_has_nothing_to_say(run: lading.Run, mixed: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Slow callbacks, futures that nobody awaits, resources that nobody closes: warnings are errors here."""

    async def main() -> None:
        asyncio.get_running_loop().slow_callback_duration = 0.5
        artifact = await run.log_artifact_async(await drafted(mixed))
        await artifact.download_async()
        await cancel_at(artifact.download_async("given up"), 0.01)
        await artifact.checkout_async()

    def said() -> list[str]:
        caplog.clear()
        asyncio.run(main(), debug=True)
        gc.collect()
        return [record.getMessage() for record in caplog.records if record.levelname in ("WARNING", "ERROR")]

    assert [] in (said() for _ in range(3))  # all is slow while a machine stands still


async def test_workspaces_close_and_open_again(run: lading.Run, fill: Fill) -> None:
    artifact = await run.log_artifact_async(await drafted(fill("in", {"a": "1"})))
    await run.finish_async()

    await close_workspaces()

    found = await lading.Api().artifact_async("p/ds")
    assert found.id == artifact.id
    await found.download_async()
