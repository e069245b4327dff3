"""Objects that a gc is about to delete, and many at once."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from lading.catalog import Catalog, Labels, ObjectInfo
from lading.errors import CatalogBusyError, StoreError
from lading.testing.catalog_contract import begin, content, some_object

A, B = some_object("a"), some_object("b")


def set_state(file: Path, item: ObjectInfo, state: str) -> None:
    """What a gc does."""
    with closing(sqlite3.connect(file)) as connection, connection:
        changed = connection.execute("UPDATE objects SET state = ? WHERE digest = ?", (state, bytes.fromhex(item.digest)))
        assert changed.rowcount == 1


def states(file: Path) -> dict[str, str]:
    with closing(sqlite3.connect(file)) as connection:
        return {digest.hex(): state for digest, state in connection.execute("SELECT digest, state FROM objects")}


def pinned(file: Path) -> int:
    with closing(sqlite3.connect(file)) as connection:
        count: int = connection.execute("SELECT count(*) FROM pins").fetchone()[0]
        return count


async def test_asking_revives_what_was_condemned(catalog: Catalog, file: Path) -> None:
    session = await begin(catalog, "id")
    await catalog.stored(session, [A, B])
    await catalog.commit(session, content("one"), Labels(), None)
    set_state(file, A, "condemned")
    set_state(file, B, "condemned")

    known = await catalog.ask(await begin(catalog, "next"), [A])

    assert known == {A.digest}
    assert states(file) == {A.digest: "stored", B.digest: "condemned"}


async def test_storing_revives_what_was_condemned(catalog: Catalog, file: Path) -> None:
    session = await begin(catalog, "id")
    await catalog.stored(session, [A])
    set_state(file, A, "condemned")

    await catalog.stored(session, [A])

    assert states(file) == {A.digest: "stored"}


async def test_a_commit_revives_what_was_condemned_meanwhile(catalog: Catalog, file: Path) -> None:
    session = await begin(catalog, "id")
    await catalog.stored(session, [A])
    set_state(file, A, "condemned")

    await catalog.commit(session, content("one"), Labels(), None)

    assert states(file) == {A.digest: "stored"}


async def test_what_is_being_deleted_can_neither_be_asked_for_nor_stored_now(catalog: Catalog, file: Path) -> None:
    session = await begin(catalog, "id")
    await catalog.stored(session, [A])
    set_state(file, A, "deleting")

    with pytest.raises(CatalogBusyError, match=A.digest[2:]):
        await catalog.ask(session, [A])
    with pytest.raises(CatalogBusyError, match=A.digest[2:]):
        await catalog.stored(session, [A, B])
    with pytest.raises(StoreError, match=A.digest[2:]):
        await catalog.commit(session, content("one"), Labels(), None)
    assert states(file) == {A.digest: "deleting"}


async def test_pins_end_with_the_lease(catalog: Catalog, file: Path) -> None:
    for version_id, tree in (("new", "one"), ("same", "one")):
        session = await begin(catalog, version_id)
        await catalog.stored(session, [A])
        await catalog.commit(session, content(tree), Labels(), None)
    abandoned = await begin(catalog, "abandoned")
    await catalog.stored(abandoned, [A])
    during = pinned(file)
    await catalog.abandon(abandoned)

    assert during == 1
    assert pinned(file) == 0


async def test_what_ran_out_is_cleared_by_the_next_session(catalog: Catalog, file: Path) -> None:
    session = await catalog.open_session("late", "e", "p", "c", "dataset", lease_seconds=60)
    await catalog.stored(session, [A])
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE versions SET lease_until = 1")

    await begin(catalog, "next")

    assert pinned(file) == 0


async def test_many_are_asked_and_stored_at_once(catalog: Catalog, file: Path) -> None:
    many = [some_object(str(index)) for index in range(10_000)]
    session = await begin(catalog, "id")
    before = await catalog.ask(session, many)
    await catalog.stored(session, many[:9_999] + many[:3])

    known = await catalog.ask(session, many)

    assert before == frozenset()
    assert known == {item.digest for item in many[:9_999]}
    assert pinned(file) == 10_000
    with pytest.raises(StoreError, match=many[9_999].digest[2:]):
        await catalog.commit(session, content("one"), Labels(), None)
    with closing(sqlite3.connect(file)) as connection:
        sizes = dict(connection.execute("SELECT digest, size FROM objects").fetchall())
    assert sizes == {bytes.fromhex(item.digest): item.size for item in many[:9_999]}


async def test_a_size_of_many_digits_is_kept(catalog: Catalog, file: Path) -> None:
    session = await begin(catalog, "id")

    await catalog.stored(session, [ObjectInfo("BLAKE3", A.digest, 2**63 - 1)])

    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT size FROM objects").fetchall() == [(2**63 - 1,)]
