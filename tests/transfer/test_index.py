"""The index: trusted where it is certain, and no harm done where it is not."""

import contextlib
import logging
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from lading.manifest.digest import Algorithm
from lading.store.memory import MemoryStore
from lading.testing.trees import hashed
from lading.transfer.engine import Engine
from lading.transfer.hashing import Hashed
from lading.transfer.index import SETTLED, Index
from lading.transfer.local import LocalFile, Stamp, local_file
from lading.transfer.progress import Meter

A = Algorithm.BLAKE3
WHAT = Hashed("ab" * 32, 5)
OTHER = Hashed("cd" * 32, 5, "ef" * 96, b"m" * 16)
STAMP = Stamp(1, 2, 5, 1_000_000_000_000_000_000, 1_000_000_001_000_000_000)
FILE = LocalFile("/data/file", STAMP, executable=False)
LATER = STAMP.ctime + SETTLED


def with_stamp(**changes: int) -> LocalFile:
    fields = {name: getattr(STAMP, name) for name in STAMP.__struct_fields__} | changes
    return LocalFile(FILE.path, Stamp(**fields), executable=False)


def soon() -> int:
    """A moment at which what was written just now is settled."""
    return time.time_ns() + 2 * SETTLED


def test_what_was_recorded_is_found(index: Index) -> None:
    index.remember([(FILE.path, STAMP, WHAT), ("/data/other", STAMP, OTHER)], A, began=LATER)

    assert index.lookup(
        [FILE, LocalFile("/data/other", STAMP, executable=True), LocalFile("/none", STAMP, executable=False)], A
    ) == {
        FILE.path: WHAT,
        "/data/other": OTHER,
    }


def test_many_files_are_found(index: Index) -> None:
    files = [LocalFile(f"/data/{number}", STAMP, executable=False) for number in range(1234)]
    index.remember([(file.path, STAMP, Hashed(f"{number:064x}", 5)) for number, file in enumerate(files)], A, began=LATER)

    found = index.lookup(files, A)
    assert [int(found[file.path].digest, 16) for file in files] == list(range(1234))


def test_a_few_files_are_found_among_many_others(index: Index) -> None:
    files = [LocalFile(f"/data/{number:04}", STAMP, executable=False) for number in range(1234)]
    index.remember([(file.path, file.stamp, WHAT) for file in files], A, began=LATER)

    for few in (files[::617], files[5:8], files[-1:]):
        assert index.lookup(few, A) == {file.path: WHAT for file in few}


@pytest.mark.parametrize("field", STAMP.__struct_fields__)
def test_any_change_of_the_stamp_is_a_change(index: Index, field: str) -> None:
    index.remember([(FILE.path, STAMP, WHAT)], A, began=LATER)

    assert index.lookup([with_stamp(**{field: getattr(STAMP, field) + 1})], A) == {}


def test_a_stamp_that_was_not_settled_when_reading_began_is_not_trusted(index: Index) -> None:
    index.remember([(FILE.path, STAMP, WHAT)], A, began=LATER - 1)
    early = index.lookup([FILE], A)
    index.remember([(FILE.path, STAMP, WHAT)], A, began=LATER)

    assert early == {}
    assert index.lookup([FILE], A) == {FILE.path: WHAT}


def test_what_was_only_written_is_not_trusted(index: Index) -> None:
    index.remember([(FILE.path, STAMP, WHAT)], A)

    assert index.lookup([FILE], A) == {}


def test_algorithms_have_rows_of_their_own(index: Index) -> None:
    index.remember([(FILE.path, STAMP, WHAT)], A, began=LATER)
    other = index.lookup([FILE], Algorithm.SHA256)
    index.remember([(FILE.path, STAMP, OTHER)], Algorithm.SHA256, began=LATER)

    assert other == {}
    assert index.lookup([FILE], A) == {FILE.path: WHAT}


def test_a_row_without_md5_is_of_no_use_where_md5_is_wanted(index: Index) -> None:
    index.remember([(FILE.path, STAMP, WHAT)], A, began=LATER)

    assert index.lookup([FILE], A, md5=True) == {}


def test_names_that_are_not_utf8_and_numbers_beyond_63_bits_are_kept(index: Index) -> None:
    odd = LocalFile(os.fsdecode(b"/data/caf\xe9"), Stamp(2**64 - 1, 2**63, 5, 0, 0), executable=False)
    index.remember([(odd.path, odd.stamp, WHAT)], A, began=LATER)

    assert index.lookup([odd], A) == {odd.path: WHAT}


def test_copies_are_files_that_kept_their_stamp(index: Index, tmp_path: Path) -> None:
    files = list[LocalFile]()
    for name in ("kept", "touched", "gone"):
        (tmp_path / name).write_bytes(name.encode())
        files.append(local_file(str(tmp_path / name)))
    index.remember([(file.path, file.stamp, hashed(Path(file.path).name.encode())) for file in files], A)
    os.utime(tmp_path / "touched", ns=(0, 0))
    (tmp_path / "gone").unlink()

    copies = index.copies([hashed(name).digest for name in (b"kept", b"touched", b"gone", b"other")], A)

    assert copies == {hashed(b"kept").digest: str(tmp_path / "kept")}


@pytest.mark.parametrize("damage", [b"no database at all" * 100, b"SQLite format 3\0" + bytes(4000)])
def test_a_damaged_index_starts_anew(index: Index, caplog: pytest.LogCaptureFixture, damage: bytes) -> None:
    Path(index.path).write_bytes(damage)

    with caplog.at_level(logging.WARNING, "lading.index"):
        first = index.lookup([FILE], A)
    index.remember([(FILE.path, STAMP, WHAT)], A, began=LATER)

    assert first == {}
    assert "is damaged and starts anew" in caplog.text
    assert index.lookup([FILE], A) == {FILE.path: WHAT}


def test_an_index_of_another_version_starts_anew(index: Index) -> None:
    with closing(sqlite3.connect(index.path)) as db:
        db.executescript("CREATE TABLE files (something); PRAGMA user_version = 99;")

    index.remember([(FILE.path, STAMP, WHAT)], A, began=LATER)

    assert index.lookup([FILE], A) == {FILE.path: WHAT}


def test_a_place_where_no_index_can_be_does_no_harm(tmp_path: Path) -> None:
    index = Index(str(tmp_path / "none" / "index"))

    index.remember([(FILE.path, STAMP, WHAT)], A)

    assert index.lookup([FILE], A) == {}
    assert index.copies([WHAT.digest], A) == {}


def test_a_read_only_index_does_no_harm(nobody: Path) -> None:
    index = Index(str(nobody / "index"))
    index.remember([(FILE.path, STAMP, WHAT)], A, began=LATER)
    index.close()
    Path(index.path).chmod(0o444)
    nobody.chmod(0o555)

    index.remember([(FILE.path, STAMP, OTHER)], A, began=LATER)

    assert index.lookup([FILE], A) in ({}, {FILE.path: WHAT})
    nobody.chmod(0o755)


def test_an_index_that_another_process_writes_can_be_read_and_does_no_harm(index: Index) -> None:
    index.remember([(FILE.path, STAMP, WHAT)], A, began=LATER)
    hasty = Index(index.path, patience=0.01)
    with closing(sqlite3.connect(index.path, isolation_level=None)) as db:
        db.execute("BEGIN IMMEDIATE")
        hasty.remember([(FILE.path, STAMP, OTHER)], A, began=LATER)

        assert hasty.lookup([FILE], A) == {FILE.path: WHAT}
    hasty.close()


def test_a_second_index_of_a_process_leaves_the_first_its_locks(index: Index) -> None:
    """By them other processes know that what it writes beside the file is in use, and not theirs to tidy away."""
    index.remember([(FILE.path, STAMP, WHAT)], A, began=LATER)
    second = Index(index.path)
    assert second.lookup([FILE], A) == {FILE.path: WHAT}

    script = "import sqlite3, sys; db = sqlite3.connect(sys.argv[1]); db.execute('SELECT path FROM files').fetchall(); db.close()"
    subprocess.run([sys.executable, "-c", script, index.path], check=True)

    assert Path(f"{index.path}-wal").exists()
    second.close()


def test_processes_that_begin_at_the_same_moment_all_record(index: Index) -> None:
    """Each has seen that there are no tables before one of them makes them: the others must not make them anew, and empty."""
    script = """
import functools, logging, sqlite3, sys
logging.basicConfig()

class Told(sqlite3.Connection):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.set_trace_callback(lambda statement: print(statement, flush=True))

sqlite3.connect = functools.partial(sqlite3.connect, factory=Told)
from lading.transfer.index import Index
from lading.transfer.hashing import Hashed
from lading.transfer.local import Stamp
for number in range(20):
    file = (f"/{sys.argv[2]}/{number}", Stamp(1, 2, 5, 0, 0), Hashed("ab" * 32, 5))
    Index(sys.argv[1]).remember([file], "BLAKE3", began=1 << 62)
"""
    with closing(sqlite3.connect(index.path, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("BEGIN IMMEDIATE")  # nobody can write
        processes = [
            subprocess.Popen(
                [sys.executable, "-c", script, index.path, str(number)], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
            )
            for number in range(4)
        ]
        begun = ["BEGIN IMMEDIATE\n" in (process.stdout or ()) for process in processes]
        db.execute("ROLLBACK")
    complaints = [process.communicate()[1] for process in processes]

    files = [
        LocalFile(f"/{process}/{number}", Stamp(1, 2, 5, 0, 0), executable=False) for process in range(4) for number in range(20)
    ]
    assert (begun, complaints) == ([True] * 4, [""] * 4)
    assert len(index.lookup(files, A)) == 80


async def test_a_file_that_the_index_knows_is_not_read(tmp_path: Path, index: Index, make_engine: Callable[..., Engine]) -> None:
    (tmp_path / "file").write_bytes(b"what it holds")
    file, meter = local_file(str(tmp_path / "file")), Meter()
    forged = Hashed("ab" * 32, 13)
    index.remember([(file.path, file.stamp, forged)], A, began=soon())
    engine = make_engine(MemoryStore(), index=index)

    known = await engine.hash([file], A, meter=meter)
    read = meter.statistics().bytes_hashed
    again = await engine.hash([file], A, rehash=True, meter=meter)

    assert known == [forged]
    assert read == 0
    assert again == [hashed(b"what it holds")]
    assert meter.statistics().bytes_hashed == 13


async def test_a_file_that_was_written_just_now_is_read_every_time(
    tmp_path: Path, index: Index, make_engine: Callable[..., Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lading.transfer.index.SETTLED", 100 * SETTLED)  # it stays so, however long this takes
    (tmp_path / "file").write_bytes(b"what it holds")
    engine, meter = make_engine(MemoryStore(), index=index), Meter()

    for _ in range(2):
        await engine.hash([local_file(str(tmp_path / "file"))], A, meter=meter)

    assert meter.statistics().bytes_hashed == 26


def test_sqlite_is_used_inside_only(tmp_path: Path) -> None:
    entered: list[bool] = []

    @contextlib.contextmanager
    def inside() -> Generator[None]:
        entered.append(True)
        yield

    with closing(Index(str(tmp_path / "index.db"), inside=inside)) as index:
        index.lookup([], Algorithm.BLAKE3)

    assert entered == [True, True]  # the call, and the end


def test_an_index_that_was_removed_is_made_anew(index: Index) -> None:
    index.remember([(FILE.path, STAMP, WHAT)], A, began=LATER)
    for path in Path(index.path).parent.glob("index*"):
        path.unlink()

    assert index.lookup([FILE], A) == {}
    index.remember([(FILE.path, STAMP, OTHER)], A, began=LATER)
    assert index.lookup([FILE], A) == {FILE.path: OTHER}


def test_rows_that_break_off_leave_nothing_behind(index: Index) -> None:
    def broken() -> Iterator[tuple[str, Stamp, Hashed]]:
        yield FILE.path, STAMP, WHAT
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        index.remember(broken(), A, began=LATER)

    assert index.lookup([FILE], A) == {}
    index.remember([(FILE.path, STAMP, OTHER)], A, began=LATER)


def test_a_forked_child_opens_its_own(index: Index) -> None:
    index.remember([(FILE.path, STAMP, WHAT)], A, began=LATER)

    if not (pid := os.fork()):
        index.remember([(FILE.path, STAMP, OTHER)], A, began=LATER)
        os._exit(0)
    os.waitpid(pid, 0)

    assert index.lookup([FILE], A) == {FILE.path: OTHER}


def test_names_of_files_are_for_nobody_else(tmp_path: Path) -> None:
    Index(str(tmp_path / "index.db")).lookup([FILE], A)

    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}
