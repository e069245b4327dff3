"""The engine over S3: files go up and come down, in parts and by batches, whatever the server does meanwhile."""

from pathlib import Path

import pytest

from lading.errors import DigestMismatchError
from lading.manifest.digest import LEAF_SIZE, Algorithm
from lading.store.journal import Journal
from lading.store.s3.store import S3Store, open_s3
from lading.testing.s3_server import Damage, Drop, Fault, Late, LoseAnswer, Refuse, S3Server
from lading.testing.trees import fetch_items, seeded, send_items, write_tree
from lading.transfer.budget import ByteBudget
from lading.transfer.engine import Engine
from lading.transfer.fetch import fetch
from lading.transfer.progress import Meter
from lading.transfer.scheduler import Limits, Retry
from lading.transfer.send import send

CONTENTS = {"large": seeded(2 * LEAF_SIZE + 5), "small/a": b"a" * 5000, "small/b": b"", "small/c": seeded(100_000)}
A = Algorithm.BLAKE3


@pytest.fixture
def store(s3: S3Server, journal: Journal) -> S3Store:
    return open_s3(f"s3://bucket/artifacts?endpoint={s3.url}", journal=journal)


async def _round_trip(store: S3Store, folder: Path, before_fetch: list[tuple[str, Fault]], s3: S3Server) -> None:
    write_tree(folder / "in", CONTENTS)
    engine = Engine(store, None, Limits(4, 4), Retry(attempts=4, unanswered=4, base=0.0), ByteBudget(256 << 20))

    async def landed(_: object) -> None:
        """Nobody waits for it."""

    try:
        await send(engine, send_items(folder / "in"), A, meter=Meter(), landed=landed)
        for kind, fault in before_fetch:
            s3.fail(kind, fault)
        await fetch(engine, fetch_items(CONTENTS), str(folder / "out"), A, meter=Meter())
    finally:
        engine.close()


def _read(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in CONTENTS}


@pytest.mark.parametrize("checksums", [True, False])
async def test_files_go_up_and_come_down(s3: S3Server, store: S3Store, tmp_path: Path, checksums: bool) -> None:
    s3.bucket.rules.checksums = checksums

    await _round_trip(store, tmp_path, [], s3)

    assert _read(tmp_path / "out") == CONTENTS
    assert (s3.bucket.uploads, list((tmp_path / "journal").iterdir())) == ({}, [])
    assert s3.count("part") == 2


async def test_what_a_network_and_a_server_do_is_survived(s3: S3Server, store: S3Store, tmp_path: Path) -> None:
    s3.fail("put", Refuse(503, "SlowDown"), Drop(), LoseAnswer())
    s3.fail("begin", Refuse(500, "InternalError"))
    s3.fail("part", Damage(1), Refuse(503, "SlowDown"), LoseAnswer())
    s3.fail("complete", Late("InternalError"), LoseAnswer())
    s3.region, s3.skew = "eu-west-1", 3000

    await _round_trip(store, tmp_path, [("get", Refuse(503, "SlowDown")), ("get", Drop())], s3)

    assert _read(tmp_path / "out") == CONTENTS
    assert s3.unused == []
    assert s3.bucket.uploads == {}


@pytest.mark.parametrize("there", [b"A" * 5000, b"a" * 4999, b"a" * 5001], ids=["other bytes", "too short", "too long"])
async def test_of_a_damaged_small_object_nothing_is_written(s3: S3Server, store: S3Store, tmp_path: Path, there: bytes) -> None:
    contents = {"good": b"b" * 5000, "small": b"a" * 5000}
    items = fetch_items(contents)
    for item in items:
        store.put(item.key, item.size).write((contents[item.path],))
    damaged = next(item for item in items if item.path == "small")
    store.put(damaged.key, len(there), replace=True).write((there,))
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "small").write_bytes(b"old")
    engine = Engine(store, None, Limits(1, 1), Retry(attempts=2, unanswered=2, base=0.0), ByteBudget(64 << 20))

    try:
        if len(there) <= 5000:
            with pytest.raises(DigestMismatchError, match="small"):
                await fetch(engine, items, str(tmp_path / "out"), A, meter=Meter())
        else:
            await fetch(engine, items, str(tmp_path / "out"), A, meter=Meter())  # all that was asked for is right
    finally:
        engine.close()

    found = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    assert found.pop("good", contents["good"]) == contents["good"]
    assert found == {"small": b"old" if len(there) <= 5000 else b"a" * 5000}
