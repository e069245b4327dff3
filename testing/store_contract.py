"""What every store must do. A store's test is `class TestMine(StoreContract)` with a fixture `store` that gives an empty one."""

import asyncio
import pickle
import threading
from collections.abc import Iterator

import pytest

from ..errors import AlreadyExistsError, NotFoundError, StoreError, StoreForeignError
from ..store.ownership import claim, ownership, owns
from ..store.store import Store, read_bytes, write_bytes

_KEY = "objects/e/blake3/ab/cdef"


def _read(store: Store, key: str, start: int, stop: int, *, buffer: int = 4, etag: str | None = None) -> bytes:
    found = bytearray()
    store.read(key, start, stop, etag=etag).read(memoryview(bytearray(buffer)), found.extend)
    return bytes(found)


class SomeOwner:
    """A catalogue as far as a claim needs one."""

    def __init__(self, name: str, *, store: str | None = None) -> None:
        self.url, self.store, self._name = f"some:{name}", store, name

    async def id(self) -> str:
        return self._name

    async def store_id(self) -> str | None:
        return self.store

    async def own_store(self, store_id: str) -> str:
        self.store = self.store or store_id
        return self.store


class StoreContract:
    async def test_what_was_put_is_read(self, store: Store) -> None:
        await write_bytes(store, _KEY, b"0123456789")

        assert await read_bytes(store, _KEY) == b"0123456789"
        assert (await store.head(_KEY)).size == 10

    async def test_an_empty_object_is_an_object(self, store: Store) -> None:
        await write_bytes(store, _KEY, b"")

        assert await read_bytes(store, _KEY) == b""

    async def test_a_range_is_read_in_pieces_no_larger_than_the_buffer(self, store: Store) -> None:
        await write_bytes(store, _KEY, b"0123456789")

        assert _read(store, _KEY, 2, 9) == b"2345678"

    async def test_a_range_past_the_end_is_an_error(self, store: Store) -> None:
        await write_bytes(store, _KEY, b"0123456789")

        with pytest.raises(StoreError):
            _read(store, _KEY, 5, 11)

    async def test_a_missing_object_is_not_found(self, store: Store) -> None:
        with pytest.raises(NotFoundError, match="ab/cdef"):
            await store.head(_KEY)
        with pytest.raises(NotFoundError, match="ab/cdef"):
            _read(store, _KEY, 0, 1)

    async def test_an_object_is_never_overwritten(self, store: Store) -> None:
        await write_bytes(store, _KEY, b"first")

        with pytest.raises(AlreadyExistsError):
            await write_bytes(store, _KEY, b"other")

        assert await read_bytes(store, _KEY) == b"first"

    async def test_an_object_is_replaced_only_where_that_is_asked_for(self, store: Store) -> None:
        await write_bytes(store, _KEY, b"first")
        before = await store.head(_KEY)

        await asyncio.to_thread(store.put(_KEY, 6, replace=True).write, (b"second",))

        assert await read_bytes(store, _KEY) == b"second"
        assert (await store.head(_KEY)).etag != before.etag

    async def test_an_object_in_parts_replaces_one_where_that_is_asked_for(self, store: Store) -> None:
        await write_bytes(store, _KEY, b"first")

        write = await store.begin(_KEY, 6, replace=True)
        await asyncio.to_thread(write.part(0, 6).write, (b"second",))
        before = await read_bytes(store, _KEY)
        await write.complete()

        assert before == b"first"
        assert await read_bytes(store, _KEY) == b"second"
        assert await self.leftovers(store) == []

    async def test_a_put_of_another_size_leaves_nothing(self, store: Store) -> None:
        for sent in (b"12345", b"123"):
            with pytest.raises(StoreError):
                store.put(_KEY, 4).write((sent,))

        with pytest.raises(NotFoundError):
            await store.head(_KEY)
        assert await self.leftovers(store) == []

    async def test_a_piece_is_taken_before_the_next_is_asked_for(self, store: Store) -> None:
        def pieces() -> Iterator[memoryview]:
            view = memoryview(bytearray(2))
            for text in (b"01", b"23", b"45"):
                view[:] = text
                yield view

        await asyncio.to_thread(store.put(_KEY, 6).write, pieces())
        write = await store.begin(f"{_KEY}2", 6)
        await asyncio.to_thread(write.part(0, 6).write, pieces())
        await write.complete()

        assert await read_bytes(store, _KEY) == b"012345"
        assert await read_bytes(store, f"{_KEY}2") == b"012345"

    async def test_a_put_whose_source_fails_leaves_nothing_and_passes_the_error_on(self, store: Store) -> None:
        def pieces() -> Iterator[bytes]:
            yield b"12"
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await asyncio.to_thread(store.put(_KEY, 4).write, pieces())

        with pytest.raises(NotFoundError):
            await store.head(_KEY)
        assert await self.leftovers(store) == []

    async def test_of_two_puts_at_the_same_moment_one_wins_whole(self, store: Store) -> None:
        start, outcomes = threading.Barrier(8), list[str]()

        def put(byte: bytes) -> None:
            start.wait()
            try:
                store.put(_KEY, 1000).write((byte * 500, byte * 500))
                outcomes.append(byte.decode())
            except AlreadyExistsError:
                outcomes.append("refused")

        threads = [threading.Thread(target=put, args=(bytes([65 + number]),)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            await asyncio.to_thread(thread.join)

        assert len(outcomes) == 8
        assert outcomes.count("refused") == 7
        winner = next(outcome for outcome in outcomes if outcome != "refused")
        assert await read_bytes(store, _KEY) == winner.encode() * 1000

    async def test_parts_may_come_in_any_order_and_again(self, store: Store) -> None:
        write = await store.begin(_KEY, 10, part=4)

        for start, stop in ((8, 10), (0, 4), (4, 8), (0, 4)):
            await asyncio.to_thread(write.part(start, stop).write, (b"0123456789"[start:stop],))
        await write.complete()

        assert await read_bytes(store, _KEY) == b"0123456789"
        assert await self.leftovers(store) == []

    async def test_an_object_in_the_making_is_seen_by_nobody(self, store: Store) -> None:
        write = await store.begin(_KEY, 4)
        write.part(0, 4).write((b"0123",))

        with pytest.raises(NotFoundError):
            await store.head(_KEY)
        assert [meta async for meta in store.list("")] == []

        await write.abort()

    async def test_an_aborted_write_leaves_nothing_and_may_be_aborted_again(self, store: Store) -> None:
        write = await store.begin(_KEY, 4)
        write.part(0, 4).write((b"0123",))

        await write.abort()
        await write.abort()

        assert await self.leftovers(store) == []

    async def test_a_part_of_another_size_is_refused(self, store: Store) -> None:
        write = await store.begin(_KEY, 8, part=4)

        for sent in (b"12345", b"123"):
            with pytest.raises(StoreError):
                write.part(0, 4).write((sent,))

        await write.abort()

    async def test_completing_over_an_object_that_came_meanwhile_is_refused(self, store: Store) -> None:
        write = await store.begin(_KEY, 4)
        write.part(0, 4).write((b"late",))
        await write_bytes(store, _KEY, b"first")

        with pytest.raises(AlreadyExistsError):
            await write.complete()

        assert await read_bytes(store, _KEY) == b"first"
        assert await self.leftovers(store) == []

    async def test_beginning_an_object_that_exists_is_refused(self, store: Store) -> None:
        await write_bytes(store, _KEY, b"first")

        with pytest.raises(AlreadyExistsError):
            await (await store.begin(_KEY, 5)).complete()

    async def test_a_pinned_read_of_a_replaced_object_is_refused(self, store: Store) -> None:
        await write_bytes(store, _KEY, b"first")
        etag = (await store.head(_KEY)).etag
        await store.delete([_KEY])
        await write_bytes(store, _KEY, b"again")

        with pytest.raises(StoreError):
            _read(store, _KEY, 0, 5, etag=etag)

    async def test_listing_gives_the_prefix_by_key(self, store: Store) -> None:
        for key in ("a/b/2", "a/b/1", "a/b.x", "a/bc", "b/1", "a/b/1.d/x"):
            await write_bytes(store, key, key.encode())

        assert [meta.key async for meta in store.list("a/b")] == ["a/b.x", "a/b/1", "a/b/1.d/x", "a/b/2", "a/bc"]
        assert [(meta.key, meta.size) async for meta in store.list("b/")] == [("b/1", 3)]
        assert [meta async for meta in store.list("none/")] == []

    async def test_deleting_what_is_missing_is_no_error(self, store: Store) -> None:
        await write_bytes(store, _KEY, b"1")

        await store.delete([_KEY, "objects/none"])

        with pytest.raises(NotFoundError):
            await store.head(_KEY)

    async def test_flush_takes_few_and_many_keys(self, store: Store) -> None:
        keys = [f"objects/{number}" for number in range(20)]
        for key in keys:
            await write_bytes(store, key, b"1")

        await store.flush(keys)
        await store.flush(keys[:2])
        await store.flush([])

    async def test_jobs_are_small_values(self, store: Store) -> None:
        await write_bytes(store, _KEY, b"0123456789")

        for job in (store.read(_KEY, 0, 10), store.put("objects/other", 3)):
            assert len(pickle.dumps(job)) < 2000

    async def test_what_the_reader_raises_ends_the_job(self, store: Store) -> None:
        await write_bytes(store, _KEY, b"0123456789")

        def refuse(piece: memoryview) -> None:
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            store.read(_KEY, 0, 10).read(memoryview(bytearray(4)), refuse)

    async def test_only_one_catalogue_owns_the_store(self, store: Store) -> None:
        one, two = SomeOwner("one"), SomeOwner("two")
        await claim(store, one)
        await claim(store, one)

        with pytest.raises(StoreForeignError, match="another catalogue"):
            await claim(store, two)

        assert (await owns(store, one), await owns(store, two)) == (True, False)
        assert two.store is None

    async def test_those_who_claim_at_once_agree(self, store: Store) -> None:
        owner = SomeOwner("one")

        await asyncio.gather(*(claim(store, owner) for _ in range(5)))

        assert owner.store == (await ownership(store)).store

    async def test_a_claim_that_was_cut_off_is_finished(self, store: Store) -> None:
        await claim(store, SomeOwner("one"))
        owner = SomeOwner("one")  # the crash came before it had recorded the store

        await claim(store, owner)

        assert await owns(store, owner)

    @pytest.mark.parametrize("claimed", [True, False])
    async def test_an_owner_of_another_store_is_refused(self, store: Store, claimed: bool) -> None:
        if claimed:
            await claim(store, SomeOwner("one"))
        owner = SomeOwner("one", store="another")

        with pytest.raises(StoreForeignError, match="is not the store of the catalogue some:one"):
            await claim(store, owner)

        assert not await owns(store, owner)
        assert len([meta async for meta in store.list("")]) == claimed

    async def leftovers(self, store: Store) -> list[str]:
        """What a failed or aborted write left behind. Override it for stores that can tell."""
        del store
        return []
