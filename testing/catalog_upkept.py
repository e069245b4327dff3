"""What every catalogue must do for upkeep. Its tests: `class TestMine(UpkeptContract)` and a fixture `catalog`, an empty one."""

import pytest

from ..catalog import Catalog, Labels, ObjectInfo, State, WriteSession
from ..errors import CatalogBusyError, CommError, InvalidValueError, LeaseLostError, NameConflictError, StoreError
from ..manifest.receipt import Receipt
from .catalog_contract import V0, V1, begin, content, log, some_object

A, B, C, D = (some_object(name) for name in "abcd")
M = some_object("m", kind="manifest")
ME = "me"


async def committed(catalog: Catalog, *objects: ObjectInfo, tree: str = "one") -> WriteSession:
    """A version that needs these."""
    session = await begin(catalog, f"v {tree}")
    await catalog.stored(session, objects)
    await catalog.commit(session, content(tree), Labels(), None)
    return session


def receipt(index: int, *, aliases: tuple[str, ...] = (), entity_id: str = "e1", created_at: float = 0.0) -> Receipt:
    return Receipt(
        format=1,
        entity="e",
        project="p",
        collection="c",
        index=index,
        type="dataset",
        version_id=f"id{index}",
        entity_id=entity_id,
        digest=f"digest-{index}",
        tree_digest=f"tree-{index}",
        digest_algorithm="BLAKE3",
        document=f"document-{index}",
        size=5,
        file_count=1,
        description="about",
        metadata={"n": index},
        aliases=list(aliases),
        tags=["t"],
        created_at=created_at or 1000.0 + index,
    )


async def states(catalog: Catalog, entity_id: str) -> dict[str, str]:
    return {held.info.digest: held.state for held in await catalog.held(entity_id)}


async def with_turn(catalog: Catalog, owner: str = ME) -> None:
    assert await catalog.take_turn(owner, seconds=60) is None


class UpkeptContract:
    # -- what is kept -----------------------------------------------------------------------------------------
    async def test_committed_versions_are_kept_and_deleted_ones_for_the_trash_time(self, catalog: Catalog) -> None:
        for tree in ("one", "two"):
            await log(catalog, tree)
        await begin(catalog, "pending")
        await catalog.abandon(await begin(catalog, "given up"))
        await catalog.delete_version(V1, delete_aliases=True)

        lately, never = await catalog.kept(60), await catalog.kept(0)

        assert [(each.id, each.state, each.place) for each in lately] == [
            ("c one", State.COMMITTED, V0),
            ("c two", State.DELETED, V1),
        ]
        assert [each.id for each in never] == ["c one"]
        assert (never[0].document, never[0].digest_algorithm, never[0].receipted) == ("document of one", "BLAKE3", False)

    async def test_kept_versions_come_in_pages(self, catalog: Catalog) -> None:
        for tree in ("a", "b", "c"):
            await log(catalog, tree)

        first = await catalog.kept(0, limit=2)
        rest = await catalog.kept(0, after=first[-1].id, limit=2)

        assert [each.id for each in (*first, *rest)] == ["c a", "c b", "c c"]

    async def test_versions_are_found_by_id_however_long_they_are_deleted(self, catalog: Catalog) -> None:
        await log(catalog, "one")
        await begin(catalog, "pending")
        await catalog.delete_version(V0, delete_aliases=True)

        found = await catalog.kept_by_id(["c one", "pending", "nobody"])

        assert [(each.id, each.state) for each in found] == [("c one", State.DELETED)]

    # -- what is stored ---------------------------------------------------------------------------------------
    async def test_held_objects_come_in_pages_of_each_entity(self, catalog: Catalog) -> None:
        session = await committed(catalog, A, B, M)
        other = await catalog.open_session("x", "other", "p", "c", "dataset")
        await catalog.stored(other, [C])

        first = await catalog.held(session.entity_id, limit=2)
        rest = await catalog.held(session.entity_id, after=first[-1].info, limit=2)

        assert [held.info for held in (*first, *rest)] == [M, *sorted((A, B), key=lambda each: each.digest)]
        await catalog.forget(session.entity_id, [B])
        assert [held.info for held in await catalog.held(session.entity_id, state="lost")] == [B]
        assert {held.info for held in await catalog.held(session.entity_id, state="stored")} == {A, M}
        assert await catalog.entities() == ((session.entity_id, "e"), (other.entity_id, "other"))

    async def test_what_has_no_row_and_what_is_pinned_is_told(self, catalog: Catalog) -> None:
        session = await committed(catalog, A)
        await catalog.ask(await begin(catalog, "open"), [B, M])

        assert set(await catalog.unheld(session.entity_id, [A, B, M])) == {B, M}
        assert set(await catalog.pinned(session.entity_id, [A, B, M])) == {B, M}
        assert await catalog.pinned("another", [B]) == ()

    async def test_late_sessions_are_ended(self, catalog: Catalog) -> None:
        alive = await begin(catalog, "alive")
        late = await catalog.open_session("late", "e", "p", "c", "dataset", lease_seconds=0)

        ended = [await catalog.end_late_sessions() for _ in range(2)]

        assert ended == [1, 0]
        with pytest.raises(LeaseLostError):
            await catalog.outcome(late)
        assert await catalog.outcome(alive) is None

    # -- turns ------------------------------------------------------------------------------------------------
    async def test_one_has_the_turn_until_it_ends_or_is_over(self, catalog: Catalog) -> None:
        await with_turn(catalog)

        assert await catalog.take_turn(ME, seconds=60) is None
        assert await catalog.take_turn("you", seconds=60) == ME
        assert await catalog.take_turn("you", seconds=60, instead_of="him") == ME
        await catalog.end_turn("you")
        assert await catalog.take_turn("you", seconds=60) == ME
        await catalog.end_turn(ME)
        assert await catalog.take_turn("you", seconds=0) is None
        assert await catalog.take_turn("him", seconds=60) is None
        assert await catalog.take_turn(ME, seconds=60, instead_of="him") is None

    async def test_without_the_turn_nothing_is_condemned_or_deleted(self, catalog: Catalog) -> None:
        session = await committed(catalog, A)
        await with_turn(catalog, "you")

        for call in (catalog.condemn, catalog.doom, catalog.dropped):
            with pytest.raises(LeaseLostError):
                await call(ME, session.entity_id, [A], seconds=60)
        assert await states(catalog, session.entity_id) == {A.digest: "stored"}

    # -- the steps --------------------------------------------------------------------------------------------
    async def test_an_object_is_condemned_doomed_and_dropped(self, catalog: Catalog) -> None:
        session = await committed(catalog, A, B)
        await with_turn(catalog)
        seen: list[dict[str, str]] = []

        await catalog.condemn(ME, session.entity_id, [A], seconds=60)
        seen.append(await states(catalog, session.entity_id))
        doomed = await catalog.doom(ME, session.entity_id, [A, B], seconds=60)
        seen.append(await states(catalog, session.entity_id))
        await catalog.dropped(ME, session.entity_id, [A, B], seconds=60)
        seen.append(await states(catalog, session.entity_id))

        a, b = A.digest, B.digest
        assert doomed == (A,)
        assert seen == [{a: "condemned", b: "stored"}, {a: "deleting", b: "stored"}, {b: "stored"}]

    async def test_what_is_condemned_is_revived_by_hand_and_by_who_asks_for_it(self, catalog: Catalog) -> None:
        session = await committed(catalog, A, B, C)
        await with_turn(catalog)
        await catalog.condemn(ME, session.entity_id, [A, B, C], seconds=60)

        await catalog.revive(session.entity_id, [A])
        known = await catalog.ask(await begin(catalog, "new"), [B])
        doomed = await catalog.doom(ME, session.entity_id, [A, B, C], seconds=60)

        assert known == {B.digest}
        assert doomed == (C,)
        assert await states(catalog, session.entity_id) == {A.digest: "stored", B.digest: "stored", C.digest: "deleting"}

    async def test_what_a_session_has_pinned_is_neither_condemned_nor_doomed(self, catalog: Catalog) -> None:
        owner = await committed(catalog, A, B)
        await catalog.forget(owner.entity_id, [B])
        session = await begin(catalog, "open")
        await catalog.ask(session, [A, B, C])
        await with_turn(catalog)

        await catalog.condemn(ME, session.entity_id, [A], seconds=60)
        doomed = await catalog.doom(ME, session.entity_id, [A, B, C], seconds=60)
        await catalog.stored(session, [B, C])

        assert doomed == ()
        assert await states(catalog, session.entity_id) == dict.fromkeys((A.digest, B.digest, C.digest), "stored")

    async def test_pins_of_another_entity_keep_nothing(self, catalog: Catalog) -> None:
        session = await committed(catalog, A)
        other = await catalog.open_session("x", "other", "p", "c", "dataset")
        await catalog.ask(other, [A])
        await with_turn(catalog)

        await catalog.condemn(ME, session.entity_id, [A], seconds=60)

        assert await catalog.doom(ME, session.entity_id, [A], seconds=60) == (A,)

    async def test_what_is_lost_or_has_no_row_is_doomed_without_being_condemned(self, catalog: Catalog) -> None:
        session = await committed(catalog, A)
        await catalog.forget(session.entity_id, [A])
        await with_turn(catalog)

        doomed = await catalog.doom(ME, session.entity_id, [A, D], seconds=60)
        await catalog.dropped(ME, session.entity_id, [A, D], seconds=60)

        assert set(doomed) == {A, D}
        assert await states(catalog, session.entity_id) == {}

    async def test_who_meets_what_is_being_deleted_waits(self, catalog: Catalog) -> None:
        owner = await committed(catalog, A)
        await with_turn(catalog)
        await catalog.condemn(ME, owner.entity_id, [A], seconds=60)
        await catalog.doom(ME, owner.entity_id, [A], seconds=60)
        session = await begin(catalog, "new")

        with pytest.raises(CatalogBusyError, match=A.digest[2:]):
            await catalog.ask(session, [A, B])
        pinned = await catalog.pinned(owner.entity_id, [A, B])
        await catalog.dropped(ME, owner.entity_id, [A], seconds=60)

        assert pinned == ()
        assert await catalog.ask(session, [A, B]) == frozenset()
        await catalog.stored(session, [A, B])
        assert (await catalog.commit(session, content("two"), Labels(), None)).created

    async def test_a_session_that_ran_out_cannot_commit_what_was_deleted(self, catalog: Catalog) -> None:
        owner = await committed(catalog, A)
        session = await catalog.open_session("late", "e", "p", "c", "dataset", lease_seconds=0)
        await catalog.end_late_sessions()
        await with_turn(catalog)
        await catalog.condemn(ME, owner.entity_id, [A], seconds=60)
        await catalog.doom(ME, owner.entity_id, [A], seconds=60)
        await catalog.dropped(ME, owner.entity_id, [A], seconds=60)

        with pytest.raises((LeaseLostError, StoreError)):
            await catalog.commit(session, content("two"), Labels(), None)

    async def test_five_thousand_at_once(self, catalog: Catalog) -> None:
        many = [some_object(str(n)) for n in range(5000)]
        session = await committed(catalog, *many)
        await with_turn(catalog)

        await catalog.condemn(ME, session.entity_id, many[1:], seconds=60)
        doomed = await catalog.doom(ME, session.entity_id, many, seconds=60)
        await catalog.dropped(ME, session.entity_id, many, seconds=60)

        assert {each.digest for each in doomed} == {each.digest for each in many[1:]}
        assert await states(catalog, session.entity_id) == {many[0].digest: "stored"}

    # -- made anew --------------------------------------------------------------------------------------------
    async def test_an_empty_catalogue_becomes_what_receipts_say(self, catalog: Catalog) -> None:
        for _ in range(2):  # it may be cut short, and begun again
            await catalog.begin_rebuild()
            await catalog.restore([receipt(2, aliases=("latest", "best")), receipt(0, aliases=("best", "old"))])
            await catalog.restore_objects("e1", [A, M], state="stored")
            await catalog.restore_objects("e1", [B], state="lost")
        count = await catalog.end_rebuild("f" * 32, "store")

        found = await catalog.version("e", "p", "c", "v2")
        assert (count, await catalog.id(), await catalog.store_id()) == (2, "f" * 32, "store")
        assert (found.id, found.aliases, found.tags, found.metadata) == ("id2", ("best", "latest"), ("t",), {"n": 2})
        assert (found.created_at, found.entity_id, found.document) == (1002.0, "e1", "document-2")
        assert (await catalog.version("e", "p", "c", "old")).id == "id0"
        collection = await catalog.collection("e", "p", "c")
        assert (collection.version_count, collection.size, collection.created_at) == (2, 10, 1000.0)
        assert await states(catalog, "e1") == {A.digest: "stored", M.digest: "stored", B.digest: "lost"}
        assert await catalog.unreceipted("e", "p", "c") == ()
        assert (await log(catalog, "next")).version.place.index == 3

    async def test_only_an_empty_catalogue_is_made_anew(self, catalog: Catalog) -> None:
        await log(catalog, "one")

        with pytest.raises(CommError, match="not empty"):
            await catalog.begin_rebuild()
        for call in (
            catalog.restore([receipt(0)]),
            catalog.restore_objects("e1", [A], state="stored"),
            catalog.end_rebuild("c", "s"),
        ):
            with pytest.raises(CommError, match="not being made anew"):
                await call
        assert await catalog.store_id() is None

    async def test_receipts_of_two_entities_of_one_name_are_refused(self, catalog: Catalog) -> None:
        await catalog.begin_rebuild()
        await catalog.restore([receipt(0)])

        with pytest.raises(InvalidValueError, match="another entity of this name"):
            await catalog.restore([receipt(1, entity_id="e2")])

    # -- made elsewhere ---------------------------------------------------------------------------------------
    async def test_numbers_can_be_skipped_but_not_used_again(self, catalog: Catalog) -> None:
        await catalog.skip_numbers("e", "p", "c", "dataset", 3)
        made = await log(catalog, "one")

        assert made.version.place.index == 3
        with pytest.raises(NameConflictError, match="never used twice"):
            await catalog.skip_numbers("e", "p", "c", "dataset", 3)
        with pytest.raises(NameConflictError, match="type"):
            await catalog.skip_numbers("e", "p", "c", "model", 9)

    async def test_a_version_can_be_made_earlier_but_not_later(self, catalog: Catalog) -> None:
        made = (await log(catalog, "one")).version

        await catalog.predate(made.id, 1000.0)
        await catalog.predate(made.id, 2000.0)

        assert (await catalog.version_by_id(made.id)).created_at == 1000.0
