"""Large objects in Google Cloud Storage: components, compose, lost answers, and what the dead leave behind."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence

import pytest

from lading.errors import AlreadyExistsError, DigestMismatchError, StoreDeniedError, StoreError, StoreUnavailableError
from lading.store.checksum import checksum
from lading.store.gcs.components import Upload, subject_of
from lading.store.gcs.store import GcsStore
from lading.store.gcs.write import GcsWrite
from lading.store.owner import Owner, this_process
from lading.store.store import Write, read_bytes
from lading.testing.gcs_server import Drop, GcsServer, LoseAnswer, Meanwhile, Refuse
from lading.testing.gcs_server_bucket import GcsObject, Source

KEY = "objects/ab/cdef"
NAME = f"root/{KEY}"


@pytest.fixture
def server() -> Iterator[GcsServer]:
    with GcsServer(page=50) as server:
        yield server
        assert server.unused == []


@pytest.fixture
def store(server: GcsServer) -> GcsStore:
    return GcsStore(f"gs://bucket/root?endpoint={server.url}&anonymous=1")


def components(server: GcsServer) -> list[str]:
    return [name for name in server.bucket.objects if ".lading-components" in name]


def dead() -> Owner:
    here = this_process()
    return Owner(here.boot, here.namespace, 2**22 - 1, "1")


async def written(write: Write, data: bytes, part: int) -> None:
    def run() -> None:
        for start in range(0, len(data), part):
            write.part(start, min(start + part, len(data))).write((data[start : start + part],))

    await asyncio.to_thread(run)


async def begun(store: GcsStore, data: bytes = b"0123456789", part: int = 4, *, replace: bool = False) -> Write:
    write = await store.begin(KEY, len(data), part=part, replace=replace)
    await written(write, data, part)
    return write


@pytest.mark.parametrize(("parts", "composes"), [(1, 1), (32, 1), (33, 2), (70, 4), (1025, 32 + 1 + 1)])
async def test_any_number_of_parts_makes_one_object(server: GcsServer, store: GcsStore, parts: int, composes: int) -> None:
    data = os.urandom(parts * 3 - 1)
    write = await store.begin(KEY, len(data), part=3)
    assert isinstance(write, GcsWrite)
    for start in range(0, len(data), 3):  # as lanes would leave them, at less expense
        stop = min(start + 3, len(data))
        write.part(start, stop)
        server.bucket.insert(f"root/{write.upload.component(start, stop)}", data[start:stop])

    await write.complete()

    assert await read_bytes(store, KEY) == data
    assert server.bucket.objects[NAME].components == parts
    assert server.count("compose") == composes
    assert list(server.bucket.objects) == [NAME]


async def test_the_sources_and_the_absence_of_the_object_are_conditions(server: GcsServer, store: GcsStore) -> None:
    write = await begun(store)
    first = components(server)[0]
    server.fail("compose", Meanwhile(lambda: server.bucket.insert(first, b"evil")))

    with pytest.raises(StoreError, match=r"a part in gs://.* was replaced meanwhile"):
        await write.complete()
    await write.abort()

    assert server.bucket.objects == {}


async def test_a_part_that_is_replaced_on_the_way_of_many_is_noticed(server: GcsServer, store: GcsStore) -> None:
    write = await begun(store, b"x" * 33, 1)
    first = components(server)[0]
    server.fail("compose", Meanwhile(lambda: server.bucket.insert(first, b"y")))

    with pytest.raises(StoreError, match="was replaced meanwhile"):
        await write.complete()
    await write.abort()

    assert server.bucket.objects == {}


async def test_a_part_that_is_gone_is_noticed_before_and_during_the_compose(server: GcsServer, store: GcsStore) -> None:
    write = await begun(store)
    first, *_, last = components(server)
    server.fail("compose", Meanwhile(lambda: server.bucket.delete(first, {})))

    with pytest.raises(StoreError, match=r"a part in gs://.* is gone"):
        await write.complete()
    server.bucket.delete(last, {})
    with pytest.raises(StoreError, match="not all parts were written"):
        await write.complete()
    await write.abort()

    assert server.bucket.objects == {}


async def test_an_object_that_came_meanwhile_stays_and_the_components_go(server: GcsServer, store: GcsStore) -> None:
    write = await begun(store)
    server.fail("compose", Meanwhile(lambda: server.bucket.insert(NAME, b"another")))

    with pytest.raises(AlreadyExistsError):
        await write.complete()

    assert {name: one.data for name, one in server.bucket.objects.items()} == {NAME: b"another"}


async def test_an_equal_object_of_another_is_anothers_too(server: GcsServer, store: GcsStore) -> None:
    one, two = await begun(store), await begun(store)
    await one.complete()

    with pytest.raises(AlreadyExistsError):
        await two.complete()

    assert list(server.bucket.objects) == [NAME]


async def test_a_compose_whose_answer_is_lost_is_looked_up_and_not_repeated(server: GcsServer, store: GcsStore) -> None:
    write = await begun(store)
    server.fail("compose", LoseAnswer())

    await write.complete()

    assert await read_bytes(store, KEY) == b"0123456789"
    assert server.count("compose") == 1
    assert components(server) == []


@pytest.mark.parametrize("fault", [Drop(), Refuse(503)])
async def test_a_compose_that_was_not_done_may_be_asked_for_again(
    server: GcsServer, store: GcsStore, fault: Drop | Refuse
) -> None:
    write = await begun(store)
    server.fail("compose", fault)

    with pytest.raises(StoreUnavailableError):
        await write.complete()
    assert NAME not in server.bucket.objects
    await write.complete()

    assert await read_bytes(store, KEY) == b"0123456789"
    assert components(server) == []


async def test_a_lost_answer_and_a_lost_look_end_well_when_complete_is_called_again(server: GcsServer, store: GcsStore) -> None:
    write = await begun(store)
    server.fail("compose", LoseAnswer())
    server.fail("get", Refuse(503))

    with pytest.raises(StoreUnavailableError):
        await write.complete()
    await write.complete()

    assert server.count("compose") == 1
    assert list(server.bucket.objects) == [NAME]


async def test_after_a_lost_answer_another_object_is_not_taken_for_ours(server: GcsServer, store: GcsStore) -> None:
    write = await begun(store)
    server.fail("compose", Drop())
    server.fail("get", Meanwhile(lambda: server.bucket.insert(NAME, b"012345678x")))

    with pytest.raises(AlreadyExistsError):
        await write.complete()

    assert {name: one.data for name, one in server.bucket.objects.items()} == {NAME: b"012345678x"}


async def test_a_lost_answer_of_a_replacing_compose_is_looked_up_too(server: GcsServer, store: GcsStore) -> None:
    server.bucket.insert(NAME, b"before")
    write = await begun(store, replace=True)
    server.fail("compose", LoseAnswer())

    await write.complete()

    assert await read_bytes(store, KEY) == b"0123456789"
    assert server.count("compose") == 1


async def test_a_composed_object_with_another_checksum_is_taken_back(
    server: GcsServer, store: GcsStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = await begun(store)
    right = server.bucket.compose

    def wrong(name: str, sources: Sequence[Source], query: Mapping[str, str], *, content_type: str | None = None) -> GcsObject:
        return right(name, sources[::-1], query, content_type=content_type)

    monkeypatch.setattr(server.bucket, "compose", wrong)

    with pytest.raises(DigestMismatchError, match="10 bytes with crc32c"):
        await write.complete()
    await write.abort()

    assert server.bucket.objects == {}


async def test_cleaning_that_fails_is_gone_on_with(server: GcsServer, store: GcsStore) -> None:
    write = await begun(store)
    server.fail("delete", Refuse(503))

    with pytest.raises(StoreUnavailableError):
        await write.complete()
    await write.complete()

    assert list(server.bucket.objects) == [NAME]
    assert server.count("compose") == 1


async def test_an_object_without_bytes_needs_no_parts(server: GcsServer, store: GcsStore) -> None:
    write = await store.begin(KEY, 0)
    server.fail("insert", LoseAnswer())

    await write.complete()

    assert await read_bytes(store, KEY) == b""
    assert list(server.bucket.objects) == [NAME]


async def test_parts_are_read_back_where_they_lie(store: GcsStore) -> None:
    write = await begun(store)
    job, found = write.written(4, 8), bytearray()
    assert job is not None

    await asyncio.to_thread(job.read, memoryview(bytearray(8)), found.extend)

    assert found == b"4567"
    assert write.written(5, 6) is None
    await write.abort()


async def test_components_are_listed_by_no_store_above_or_beside(server: GcsServer, store: GcsStore) -> None:
    write = await begun(store)
    above = GcsStore(f"gs://bucket?endpoint={server.url}&anonymous=1")

    assert components(server)
    assert [meta async for meta in store.list("")] == []
    assert [meta async for meta in above.list("")] == []
    await write.abort()


# What the dead leave behind.


def leave(server: GcsServer, owner: Owner, *parts: tuple[int, int], number: str = "1", key: str = KEY) -> str:
    folder = f"root/{Upload('objects/ab/', subject_of(key), owner, number).folder}"
    for start, stop in parts:
        server.bucket.insert(f"{folder}{start}-{stop}", b"0123456789"[start:stop])
    return folder


async def test_a_dead_writers_parts_are_taken_over_with_their_checksums(server: GcsServer, store: GcsStore) -> None:
    folder = leave(server, dead(), (0, 4), (8, 10))

    write = await store.begin(KEY, 10, part=4)
    proofs = [write.proof(0, 4), write.proof(4, 8), write.proof(8, 10)]
    done = write.done
    await asyncio.to_thread(write.part(4, 8).write, (b"4567",))
    await write.complete()

    assert done == {(0, 4), (8, 10)}
    assert proofs == [checksum("crc32c", b"0123"), None, checksum("crc32c", b"89")]
    assert await read_bytes(store, KEY) == b"0123456789"
    assert list(server.bucket.objects) == [NAME]
    assert [name for kind, name in server.calls if kind == "insert"] == [f"{folder}owner", f"{folder}4-8"]


async def test_of_the_uploads_of_the_dead_the_largest_is_taken_and_the_rest_removed(server: GcsServer, store: GcsStore) -> None:
    leave(server, dead(), (0, 4), number="1")
    leave(server, dead(), (0, 4), (4, 8), number="2")
    leave(server, dead(), (0, 5), number="3")

    write = await store.begin(KEY, 10, part=4)

    assert write.done == {(0, 4), (4, 8)}
    assert len(components(server)) == 3
    await write.abort()
    assert server.bucket.objects == {}


async def test_what_was_cut_in_another_way_is_of_no_use(server: GcsServer, store: GcsStore) -> None:
    leave(server, dead(), (0, 5), (4, 8), (8, 11))

    write = await store.begin(KEY, 10, part=4)

    assert write.done == {(4, 8)}
    await written(write, b"0123456789", 4)
    await write.complete()
    assert list(server.bucket.objects) == [NAME]


async def test_what_the_living_the_unknown_and_other_keys_have_is_left_alone(server: GcsServer, store: GcsStore) -> None:
    here = this_process()
    leave(server, here, (0, 4))
    leave(server, Owner("otherboot", here.namespace, 1, "1"), (0, 4))
    leave(server, dead(), (0, 4), key="objects/ab/other")
    server.bucket.insert("root/objects/ab/.lading-components/odd/thing", b"")
    before = components(server)

    write = await store.begin(KEY, 10, part=4)
    done = write.done
    await write.abort()

    assert done == frozenset()
    assert components(server) == before


async def test_of_two_who_find_the_same_upload_one_gets_it(server: GcsServer, store: GcsStore) -> None:
    leave(server, dead(), (0, 4))

    writes = await asyncio.gather(*(store.begin(KEY, 10, part=4) for _ in range(4)))

    assert sorted(len(write.done) for write in writes) == [0, 0, 0, 1]
    for write in writes:
        await write.abort()
    assert server.bucket.objects == {}


async def test_an_upload_that_was_taken_over_by_who_died_as_well_is_taken_over_again(server: GcsServer, store: GcsStore) -> None:
    folder = leave(server, dead(), (0, 4))
    server.bucket.insert(f"{folder}owner", str(dead()).encode())

    write = await store.begin(KEY, 10, part=4)

    assert write.done == {(0, 4)}
    assert server.bucket.objects[f"{folder}owner"].data == str(this_process()).encode()
    await write.abort()
    assert server.bucket.objects == {}


async def test_an_upload_that_somebody_alive_took_over_is_theirs(server: GcsServer, store: GcsStore) -> None:
    folder = leave(server, dead(), (0, 4))
    server.bucket.insert(f"{folder}owner", str(this_process()).encode())

    write = await store.begin(KEY, 10, part=4)

    assert write.done == frozenset()
    await write.abort()
    assert len(components(server)) == 2


async def test_an_upload_that_is_finished_while_it_is_claimed_is_no_help_and_no_harm(server: GcsServer, store: GcsStore) -> None:
    folder = leave(server, dead(), (0, 4))
    server.fail("insert", Meanwhile(lambda: server.bucket.delete(f"{folder}0-4", {})))

    write = await store.begin(KEY, 10, part=4)

    assert write.done == frozenset()
    await written(write, b"0123456789", 4)
    await write.complete()
    assert list(server.bucket.objects) == [NAME]


async def test_the_claim_is_deleted_last(server: GcsServer, store: GcsStore) -> None:
    leave(server, dead(), (0, 4), (4, 8))

    write = await store.begin(KEY, 10, part=4)
    await write.abort()

    deleted = [name.rpartition("/")[2] for kind, name in server.calls if kind == "delete"]
    assert (sorted(deleted[:2]), deleted[2:]) == (["0-4", "4-8"], ["owner"])


async def test_all_uploads_can_be_listed_and_removed(server: GcsServer, store: GcsStore) -> None:
    leave(server, dead(), (0, 4), (4, 8))
    leave(server, dead(), (0, 4), key="objects/ab/other")
    for name in ("root/objects/ab/whole", "root/whole"):
        server.bucket.insert(name, b"")
    assert [left async for left in store.uploads("objects/cd/")] == []

    found = [left async for left in store.uploads()]
    for left in found:
        await store.discard(left.upload)

    assert sorted((left.upload.owner == dead(), left.size) for left in found) == [(True, 4), (True, 8)]
    assert {left.upload.beside for left in found} == {"objects/ab/"}
    assert all(left.latest > 1.7e9 for left in found)
    assert list(server.bucket.objects) == ["root/objects/ab/whole", "root/whole"]


_KILLED = f"""
import asyncio, os, signal, sys
from lading.store.gcs.store import GcsStore

async def main():
    write = await GcsStore(sys.argv[1]).begin({KEY!r}, 10, part=4)
    await asyncio.to_thread(write.part(4, 8).write, (b"4567",))
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


async def test_what_a_killed_process_had_sent_need_not_be_sent_again(server: GcsServer, store: GcsStore) -> None:
    url = f"gs://bucket/root?endpoint={server.url}&anonymous=1"
    run = await asyncio.to_thread(subprocess.run, [sys.executable, "-P", "-c", _KILLED, url], timeout=30)
    assert run.returncode == -signal.SIGKILL

    write = await store.begin(KEY, 10, part=4)

    assert write.done == {(4, 8)}
    assert write.proof(4, 8) == checksum("crc32c", b"4567")
    await write.abort()
    assert server.bucket.objects == {}


async def test_who_may_not_delete_is_told_so(server: GcsServer, store: GcsStore) -> None:
    write = await begun(store)
    server.fail("delete", Refuse(403))

    with pytest.raises(StoreDeniedError):
        await write.complete()

    with contextlib.suppress(StoreError):
        await write.abort()
    assert list(server.bucket.objects) == [NAME]
