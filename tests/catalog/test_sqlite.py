"""One file, many threads and processes, and what can go wrong with it."""

import asyncio
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert

from lading.catalog import Catalog, Labels, Wanted, open_catalog
from lading.catalog.sqlite import SqliteDatabase
from lading.catalog.tables import meta
from lading.errors import CatalogBusyError, CommError, DiskFullError, LocalFileError
from lading.testing.catalog_contract import begin, content, log

_LOG_FIVE = """
import asyncio, sys
from lading.catalog import Content, Labels, open_catalog
async def main(url, who):
    catalog = await open_catalog(url)
    for index in range(5):
        session = await catalog.open_session(f"{who} {index}", "e", "p", "c", "dataset")
        made = await catalog.commit(session, Content("d", f"{who} {index}", "BLAKE3", "doc", 1, 1), Labels((who,)), None)
        print(made.version.place.index)
    await catalog.close()
asyncio.run(main(*sys.argv[1:]))
"""

_WRITE_AND_WAIT = """
import sys, time
from pathlib import Path
from sqlalchemy import insert
from lading.catalog.sqlite import SqliteDatabase
from lading.catalog.tables import meta
def body(connection):
    rows = [{"key": str(index), "value": "x" * 100} for index in range(20_000)]  # more than the page cache holds
    connection.execute(insert(meta), rows)
    print("written", flush=True)
    time.sleep(60)
SqliteDatabase(Path(sys.argv[1]), 5).write_now(body)
"""


def add(connection: Connection, key: str) -> None:
    connection.execute(insert(meta), {"key": key, "value": ""})


def python(script: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", script, *arguments], stdout=subprocess.PIPE, text=True)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def change_mode(path: Path, mode: int) -> None:
    path.chmod(mode)


def remove(path: Path) -> None:
    path.unlink()


def end_of(child: int) -> int:
    return os.waitpid(child, 0)[1]


@pytest.fixture
def garbage(file: Path) -> Path:
    file.parent.mkdir()
    file.write_bytes(b"garbage " * 1000)
    return file


@pytest.fixture
def unprivileged() -> Iterator[Path]:
    """A folder that others may enter, while this process is not root."""
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    folder.chmod(0o755)
    root = os.geteuid() == 0
    if root:
        os.chown(folder, 65534, 65534)
        os.seteuid(65534)
    yield folder
    if root:
        os.seteuid(0)
    folder.chmod(0o755)
    shutil.rmtree(folder)


async def test_processes_that_make_one_catalogue_and_log_at_once_number_without_gap(file: Path) -> None:
    loggers = [python(_LOG_FIVE, f"sqlite:///{file}", f"w{number}") for number in range(4)]
    outputs = [logger.communicate(timeout=60)[0].split() for logger in loggers]

    assert [logger.returncode for logger in loggers] == [0, 0, 0, 0]
    assert sorted(int(index) for output in outputs for index in output) == list(range(20))
    catalog = await open_catalog(f"sqlite:///{file}")
    page = await catalog.versions("e", "p", "c", Wanted(order="version_index"), limit=99)
    assert [version.place.index for version in page.items] == list(range(20))
    assert page.total == 20
    assert (await catalog.version("e", "p", "c", "latest")).place.index == 19
    for who, output in enumerate(outputs):
        assert (await catalog.version("e", "p", "c", f"w{who}")).place.index == int(output[-1])
    await catalog.close()


async def test_tasks_log_at_once(catalog: Catalog) -> None:
    async with asyncio.TaskGroup() as tasks:
        for index in range(20):
            tasks.create_task(log(catalog, str(index)))

    page = await catalog.versions("e", "p", "c", Wanted(order="version_index"), limit=99)
    assert [version.place.index for version in page.items] == list(range(20))


async def test_killing_a_writer_undoes_what_it_wrote(catalog: Catalog, file: Path) -> None:
    await log(catalog, "one")
    writer = python(_WRITE_AND_WAIT, str(file))
    assert writer.stdout is not None
    assert writer.stdout.readline() == "written\n"

    writer.send_signal(signal.SIGKILL)
    writer.communicate()

    assert (await log(catalog, "two")).version.place.index == 1
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT count(*) FROM meta").fetchall() == [(1,)]
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


async def test_a_reader_does_not_wait_for_a_writer(catalog: Catalog, file: Path) -> None:
    await log(catalog, "one")
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")

        assert (await catalog.version("e", "p", "c", "v0")).tree_digest == "one"


async def test_a_catalogue_that_stays_locked_is_busy(file: Path) -> None:
    catalog = await open_catalog(f"sqlite:///{file}", busy_timeout=0.02)
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")

        with pytest.raises(CatalogBusyError, match=r"catalog\.db: another process") as caught:
            await log(catalog, "one")

    assert caught.value.retryable
    assert (await log(catalog, "one")).created
    await catalog.close()


async def test_a_thread_that_stays_in_its_transaction_makes_others_busy(catalog: Catalog, file: Path) -> None:
    database = SqliteDatabase(file, 0.02)
    entered, leave = threading.Event(), threading.Event()

    def body(connection: Connection) -> None:
        entered.set()
        leave.wait(60)

    first = threading.Thread(target=database.write_now, args=(body,))
    first.start()
    entered.wait(60)
    with pytest.raises(CatalogBusyError):
        await database.write(add, "k")
    leave.set()
    first.join()

    await database.write(add, "k")
    await database.close()


async def test_a_body_that_fails_is_undone(catalog: Catalog, file: Path) -> None:
    database = SqliteDatabase(file, 1)

    def body(connection: Connection) -> None:
        add(connection, "k")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await database.write(body)

    await database.write(add, "k")
    await database.close()


async def test_settings_of_a_connection(catalog: Catalog, file: Path) -> None:
    database = SqliteDatabase(file, 1)
    names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")

    def body(connection: Connection) -> list[object]:
        return [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names]

    assert await database.read(body) == ["wal", 2, 1, 1000]
    assert repr(database) == f"<SqliteDatabase {file}>"
    await database.close()


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
async def test_a_forked_child_has_connections_of_its_own(catalog: Catalog, file: Path) -> None:
    await log(catalog, "one")
    database = SqliteDatabase(file, 5)
    database.write_now(lambda connection: add(connection, "parent"))

    child = os.fork()
    if child == 0:
        try:
            database.write_now(lambda connection: add(connection, "child"))
            database.close_now()
            os._exit(0)
        except BaseException:
            os._exit(1)

    assert end_of(child) == 0
    with pytest.raises(Exception, match="UNIQUE"):
        await database.write(add, "child")
    await database.write(add, "parent again")
    await database.close()


async def test_a_file_that_is_no_database_is_named(garbage: Path) -> None:
    before = contents(garbage.parent)

    with pytest.raises(CommError, match=r"catalog\.db: not a catalogue, or a damaged one") as caught:
        await open_catalog(f"sqlite:///{garbage}")

    assert "receipts under versions/" in str(caught.value)
    assert contents(garbage.parent) == before


async def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(LocalFileError, match=r"file/catalog\.db: the catalogue cannot be made here"):
        await open_catalog(f"sqlite:///{tmp_path}/file/catalog.db")


async def test_a_folder_in_place_of_the_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(LocalFileError, match="cannot be opened"):
        await open_catalog(f"sqlite:///{tmp_path}")


async def test_a_read_only_folder_is_named(unprivileged: Path) -> None:
    change_mode(unprivileged, 0o555)

    with pytest.raises(LocalFileError, match=str(unprivileged)):
        await open_catalog(f"sqlite:///{unprivileged}/catalog.db")


async def test_a_read_only_file_is_named(unprivileged: Path) -> None:
    file = unprivileged / "catalog.db"
    await (await open_catalog(f"sqlite:///{file}")).close()
    change_mode(file, 0o444)

    with pytest.raises(LocalFileError, match=r"make the file and its folder .* writable"):
        await log(await open_catalog(f"sqlite:///{file}"), "one")


async def test_a_file_that_went_away_is_not_made_anew(catalog: Catalog, file: Path) -> None:
    database = SqliteDatabase(file, 1)
    await catalog.close()
    remove(file)

    with pytest.raises(LocalFileError, match="unable to open"):
        await database.read(lambda connection: None)

    assert contents(file.parent) == {}


async def log_many(catalog: Catalog) -> None:
    for index in range(1000):
        session = await begin(catalog, f"id {index}")
        await catalog.commit(session, content(f"t {index}"), Labels(), None)


async def test_a_full_disk_is_named_and_nothing_changed(small_disk: Path) -> None:
    catalog = await open_catalog(f"sqlite:///{small_disk}/catalog.db")
    await log(catalog, "one")
    (small_disk / "ballast").write_bytes(bytes(shutil.disk_usage(small_disk).free))

    with pytest.raises(DiskFullError, match="the disk is full"):
        await log_many(catalog)

    (small_disk / "ballast").unlink()
    assert (await log(catalog, "more")).created
    await catalog.close()
