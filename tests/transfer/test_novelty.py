"""Novelty: what is called new is new; what is not called so may be a copy."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from lading.store.memory import MemoryStore
from lading.store.store import write_bytes
from lading.testing.trees import seeded, write_tree
from lading.transfer.lanes import Lanes
from lading.transfer.local import local_file
from lading.transfer.novelty import MOST, Novelty

ONE, OTHER = seeded(100_000), seeded(100_000, 1)


@pytest.fixture
async def lanes() -> AsyncIterator[Lanes]:
    lanes = Lanes(1)
    yield lanes
    lanes.close()


async def novelty_of(objects: Mapping[str, bytes], *, gone: Mapping[str, bytes] | None = None) -> Novelty:
    store = MemoryStore()
    for key, content in objects.items():
        await write_bytes(store, key, content)

    async def sizes() -> dict[str, int]:
        return {key: len(content) for key, content in {**objects, **(gone or {})}.items()}

    return Novelty(store, sizes)


async def new(novelty: Novelty, lanes: Lanes, root: Path, files: Mapping[str, bytes]) -> list[str]:
    write_tree(root, files)
    found = [local_file(str(root / name)) for name in files]
    return [Path(file.path).name for file in await novelty.new(lanes, found)]


async def test_content_that_differs_from_all_of_its_size_is_new(lanes: Lanes, tmp_path: Path) -> None:
    novelty = await novelty_of({"k": ONE, "shorter": OTHER[:-1]})

    assert await new(novelty, lanes, tmp_path, {"one": ONE, "other": OTHER, "longer": ONE + b"1"}) == ["other", "longer"]


async def test_what_differs_only_elsewhere_may_be_a_copy(lanes: Lanes, tmp_path: Path) -> None:
    novelty = await novelty_of({"k": ONE})

    assert await new(novelty, lanes, tmp_path, {"nearly": b"x" + ONE[1:]}) == []


async def test_files_that_may_be_copies_of_each_other_are_not_new(lanes: Lanes, tmp_path: Path) -> None:
    novelty = await novelty_of({})

    assert await new(novelty, lanes, tmp_path, {"a": ONE, "b": ONE, "c": OTHER}) == ["c"]
    assert await new(novelty, lanes, tmp_path, {"d": OTHER, "e": ONE, "f": seeded(100_000, 2)}) == ["f"]


@pytest.mark.parametrize(("count", "expected"), [(MOST, ["other"]), (MOST + 1, [])])
async def test_files_are_compared_with_so_many_objects_and_no_more(
    lanes: Lanes, tmp_path: Path, count: int, expected: list[str]
) -> None:
    novelty = await novelty_of({str(number): ONE for number in range(count)})

    assert await new(novelty, lanes, tmp_path, {"other": OTHER}) == expected


async def test_an_object_that_is_gone_is_no_reason_to_wait(lanes: Lanes, tmp_path: Path) -> None:
    novelty = await novelty_of({}, gone={"k": ONE})

    assert await new(novelty, lanes, tmp_path, {"one": ONE}) == ["one"]


async def test_where_nobody_knows_what_is_stored_nothing_is_new(lanes: Lanes, tmp_path: Path) -> None:
    async def nobody() -> None:
        return None

    assert await new(Novelty(MemoryStore(), nobody), lanes, tmp_path, {"one": ONE}) == []


async def test_a_file_that_cannot_be_read_is_not_new(lanes: Lanes, tmp_path: Path) -> None:
    novelty = await novelty_of({})
    write_tree(tmp_path, {"gone": ONE, "cut": OTHER})
    files = [local_file(str(tmp_path / name)) for name in ("gone", "cut")]
    Path(files[0].path).unlink()  # noqa: ASYNC240
    Path(files[1].path).write_bytes(b"")  # noqa: ASYNC240

    assert await novelty.new(lanes, files) == []
