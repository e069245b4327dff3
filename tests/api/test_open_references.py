"""`entry.open()` of references: read where they lead, and never a mixture of what lay there then and lies there now."""

import asyncio
import pickle
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import lading
from lading.api import active_run
from lading.api.filesystem import LadingFileSystem
from lading.api.workspace import Workspace
from lading.errors import DigestMismatchError, NotFoundError, ObjectChangedError, StoreDeniedError, UsageError
from lading.manifest.digest import LEAF_SIZE
from lading.testing.http_faults import ALWAYS, Header, NoRanges, Status
from lading.testing.http_server import HttpServer
from lading.testing.s3_server import S3Server
from lading.testing.trees import seeded

BIG = seeded(3 * LEAF_SIZE + 77)


@pytest.fixture
def web() -> Iterator[HttpServer]:
    with HttpServer({"/big.bin": BIG, "/small.txt": b"one\ntwo\n"}) as server:
        yield server


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Server]:
    with S3Server() as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", server.url)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        yield server


def refer(uri: str, *, checksum: bool = True) -> Any:
    """The entry of a logged artifact that refers to it."""
    run = active_run()
    assert run is not None
    artifact = lading.Artifact("refers", "dataset")
    artifact.add_reference(uri, name="it", checksum=checksum)
    return run.log_artifact(artifact).wait().get_entry("it")


def ranges(web: HttpServer) -> list[str]:
    return [each.headers["range"] for each in web.seen if each.method == "GET"]


def test_any_part_is_read_and_only_that_moves(run: lading.Run, web: HttpServer, workspace: Workspace) -> None:
    with refer(f"{web.url}/big.bin").open() as file:
        file.seek(2 * LEAF_SIZE + 5)
        found = file.read(100)
        asked = ranges(web)
        whole = (file.seek(0), file.read())[1]

    assert (found, whole, file.size) == (BIG[2 * LEAF_SIZE + 5 :][:100], BIG, len(BIG))
    assert asked == [f"bytes={2 * LEAF_SIZE}-{3 * LEAF_SIZE - 1}"]
    assert workspace.engine.statistics().budget.lent == 0


async def test_it_is_awaited(run: lading.Run, web: HttpServer) -> None:
    entry = await asyncio.to_thread(refer, f"{web.url}/big.bin")

    async with entry.open_async() as file:
        assert await file.read_range(LEAF_SIZE - 2, LEAF_SIZE + 2) == BIG[LEAF_SIZE - 2 : LEAF_SIZE + 2]


def test_what_was_replaced_before_it_is_opened_is_refused_and_what_is_gone_is_named(run: lading.Run, web: HttpServer) -> None:
    """SEMANTICS 2.3: `ValueError Digest mismatch for url`, as where it is downloaded."""
    entry = refer(f"{web.url}/big.bin")
    web.objects["/big.bin"] = BIG[::-1]

    with pytest.raises(DigestMismatchError, match=r"big\.bin"):
        entry.open()
    del web.objects["/big.bin"]
    with pytest.raises(NotFoundError, match=r"it: .*big\.bin"):
        entry.open()


@pytest.mark.parametrize("checksum", [True, False])
def test_what_is_replaced_while_it_is_open_is_an_error(run: lading.Run, web: HttpServer, checksum: bool) -> None:
    """Also where nothing was noted when it was added: all that is read of an open file is of one object."""
    with refer(f"{web.url}/big.bin", checksum=checksum).open() as file:
        first = file.read(10)
        web.objects["/big.bin"] = BIG[::-1]

        file.seek(2 * LEAF_SIZE)
        with pytest.raises(ObjectChangedError):
            file.read(10)

    assert first == BIG[:10]


@pytest.mark.parametrize("fault", [Header("ETag", None), NoRanges()])
def test_what_nothing_pins_is_read_only_if_it_comes_in_one_piece(run: lading.Run, web: HttpServer, fault: Any) -> None:
    web.fail(fault, times=ALWAYS)
    small, big = refer(f"{web.url}/small.txt"), refer(f"{web.url}/big.bin")

    with small.open() as file:
        found = file.readlines()
        again = (file.seek(4), file.read())[1]
    with pytest.raises(UsageError, match=r"big\.bin.*\n.*download"):
        big.open()

    assert (found, again) == ([b"one\n", b"two\n"], b"two\n")
    assert sum(each.method == "GET" and each.target == "/small.txt" for each in web.seen) == 1


def test_redirects_are_followed_and_trouble_is_asked_again(run: lading.Run, web: HttpServer) -> None:
    web.fail(Status(302, (("Location", "/big.bin"),)), path="/moved", times=ALWAYS)
    entry = refer(f"{web.url}/moved")
    web.fail(Status(503, (("Retry-After", "0"),)), method="GET", path="/big.bin")

    with entry.open() as file:
        assert file.read(5) == BIG[:5]
    assert sum(each.method == "GET" and each.target == "/big.bin" for each in web.seen) == 2


def test_an_object_of_a_bucket(run: lading.Run, s3: S3Server) -> None:
    s3.bucket.put("deep/a", BIG, {"content-type": "binary/octet-stream"})
    entry = refer("s3://bucket/deep/a")

    with entry.open() as file:
        file.seek(-7, 2)
        assert file.read() == BIG[-7:]
    s3.bucket.put("deep/a", BIG[::-1], {"content-type": "binary/octet-stream"})
    with pytest.raises(DigestMismatchError, match="s3://bucket/deep/a"):
        entry.open()


@pytest.mark.parametrize("size", [100, LEAF_SIZE + 100])
def test_a_file_of_this_machine(run: lading.Run, fill: Callable[..., Path], size: int) -> None:
    """SEMANTICS 2.3, file: "ValueError on mismatch or missing"."""
    place = fill("share", {"a": BIG[:size]}) / "a"
    entry = refer(f"file://{place}")

    with entry.open() as file:
        assert file.read() == BIG[:size]
    place.write_bytes(BIG[size : 2 * size])
    with pytest.raises(DigestMismatchError, match="file://"):
        entry.open()
    place.unlink()
    with pytest.raises(NotFoundError):
        entry.open()


def test_a_file_of_any_file_system(run: lading.Run) -> None:
    system: Any = import_module("fsspec").filesystem("memory")
    system.pipe({"/open/a": BIG})

    with refer("memory://open/a").open() as file:
        file.seek(LEAF_SIZE - 1)
        found = file.read(2)
        system.pipe({"/open/a": BIG[::-1]})
        file.seek(3 * LEAF_SIZE)
        with pytest.raises(ObjectChangedError):
            file.read(1)

    assert found == BIG[LEAF_SIZE - 1 : LEAF_SIZE + 1]
    system.rm("/open", recursive=True)


def test_an_entry_of_another_artifact_that_is_a_reference(run: lading.Run, web: HttpServer) -> None:
    second = lading.Artifact("second", "dataset")
    second.add_reference(refer(f"{web.url}/small.txt"), name="again")
    run.log_artifact(second).wait()

    with second.get_entry("again").open() as file:
        assert file.read() == b"one\ntwo\n"


def test_a_scheme_that_nobody_knows_cannot_be_opened(run: lading.Run) -> None:
    entry = refer("ref://inventory/4711")

    with pytest.raises(UsageError, match="ref://inventory/4711"):
        entry.open()


def test_files_of_strangers_are_not_opened(home: Path, fill: Callable[..., Path]) -> None:
    """DESIGN 5, Trust: `file:` and private addresses from another entity's version only with `allow_local_references=True`."""
    secret = fill("data", {"secret": "key"}) / "secret"
    with lading.init(entity="them", project="p"):
        refer(f"file://{secret}")
    entry = lading.Api().artifact("them/p/refers:latest").get_entry("it")

    with pytest.raises(StoreDeniedError, match="allow_local_references=True"):
        entry.open()
    with entry.open(allow_local_references=True) as file:
        assert file.read() == b"key"
    with pytest.raises(StoreDeniedError):
        LadingFileSystem().cat("them/p/refers:latest/it")
    trusting: LadingFileSystem = pickle.loads(pickle.dumps(LadingFileSystem(allow_local_references=True)))
    assert trusting.cat("them/p/refers:latest/it") == b"key"


def test_the_file_system_reads_references(run: lading.Run, web: HttpServer) -> None:
    refer(f"{web.url}/big.bin", checksum=False)
    fs = LadingFileSystem(project="p")

    assert fs.cat_ranges(["refers:latest/it"] * 2, [5, -9], [9, None]) == [BIG[5:9], BIG[-9:]]
    with fs.open("refers:latest/it") as file:
        assert file.read(3) == BIG[:3]
