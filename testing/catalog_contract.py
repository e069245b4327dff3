"""What every catalogue must do. Its tests are `class TestMine(CatalogContract)`, others over `LinksContract`, `ListsContract`
and `GatheringsContract` (catalog_links, catalog_lists, catalog_gatherings), and a fixture `catalog`: an empty one."""

import asyncio
import hashlib

import pytest
from msgspec.structs import replace

from ..catalog import (
    Catalog,
    Change,
    Committed,
    Content,
    Labels,
    ObjectInfo,
    Place,
    RunInfo,
    RunKey,
    State,
    WriteSession,
)
from ..errors import (
    InvalidValueError,
    LeaseLostError,
    NameConflictError,
    StoreError,
    UnknownNameError,
)

RUN = RunKey("e", "p", "r1")
V0, V1, V2 = (Place("e", "p", "c", index) for index in range(3))


def some_object(name: str, *, kind: str = "object") -> ObjectInfo:
    return ObjectInfo("BLAKE3", hashlib.sha256(name.encode()).hexdigest(), len(name), kind)


def content(tree: str, *, size: int = 5) -> Content:
    return Content(f"digest of {tree}", tree, "BLAKE3", f"document of {tree}", size, 1, f"about {tree}", {"tree": tree})


async def begin(catalog: Catalog, version_id: str, collection: str = "c", *, type_: str = "dataset") -> WriteSession:
    return await catalog.open_session(version_id, "e", "p", collection, type_)


async def log(
    catalog: Catalog,
    tree: str,
    labels: Labels | None = None,
    *,
    collection: str = "c",
    type_: str = "dataset",
    run: RunKey | None = None,
) -> Committed:
    """Make a version of this content; its id is `<collection> <tree>`."""
    session = await begin(catalog, f"{collection} {tree}", collection, type_=type_)
    return await catalog.commit(session, content(tree), labels or Labels(), run)


async def start(catalog: Catalog, run_id: str = "r1", name: str = "") -> RunKey:
    made = await catalog.start_run(RunInfo("e", "p", run_id, name, None, None, "running", {}, {}, 0, None))
    return RunKey(made.entity, made.project, made.id)


class CatalogContract:
    # -- logging ----------------------------------------------------------------------------------------------
    async def test_the_id_never_changes(self, catalog: Catalog) -> None:
        first = await catalog.id()

        assert len(first) == 32
        assert await catalog.id() == first

    async def test_it_owns_the_first_store_for_ever(self, catalog: Catalog) -> None:
        before = await catalog.store_id()
        both = await asyncio.gather(catalog.own_store("one"), catalog.own_store("two"))

        assert before is None
        assert both[0] == both[1] == await catalog.own_store("three") == await catalog.store_id()

    async def test_a_committed_version_is_read_as_it_was_logged(self, catalog: Catalog) -> None:
        made = await log(catalog, "one", Labels(("best",), ("z", "a")))

        version = await catalog.version("e", "p", "c", "v0")
        assert made.created
        assert made.version == version == await catalog.version_by_id("c one")
        assert (version.place, version.source, version.type, version.state) == (V0, V0, "dataset", State.COMMITTED)
        assert (version.digest, version.tree_digest, version.document) == ("digest of one", "one", "document of one")
        assert (version.size, version.file_count, version.digest_algorithm) == (5, 1, "BLAKE3")
        assert (version.description, version.metadata) == ("about one", {"tree": "one"})
        assert (version.aliases, version.tags) == (("best", "latest"), ("z", "a"))
        assert version.created_at == version.updated_at > 1.7e9

    async def test_versions_are_numbered_and_latest_is_the_newest(self, catalog: Catalog) -> None:
        for tree in ("one", "two", "three"):
            await log(catalog, tree)

        newest = await catalog.latest("e", "p", "c")
        assert newest is not None
        assert newest.place == V2
        assert newest.aliases == ("latest",)
        assert (await catalog.version("e", "p", "c", "v0")).aliases == ()

    async def test_nothing_is_latest_where_nothing_was_logged(self, catalog: Catalog) -> None:
        assert await catalog.latest("e", "p", "c") is None

    async def test_a_session_without_a_commit_is_not_seen(self, catalog: Catalog) -> None:
        await begin(catalog, "pending")

        assert await catalog.latest("e", "p", "c") is None
        with pytest.raises(UnknownNameError):
            await catalog.version_by_id("pending")
        with pytest.raises(UnknownNameError, match="collection 'c' not found in e/p"):
            await catalog.collection("e", "p", "c")

    async def test_content_equal_to_latest_makes_no_version(self, catalog: Catalog) -> None:
        await log(catalog, "one")
        session = await begin(catalog, "again")

        again = await catalog.commit(session, content("one"), Labels(("best",), ("t",)), None)

        assert not again.created
        assert again.version.id == "c one"
        assert (again.version.aliases, again.version.tags) == (("best", "latest"), ("t",))
        assert (await catalog.collection("e", "p", "c")).version_count == 1

    async def test_content_equal_to_an_older_version_makes_one(self, catalog: Catalog) -> None:
        await log(catalog, "one")
        await log(catalog, "two")
        session = await begin(catalog, "one again")

        assert (await catalog.commit(session, content("one"), Labels(), None)).version.place == V2

    async def test_without_latest_the_highest_is_compared_with(self, catalog: Catalog) -> None:
        await log(catalog, "one")
        await log(catalog, "two")
        await catalog.change_version(V1, Change(remove_aliases=("latest",)))

        newest = await catalog.latest("e", "p", "c")
        again = await catalog.commit(await begin(catalog, "two again"), content("two"), Labels(), None)

        assert newest is not None
        assert newest.place == V1
        assert newest.aliases == ()
        assert not again.created
        assert again.version.aliases == ("latest",)

    async def test_committing_again_returns_the_same(self, catalog: Catalog) -> None:
        session = await begin(catalog, "id")
        first = await catalog.commit(session, content("one"), Labels(), None)
        await log(catalog, "two")
        same = await begin(catalog, "same")
        resolved = await catalog.commit(same, content("two"), Labels(), None)
        await log(catalog, "three")

        repeated = await catalog.commit(session, content("one"), Labels(), None)
        resolved_again = await catalog.commit(same, content("two"), Labels(), None)

        assert repeated.created
        assert repeated.version.place == first.version.place == V0
        assert not resolved_again.created
        assert resolved_again.version.place == resolved.version.place == V1

    async def test_opening_again_renews(self, catalog: Catalog) -> None:
        assert await begin(catalog, "id") == await begin(catalog, "id")

    async def test_a_commit_follows_its_collection_to_a_new_name(self, catalog: Catalog) -> None:
        await log(catalog, "one")
        session = await begin(catalog, "id")
        await catalog.change_collection("e", "p", "c", Change(name="d"))

        made = await catalog.commit(session, content("two"), Labels(), None)

        assert str(made.version.place) == "e/p/d:v1"

    async def test_another_type_is_refused(self, catalog: Catalog) -> None:
        await log(catalog, "one")

        with pytest.raises(NameConflictError) as caught:
            await begin(catalog, "id", type_="model")

        assert caught.value.message == "Artifact c already exists with type 'dataset'; cannot create another with type 'model'"

    async def test_a_failed_first_log_does_not_fix_the_type(self, catalog: Catalog) -> None:
        await catalog.abandon(await begin(catalog, "failed", type_="dtaset"))

        assert (await begin(catalog, "id", type_="dataset")).type == "dataset"

    async def test_an_id_that_is_used_elsewhere_is_refused(self, catalog: Catalog) -> None:
        await begin(catalog, "id")

        with pytest.raises(NameConflictError, match="id"):
            await begin(catalog, "id", "other")

    async def test_a_lease_that_ran_out_is_lost(self, catalog: Catalog) -> None:
        late = await catalog.open_session("late", "e", "p", "c", "dataset", lease_seconds=0.001)
        await asyncio.sleep(0.02)

        with pytest.raises(LeaseLostError):
            await catalog.renew(late)
        with pytest.raises(LeaseLostError):
            await catalog.ask(late, [some_object("a")])
        with pytest.raises(LeaseLostError):
            await catalog.stored(late, [some_object("a")])
        with pytest.raises(LeaseLostError):
            await catalog.commit(late, content("one"), Labels(), None)
        with pytest.raises(LeaseLostError):
            await catalog.open_session("late", "e", "p", "c", "dataset")
        assert await catalog.latest("e", "p", "c") is None

    async def test_a_renewed_lease_lives(self, catalog: Catalog) -> None:
        session = await catalog.open_session("id", "e", "p", "c", "dataset", lease_seconds=5)
        longer = replace(session, lease_seconds=60)
        await catalog.renew(longer)
        await catalog.renew(longer)

        assert (await catalog.commit(longer, content("one"), Labels(), None)).created

    async def test_an_abandoned_session_commits_nothing(self, catalog: Catalog) -> None:
        session = await begin(catalog, "id")
        await catalog.abandon(session)
        await catalog.abandon(session)

        with pytest.raises(LeaseLostError):
            await catalog.commit(session, content("one"), Labels(), None)

    async def test_abandoning_a_committed_version_leaves_it(self, catalog: Catalog) -> None:
        session = await begin(catalog, "id")
        await catalog.commit(session, content("one"), Labels(), None)

        await catalog.abandon(session)

        assert (await catalog.version("e", "p", "c", "v0")).state is State.COMMITTED

    async def test_what_was_stored_is_known_to_the_entity_only(self, catalog: Catalog) -> None:
        a, b = some_object("a"), some_object("b")
        mine = await begin(catalog, "mine")
        theirs = await catalog.open_session("theirs", "other", "p", "c", "dataset")
        before = await catalog.ask(mine, [a, b])
        await catalog.stored(mine, [a])
        await catalog.stored(mine, [a])

        assert before == frozenset()
        assert await catalog.ask(mine, [a, b]) == {a.digest}
        assert await catalog.ask(theirs, [a, b]) == frozenset()

    async def test_kinds_are_kept_apart(self, catalog: Catalog) -> None:
        session = await begin(catalog, "id")
        await catalog.stored(session, [some_object("a")])

        assert await catalog.ask(session, [some_object("a", kind="manifest")]) == frozenset()
        assert await catalog.ask(session, [some_object("a"), some_object("a", kind="manifest")]) == frozenset()

    async def test_a_digest_that_cannot_be_is_refused(self, catalog: Catalog) -> None:
        session = await begin(catalog, "id")

        with pytest.raises(InvalidValueError, match="64 hex digits"):
            await catalog.ask(session, [ObjectInfo("BLAKE3", "abc", 1)])

    async def test_a_commit_checks_that_all_was_stored(self, catalog: Catalog) -> None:
        session = await begin(catalog, "id")
        a, b = some_object("a"), some_object("b")
        await catalog.ask(session, [a, b])
        await catalog.stored(session, [a])

        with pytest.raises(StoreError, match=b.digest[2:]):
            await catalog.commit(session, content("one"), Labels(), None)

        await catalog.stored(session, [b])
        assert (await catalog.commit(session, content("one"), Labels(), None)).created

    async def test_a_forgotten_object_is_unknown_and_stops_a_commit(self, catalog: Catalog) -> None:
        session = await begin(catalog, "id")
        a, b = some_object("a"), some_object("b")
        await catalog.stored(session, [a, b])

        await catalog.forget(session.entity_id, [a])

        with pytest.raises(StoreError, match=a.digest[2:]):
            await catalog.commit(session, content("one"), Labels(), None)
        assert await catalog.ask(session, [a, b]) == {b.digest}
        assert await catalog.lost(session.entity_id)

    async def test_nothing_is_lost_once_it_is_stored_again(self, catalog: Catalog) -> None:
        session = await begin(catalog, "id")
        a = some_object("a")
        await catalog.stored(session, [a])
        await catalog.forget(session.entity_id, [a])

        await catalog.stored(session, [a])

        assert not await catalog.lost(session.entity_id)
        assert await catalog.ask(session, [a]) == {a.digest}

    async def test_a_commit_that_fails_changes_nothing(self, catalog: Catalog) -> None:
        await log(catalog, "one", Labels(("best",)))
        session = await begin(catalog, "id")

        with pytest.raises(UnknownNameError, match="run 'r1' not found"):
            await catalog.commit(session, content("two"), Labels(("best",)), RUN)

        assert (await catalog.version("e", "p", "c", "best")).place == V0
        assert (await catalog.commit(session, content("two"), Labels(), None)).version.place == V1

    async def test_receipts_are_asked_for_until_written(self, catalog: Catalog) -> None:
        await log(catalog, "one")
        await log(catalog, "two")

        before = await catalog.unreceipted("e", "p", "c")
        await catalog.receipted(["c one"])

        assert [version.id for version in before] == ["c one", "c two"]
        assert [version.id for version in await catalog.unreceipted("e", "p", "c")] == ["c two"]

    # -- labels -----------------------------------------------------------------------------------------------
    async def test_an_alias_leaves_the_version_that_had_it(self, catalog: Catalog) -> None:
        await log(catalog, "one", Labels(("best", "stable")))
        await log(catalog, "two", Labels(("best",)))

        assert (await catalog.version("e", "p", "c", "v0")).aliases == ("stable",)
        assert (await catalog.version("e", "p", "c", "best")).place == V1
        assert (await catalog.collection("e", "p", "c")).aliases == ("best", "latest", "stable")

    async def test_an_alias_of_another_collection_stays(self, catalog: Catalog) -> None:
        await log(catalog, "one", Labels(("best",)))
        await log(catalog, "one", Labels(("best",)), collection="d")

        assert (await catalog.version("e", "p", "c", "best")).place == V0

    async def test_relabelling_does_not_take_latest_from_a_newer_version(self, catalog: Catalog) -> None:
        await log(catalog, "one")
        await log(catalog, "two")

        relabelled = await catalog.relabel("c one", Labels(("latest", "best"), ("t", "u")), None)
        again = await catalog.relabel("c one", Labels((), ("u", "v")), None)

        assert (relabelled.aliases, relabelled.tags) == (("best",), ("t", "u"))
        assert again.tags == ("t", "u", "v")
        assert (await catalog.version("e", "p", "c", "latest")).place == V1

    async def test_an_edit_changes_what_it_names(self, catalog: Catalog) -> None:
        await log(catalog, "one", Labels(("best", "old"), ("t", "b")))
        await log(catalog, "two", Labels(("stable",)))

        labels = Change(add_aliases=("stable",), remove_aliases=("old",), add_tags=("c", "b", "a"), remove_tags=("t",))
        edited = await catalog.change_version(V0, replace(labels, metadata={"k": 1}))
        cleared = await catalog.change_version(V0, Change(clear_description=True))

        assert (edited.metadata, edited.description) == ({"k": 1}, "about one")
        assert (edited.aliases, edited.tags) == (("best", "stable"), ("b", "c", "a"))
        assert cleared.description is None
        assert cleared.tags == ("b", "c", "a")
        assert (await catalog.version("e", "p", "c", "v1")).aliases == ("latest",)

    async def test_an_alias_that_moved_on_is_not_removed_where_it_is_now(self, catalog: Catalog) -> None:
        await log(catalog, "one", Labels(("best",)))
        await log(catalog, "two", Labels(("best",)))

        await catalog.change_version(V0, Change(remove_aliases=("best", "none"), remove_tags=("none",)))

        assert (await catalog.version("e", "p", "c", "best")).place == V1

    async def test_labels_added_at_once_are_all_there(self, catalog: Catalog) -> None:
        await log(catalog, "one")

        await asyncio.gather(*(catalog.change_version(V0, Change(add_aliases=(f"a{n}",), add_tags=(f"t{n}",))) for n in range(6)))

        version = await catalog.version("e", "p", "c", "v0")
        assert version.aliases == (*(f"a{n}" for n in range(6)), "latest")
        assert sorted(version.tags) == [f"t{n}" for n in range(6)]

    async def test_a_version_is_found_by_its_collections_id_where_that_was_renamed(self, catalog: Catalog) -> None:
        home = (await log(catalog, "one")).version.collection_id
        await log(catalog, "two")
        await catalog.change_collection("e", "p", "c", Change(name="d"))

        edited = await catalog.change_version(V0, Change(add_aliases=("best",), description="new"), collection_id=home)
        await catalog.delete_version(V1, delete_aliases=True, collection_id=home)

        assert (str(edited.place), edited.aliases, edited.description) == ("e/p/d:v0", ("best",), "new")
        assert (await catalog.version_by_id("c two")).state is State.DELETED
        with pytest.raises(UnknownNameError):
            await catalog.change_version(V1, Change(description="new"), collection_id=home)

    async def test_an_edit_of_what_a_version_does_not_have_is_refused(self, catalog: Catalog) -> None:
        await log(catalog, "one")

        with pytest.raises(InvalidValueError):
            await catalog.change_version(V0, Change(name="d"))
        with pytest.raises(InvalidValueError):
            await catalog.change_version(V0, Change(tags=("t",)))
        with pytest.raises(InvalidValueError):
            await catalog.change_collection("e", "p", "c", Change(add_aliases=("x",)))
