"""Early writes of a folder store: begun without a key, named when all is there."""

import os
from pathlib import Path

import pytest

from lading.errors import AlreadyExistsError, NotFoundError
from lading.store.early import EarlyWrite, writes_early
from lading.store.folder import FolderStore
from lading.store.memory import MemoryStore
from lading.store.owner import Fate

from .uploads import DATA, PARTS, dead

DIGESTS = {number: bytes([number + 1]) * 32 for number in range(len(PARTS))}


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "store")


def begin(store: FolderStore, subject: str = "subject") -> EarlyWrite:
    return store.begin_early(subject, "/nowhere/source", len(DATA))


def fill(write: EarlyWrite) -> None:
    for number, (start, stop) in reversed(list(enumerate(PARTS))):
        write.part(start, stop).write((DATA[start:stop],))
        write.note(number, DIGESTS[number])


def filled(store: FolderStore, subject: str = "subject") -> EarlyWrite:
    write = begin(store, subject)
    fill(write)
    write.whole("key")
    return write


def files(store: FolderStore) -> list[str]:
    place = Path(store.root)
    return sorted(path.relative_to(place).as_posix().partition("-")[0] for path in place.rglob("*") if path.is_file())


def content_and_mode(store: FolderStore, key: str) -> tuple[bytes, int]:
    path = Path(store.root, key)
    return path.read_bytes(), path.stat().st_mode & 0o777


def test_only_a_folder_of_this_machine_writes_early(store: FolderStore) -> None:
    assert writes_early(store)
    assert not writes_early(MemoryStore())


async def test_it_becomes_an_object_of_its_content_alone(store: FolderStore) -> None:
    before = os.umask(0o027)
    try:
        named = filled(store).named("objects/key")
        await named.complete()
    finally:
        os.umask(before)

    assert content_and_mode(store, "objects/key") == (DATA, 0o440)
    assert named.done == {(0, len(DATA))}
    assert files(store) == ["objects/key"]


async def test_a_key_that_is_taken_is_left_alone(store: FolderStore) -> None:
    first, second = filled(store), filled(store, "another")
    await first.named("key").complete()

    with pytest.raises(AlreadyExistsError):
        await second.named("key").complete()

    assert files(store) == ["key"]


def test_it_is_listed_by_nobody_and_gone_when_it_is_discarded(store: FolderStore) -> None:
    write = begin(store)
    fill(write)
    before = files(store)

    write.discard()
    write.discard()

    assert before == ["tmp/.lading"]
    assert files(store) == []


async def test_what_was_named_is_not_discarded(store: FolderStore) -> None:
    write = filled(store)
    named = write.named("key")

    write.discard()
    await named.complete()

    assert files(store) == ["key"]


def test_what_cannot_be_named_leaves_nothing(store: FolderStore) -> None:
    write = filled(store)

    with pytest.raises(NotFoundError):
        write.named("../key")

    assert files(store) == []


def test_it_says_what_it_holds(store: FolderStore) -> None:
    write = begin(store)
    start, stop = PARTS[1]
    write.part(start, stop).write((DATA[start:stop],))
    write.note(1, DIGESTS[1])

    read = bytearray()
    write.written(start, stop).read(memoryview(bytearray(10)), read.extend)

    assert bytes(read) == DATA[start:stop]
    assert [write.noted(number) for number in DIGESTS] == [None, DIGESTS[1], None]


def die(store: FolderStore, subject: str) -> None:
    """As if the writer of the one file in the making had died."""
    place = Path(store.root, "tmp")
    (left,) = place.iterdir()
    left.rename(place / f".lading-{subject}-{dead()}-0")


def leave(store: FolderStore) -> None:
    fill(begin(store))
    die(store, "subject")


def test_what_a_dead_writer_noted_is_there(store: FolderStore) -> None:
    leave(store)

    write = begin(store)

    assert [write.noted(number) for number in DIGESTS] == list(DIGESTS.values())
    assert len(files(store)) == 1


@pytest.mark.parametrize("subject", ["other", "subject-other"])
def test_other_content_of_a_dead_writer_is_left_to_upkeep(store: FolderStore, subject: str) -> None:
    leave(store)

    write = begin(store, subject)

    assert write.noted(0) is None
    assert len(files(store)) == 2


async def test_what_a_dead_writer_left_is_found_by_upkeep(store: FolderStore) -> None:
    leave(store)

    (found,) = [one async for one in store.unfinished()]

    assert (found.key, found.fate) == ("subject", Fate.GONE)


def test_a_living_writer_is_left_alone(store: FolderStore) -> None:
    first, second = begin(store), begin(store)

    fill(first)

    assert second.noted(0) is None
    assert len(files(store)) == 2


async def test_after_a_crash_who_writes_its_key_goes_on(store: FolderStore) -> None:
    filled(store)
    die(store, "key")

    again = await store.begin("objects/key", len(DATA))

    assert again.done == {(0, len(DATA))}
    await again.abort()


def test_what_a_dead_writer_left_of_the_same_content_goes(store: FolderStore) -> None:
    filled(store)
    die(store, "key")

    filled(store, "another").discard()

    assert files(store) == []
