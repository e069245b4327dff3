"""Uploads to Google Cloud Storage that the dead left: taken over by one, or listed and removed."""

import asyncio
import signal
import subprocess
import sys

import pytest

from lading.store.checksum import checksum
from lading.store.gcs.components import Upload, subject_of
from lading.store.gcs.store import GcsStore
from lading.store.owner import Owner, this_process
from lading.store.store import read_bytes
from lading.testing.gcs_server import GcsServer, Meanwhile

from .uploads import DATA, KEY, NAME, PARTS, components, dead, write_parts


@pytest.fixture
def store(gcs: GcsServer) -> GcsStore:
    return GcsStore(f"gs://bucket/root?endpoint={gcs.url}&anonymous=1")


def leave(gcs: GcsServer, owner: Owner, *parts: tuple[int, int], number: str = "1", key: str = KEY) -> str:
    folder = f"root/{Upload('objects/ab/', subject_of(key), owner, number).folder}"
    for start, stop in parts:
        gcs.bucket.insert(f"{folder}{start}-{stop}", DATA[start:stop])
    return folder


async def test_a_dead_writers_parts_are_taken_over_with_their_checksums(gcs: GcsServer, store: GcsStore) -> None:
    folder = leave(gcs, dead(), (0, 4), (8, 10))

    write = await store.begin(KEY, 10, part=4)
    proofs = [write.proof(0, 4), write.proof(4, 8), write.proof(8, 10)]
    done = write.done
    await asyncio.to_thread(write.part(4, 8).write, (b"4567",))
    await write.complete()

    assert done == {(0, 4), (8, 10)}
    assert proofs == [checksum("crc32c", b"0123"), None, checksum("crc32c", b"89")]
    assert await read_bytes(store, KEY) == b"0123456789"
    assert list(gcs.bucket.objects) == [NAME]
    assert [name for kind, name in gcs.calls if kind == "insert"] == [f"{folder}owner", f"{folder}4-8"]


async def test_of_the_uploads_of_the_dead_the_largest_is_taken_and_the_rest_removed(gcs: GcsServer, store: GcsStore) -> None:
    leave(gcs, dead(), (0, 4), number="1")
    leave(gcs, dead(), (0, 4), (4, 8), number="2")
    leave(gcs, dead(), (0, 5), number="3")

    write = await store.begin(KEY, 10, part=4)

    assert write.done == {(0, 4), (4, 8)}
    assert len(components(gcs)) == 3
    await write.abort()
    assert gcs.bucket.objects == {}


async def test_what_was_cut_in_another_way_is_of_no_use(gcs: GcsServer, store: GcsStore) -> None:
    leave(gcs, dead(), (0, 5), (4, 8), (8, 11))

    write = await store.begin(KEY, 10, part=4)

    assert write.done == {(4, 8)}
    await write_parts(write, *PARTS)
    await write.complete()
    assert list(gcs.bucket.objects) == [NAME]


async def test_what_the_living_the_unknown_and_other_keys_have_is_left_alone(gcs: GcsServer, store: GcsStore) -> None:
    here = this_process()
    leave(gcs, here, (0, 4))
    leave(gcs, Owner("otherboot", here.namespace, 1, "1"), (0, 4))
    leave(gcs, dead(), (0, 4), key="objects/ab/other")
    gcs.bucket.insert("root/objects/ab/.lading-components/odd/thing", b"")
    before = components(gcs)

    write = await store.begin(KEY, 10, part=4)
    done = write.done
    await write.abort()

    assert done == frozenset()
    assert components(gcs) == before


async def test_of_two_who_find_the_same_upload_one_gets_it(gcs: GcsServer, store: GcsStore) -> None:
    leave(gcs, dead(), (0, 4))

    writes = await asyncio.gather(*(store.begin(KEY, 10, part=4) for _ in range(4)))

    assert sorted(len(write.done) for write in writes) == [0, 0, 0, 1]
    for write in writes:
        await write.abort()
    assert gcs.bucket.objects == {}


async def test_an_upload_that_was_taken_over_by_who_died_as_well_is_taken_over_again(gcs: GcsServer, store: GcsStore) -> None:
    folder = leave(gcs, dead(), (0, 4))
    gcs.bucket.insert(f"{folder}owner", str(dead()).encode())

    write = await store.begin(KEY, 10, part=4)

    assert write.done == {(0, 4)}
    assert gcs.bucket.objects[f"{folder}owner"].data == str(this_process()).encode()
    await write.abort()
    assert gcs.bucket.objects == {}


async def test_an_upload_that_somebody_alive_took_over_is_theirs(gcs: GcsServer, store: GcsStore) -> None:
    folder = leave(gcs, dead(), (0, 4))
    gcs.bucket.insert(f"{folder}owner", str(this_process()).encode())

    write = await store.begin(KEY, 10, part=4)

    assert write.done == frozenset()
    await write.abort()
    assert len(components(gcs)) == 2


async def test_an_upload_that_is_finished_while_it_is_claimed_is_no_help_and_no_harm(gcs: GcsServer, store: GcsStore) -> None:
    folder = leave(gcs, dead(), (0, 4))
    gcs.fail("insert", Meanwhile(lambda: gcs.bucket.delete(f"{folder}0-4", {})))

    write = await store.begin(KEY, 10, part=4)

    assert write.done == frozenset()
    await write_parts(write, *PARTS)
    await write.complete()
    assert list(gcs.bucket.objects) == [NAME]


async def test_the_claim_is_deleted_last(gcs: GcsServer, store: GcsStore) -> None:
    leave(gcs, dead(), (0, 4), (4, 8))

    write = await store.begin(KEY, 10, part=4)
    await write.abort()

    deleted = [name.rpartition("/")[2] for kind, name in gcs.calls if kind == "delete"]
    assert (sorted(deleted[:2]), deleted[2:]) == (["0-4", "4-8"], ["owner"])


async def test_all_uploads_can_be_listed_and_removed(gcs: GcsServer, store: GcsStore) -> None:
    leave(gcs, dead(), (0, 4), (4, 8))
    leave(gcs, dead(), (0, 4), key="objects/ab/other")
    for name in ("root/objects/ab/whole", "root/whole"):
        gcs.bucket.insert(name, b"")
    assert [left async for left in store.uploads("objects/cd/")] == []

    found = [left async for left in store.uploads()]
    for left in found:
        await store.discard(left.upload)

    assert sorted((left.upload.owner == dead(), left.size) for left in found) == [(True, 4), (True, 8)]
    assert {left.upload.beside for left in found} == {"objects/ab/"}
    assert all(left.latest > 1.7e9 for left in found)
    assert list(gcs.bucket.objects) == ["root/objects/ab/whole", "root/whole"]


_KILLED = f"""
import asyncio, os, signal, sys
from lading.store.gcs.store import GcsStore

async def main():
    write = await GcsStore(sys.argv[1]).begin({KEY!r}, 10, part=4)
    await asyncio.to_thread(write.part(4, 8).write, (b"4567",))
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


async def test_what_a_killed_process_had_sent_need_not_be_sent_again(gcs: GcsServer, store: GcsStore) -> None:
    url = f"gs://bucket/root?endpoint={gcs.url}&anonymous=1"
    run = await asyncio.to_thread(subprocess.run, [sys.executable, "-P", "-c", _KILLED, url], timeout=30)
    assert run.returncode == -signal.SIGKILL

    write = await store.begin(KEY, 10, part=4)

    assert write.done == {(4, 8)}
    assert write.proof(4, 8) == checksum("crc32c", b"4567")
    await write.abort()
    assert gcs.bucket.objects == {}
