"""`entry.open()`: a file object over what lies in the store."""

import asyncio
import io
import os
import pickle
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

import lading
from lading.api.opening import ArtifactFile
from lading.api.workspace import Workspace
from lading.errors import ArtifactNotLoggedError, DigestMismatchError, NotFoundError, UsageError
from lading.manifest.digest import LEAF_SIZE
from lading.testing.trees import seeded

Dataset = Callable[..., lading.Artifact]
LARGE = seeded(2 * LEAF_SIZE + 4321)


@pytest.fixture
def large(dataset: Dataset) -> ArtifactFile:
    """A file of three leaves, open."""
    return dataset({"a/large.bin": LARGE}).get_entry("a/large.bin").open()


def object_of(stored: Callable[..., dict[str, int]], home: Path) -> Path:
    (key,) = stored("objects/")
    return home / "store" / key


def test_it_is_a_binary_file_with_a_name_and_a_size(large: ArtifactFile) -> None:
    with large:
        assert isinstance(large, io.BufferedReader)
        assert (large.name, large.size, large.mode) == ("a/large.bin", len(LARGE), "rb")
        assert (large.readable(), large.seekable(), large.writable()) == (True, True, False)
        assert repr(large) == f"<ArtifactFile a/large.bin ({len(LARGE)} bytes)>"


def test_all_ways_to_read_give_the_right_bytes(large: ArtifactFile) -> None:
    with large:
        assert large.read(10) == LARGE[:10]
        assert large.tell() == 10
        assert large.seek(-100, os.SEEK_END) == len(LARGE) - 100
        assert large.read() == LARGE[-100:]
        assert large.read(1) == b""
        assert large.seek(LEAF_SIZE - 3) == LEAF_SIZE - 3
        found = bytearray(9)
        assert large.readinto(found) == 9
        assert found == LARGE[LEAF_SIZE - 3 : LEAF_SIZE + 6]
        large.seek(0)
        assert large.read() == LARGE
        large.seek(len(LARGE) + 50)
        assert large.read() == b""


def test_a_seek_before_the_start_is_refused_and_the_position_stays(large: ArtifactFile) -> None:
    with large:
        large.seek(7)

        with pytest.raises(ValueError, match="before the start"):
            large.seek(-8, os.SEEK_CUR)

        assert large.read(2) == LARGE[7:9]


def test_lines_and_archives_are_read_from_it(dataset: Dataset) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr("inner.txt", "inside")
    artifact = dataset({"lines.txt": "one\ntwo\n", "some.zip": archive.getvalue(), "empty": b""})

    with artifact.get_entry("lines.txt").open() as file:
        lines = list(io.TextIOWrapper(file, encoding="utf-8"))
    with artifact.get_entry("some.zip").open() as file, zipfile.ZipFile(file) as found:
        inside = found.read("inner.txt")
    with artifact.get_entry("empty").open() as file:
        nothing = file.read()

    assert (lines, inside, nothing) == (["one\n", "two\n"], b"inside", b"")


def test_nothing_is_written_to_the_disk(large: ArtifactFile, tmp_path: Path) -> None:
    before = {path for path in tmp_path.rglob("*") if path.is_file()}

    with large:
        large.read()

    assert {path for path in tmp_path.rglob("*") if path.is_file()} - before == set()


def test_closing_returns_all_memory(large: ArtifactFile, workspace: Workspace) -> None:
    large.read(LEAF_SIZE + 1)
    held = workspace.engine.statistics().budget.lent

    large.close()
    large.close()

    assert held >= 2 * LEAF_SIZE
    assert workspace.engine.statistics().budget.lent == 0
    with pytest.raises(ValueError, match="closed"):
        large.read(1)


def test_a_file_that_nobody_closed_gives_its_memory_back(dataset: Dataset, workspace: Workspace) -> None:
    file = dataset({"large.bin": LARGE}).get_entry("large.bin").open()
    file.read(1)

    del file

    deadline = time.monotonic() + 30
    while workspace.engine.statistics().budget.lent and time.monotonic() < deadline:
        time.sleep(0.01)
    assert workspace.engine.statistics().budget.lent == 0


def test_several_threads_read_several_files_and_the_same(dataset: Dataset) -> None:
    entry, found = dataset({"large.bin": LARGE}).get_entry("large.bin"), list[bool]()
    shared = entry.open()

    def read(start: int) -> None:
        with entry.open() as own:
            own.seek(start)
            found.append(own.read(1000) == LARGE[start : start + 1000])
        found.append(len(shared.read(1000)) == 1000)

    threads = [threading.Thread(target=read, args=(start * 3_000_000,)) for start in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    position = shared.tell()
    shared.close()

    assert found == [True] * 10
    assert position == 5000


async def test_it_is_read_inside_a_running_loop_and_awaited(dataset: Dataset) -> None:
    entry = (await asyncio.to_thread(dataset, {"large.bin": LARGE})).get_entry("large.bin")

    with entry.open() as blocking:  # as in a notebook
        first = blocking.read(100)
    async with entry.open_async() as file:
        second = await file.read(100)
        file.seek(-10, os.SEEK_END)
        rest, nothing = await file.read(), await file.read()
        ranges = await asyncio.gather(*(file.read_range(start, start + 5) for start in (0, LEAF_SIZE, 2 * LEAF_SIZE)))

    assert first == second == LARGE[:100]
    assert (rest, nothing) == (LARGE[-10:], b"")
    assert ranges == [LARGE[start : start + 5] for start in (0, LEAF_SIZE, 2 * LEAF_SIZE)]


def test_a_forked_child_goes_on_where_its_parent_was(home: Path, dataset: Dataset) -> None:
    dataset({"large.bin": LARGE})
    script = """
import os, sys, lading
file = lading.Api(project="p").artifact("ds").get_entry("large.bin").open()
file.seek(8388600)
before = file.read(4)
pid = os.fork()
after = file.read(200_000)
file.close()
sys.stdout.write(f"{len(before)} {after[:2].hex()} {len(after)};")
sys.stdout.flush()
if not pid:
    os._exit(0)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""

    done = subprocess.run([sys.executable, "-P", "-c", script], capture_output=True, text=True, check=False, timeout=60)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"4 {LARGE[8388604:8388606].hex()} 200000;" * 2


def test_a_process_ends_at_once_with_files_left_open(home: Path, dataset: Dataset) -> None:
    dataset({"large.bin": LARGE})
    script = """
import lading
file = lading.Api(project="p").artifact("ds").get_entry("large.bin").open()
file.read(9_000_000)
"""

    done = subprocess.run([sys.executable, "-P", "-c", script], capture_output=True, text=True, check=False, timeout=60)

    assert (done.returncode, done.stderr) == (0, "")


def test_damage_is_never_given_out_and_the_next_log_mends_it(
    run: lading.Run, dataset: Dataset, stored: Callable[..., dict[str, int]], home: Path
) -> None:
    entry = dataset({"large.bin": LARGE}).get_entry("large.bin")
    place = object_of(stored, home)
    place.chmod(0o644)
    with place.open("r+b") as file:
        file.seek(LEAF_SIZE + 5)
        file.write(b"\0\0\0\0\0\0")

    with entry.open() as opened:
        good = opened.read(LEAF_SIZE)
        with pytest.raises(DigestMismatchError, match=r"large\.bin"):
            opened.read(1)
        assert opened.tell() == LEAF_SIZE
    dataset({"large.bin": LARGE, "more": "x"})
    with entry.open() as opened:
        mended = opened.read()

    assert good == LARGE[:LEAF_SIZE]
    assert mended == LARGE


def test_what_is_gone_is_named(dataset: Dataset, stored: Callable[..., dict[str, int]], home: Path) -> None:
    entry = dataset({"x.txt": "x"}).get_entry("x.txt")
    object_of(stored, home).unlink()

    with entry.open() as file, pytest.raises(NotFoundError, match=r"x\.txt") as caught:
        file.read()

    assert "log the artifact again" in str(caught.value)


def test_an_entry_of_another_artifact_is_read_where_it_lies(run: lading.Run, dataset: Dataset, fill: Callable[..., Path]) -> None:
    table = lading.Table(columns=["n"], data=[[1], [2]])
    source = lading.Artifact("source", "dataset")
    source.add(table, "numbers")
    run.log_artifact(source)
    other = lading.Artifact("other", "dataset")
    other.add(source.get("numbers"), "again")
    run.log_artifact(other)
    entry = other.get_entry("again.table.json")

    with entry.open() as file, source.get_entry("numbers.table.json").open() as original:
        found, expected = file.read(), original.read()

    assert entry.ref is not None
    assert found == expected


def test_a_draft_is_not_opened(run: lading.Run, fill: Callable[..., Path]) -> None:
    artifact = lading.Artifact("ds", "dataset")
    entry = artifact.add_file(fill("in", {"a": "a"}) / "a")

    with pytest.raises(ArtifactNotLoggedError):
        entry.open()


def test_a_reference_to_what_is_in_no_artifact_says_so(dataset: Dataset) -> None:
    from lading.api.entry import ArtifactManifestEntry
    from lading.manifest.entry import Entry

    artifact = dataset({"a": "a"})
    entry = ArtifactManifestEntry(artifact, "far", Entry("etag", ref="weird://host/far"))

    with pytest.raises(UsageError, match="weird://host/far"):
        entry.open()


def test_an_open_file_is_not_pickled(large: ArtifactFile) -> None:
    with large, pytest.raises(TypeError):
        pickle.dumps(large)
