"""What every catalogue must do about versions that several writers make. Use it like `CatalogContract`."""

import asyncio

import pytest
from msgspec.structs import replace

from ..catalog import Catalog, Committed, Labels, Part, Premise, RunKey, State, WriteSession
from ..errors import LeaseLostError, NameConflictError, PremiseError, StoreError
from .catalog_contract import V0, V1, begin, content, log, some_object, start


async def gather(catalog: Catalog, version_id: str, *, lease: float = 600, type_: str = "dataset") -> WriteSession:
    return await catalog.gather(version_id, "e", "p", "c", type_, "epoch 1", lease_seconds=lease)


def part(name: str, run: RunKey | None = None) -> Part:
    return Part(name, "BLAKE3", f"document of {name}", run, (f"by-{name}",))


async def give(catalog: Catalog, gathering: WriteSession, name: str, run: RunKey | None = None) -> WriteSession:
    session = await begin(catalog, f"writer {name}")
    await catalog.stored(session, [some_object(name)])
    await catalog.give(gathering, session, part(name, run))
    return session


async def finish(catalog: Catalog, gathering: WriteSession, *names: str) -> Committed:
    return await catalog.commit(gathering, content("all"), Labels(), None, premise=Premise(parts=names))


class GatheringsContract:
    async def test_writers_meet_under_one_name(self, catalog: Catalog) -> None:
        both = await asyncio.gather(gather(catalog, "one"), gather(catalog, "two"))

        assert both[0] == both[1]

    async def test_parts_become_one_version_and_edges_of_their_runs(self, catalog: Catalog) -> None:
        first, second = await start(catalog, "r1"), await start(catalog, "r2")
        gathering = await gather(catalog, "id")
        await give(catalog, gathering, "a", first)
        await give(catalog, gathering, "b", second)

        parts = await catalog.parts(gathering)
        made = await finish(catalog, gathering, "a", "b")

        assert parts == (part("a", first), part("b", second))
        assert (made.created, made.version.id, made.version.place) == (True, "id", V0)
        for run in (first, second):
            assert [each.id for each in (await catalog.logged_versions(run, limit=5)).items] == ["id"]

    async def test_a_part_pins_what_it_names_until_the_commit(self, catalog: Catalog) -> None:
        gathering = await gather(catalog, "id")
        await give(catalog, gathering, "a")

        await catalog.forget(gathering.entity_id, [some_object("a")])

        with pytest.raises(StoreError, match=some_object("a").digest[2:]):
            await finish(catalog, gathering, "a")

    async def test_a_part_of_what_is_not_stored_is_refused(self, catalog: Catalog) -> None:
        gathering, session = await gather(catalog, "id"), await begin(catalog, "writer")
        await catalog.ask(session, [some_object("a")])

        with pytest.raises(StoreError, match="not stored"):
            await catalog.give(gathering, session, part("a"))

        assert await catalog.parts(gathering) == ()

    async def test_giving_again_changes_nothing(self, catalog: Catalog) -> None:
        gathering = await gather(catalog, "id")
        session = await give(catalog, gathering, "a")

        await catalog.give(gathering, session, part("a"))
        await finish(catalog, gathering, "a")
        await catalog.give(gathering, session, part("a"))

        assert await catalog.parts(gathering) == (part("a"),)

    async def test_a_writer_that_dies_takes_nothing_along(self, catalog: Catalog) -> None:
        gathering, dead = await gather(catalog, "id"), await begin(catalog, "writer")
        await catalog.ask(dead, [some_object("never sent")])
        await give(catalog, gathering, "a")

        made = await finish(catalog, gathering, "a")

        assert made.created

    async def test_a_part_that_is_not_merged_stops_the_commit(self, catalog: Catalog) -> None:
        gathering = await gather(catalog, "id")
        await give(catalog, gathering, "a")
        await give(catalog, gathering, "b")

        with pytest.raises(PremiseError, match="another part"):
            await finish(catalog, gathering, "a")

        assert (await finish(catalog, gathering, "a", "b")).created

    async def test_a_part_that_comes_late_is_refused(self, catalog: Catalog) -> None:
        gathering = await gather(catalog, "id")
        await give(catalog, gathering, "a")
        await finish(catalog, gathering, "a")

        with pytest.raises(LeaseLostError):
            await give(catalog, gathering, "late")

        assert (await catalog.version("e", "p", "c", "latest")).id == "id"

    async def test_finishing_twice_gives_the_same(self, catalog: Catalog) -> None:
        gathering = await gather(catalog, "id")
        await give(catalog, gathering, "a")
        before = await catalog.outcome(gathering)
        first = await finish(catalog, gathering, "a")

        assert await finish(catalog, gathering, "a") == first
        assert before is None
        assert await catalog.outcome(gathering) == first.version

    async def test_after_the_commit_the_name_begins_anew(self, catalog: Catalog) -> None:
        first = await gather(catalog, "one")
        await finish(catalog, first)

        second = await gather(catalog, "two")
        made = await catalog.commit(second, content("new"), Labels(), None)
        third = await gather(catalog, "three")
        same = await catalog.commit(third, content("new"), Labels(), None)

        assert (second.version_id, made.version.place, same.created) == ("two", V1, False)
        assert await catalog.outcome(third) == made.version
        assert (await gather(catalog, "four")).version_id == "four"

    async def test_a_gathering_that_nobody_finished_is_given_up_aloud(self, catalog: Catalog) -> None:
        gathering = await gather(catalog, "one")
        await give(catalog, gathering, "a")
        await catalog.renew(replace(gathering, lease_seconds=0.001))
        await asyncio.sleep(0.01)

        with pytest.raises(LeaseLostError, match="nobody finished 'epoch 1' of e/p/c in time"):
            await gather(catalog, "two")
        with pytest.raises(LeaseLostError):
            await catalog.outcome(gathering)

        assert (await gather(catalog, "three")).version_id == "three"

    async def test_an_empty_gathering_ends_in_silence(self, catalog: Catalog) -> None:
        await gather(catalog, "one", lease=0.001)
        await asyncio.sleep(0.01)

        assert (await gather(catalog, "two")).version_id == "two"

    async def test_a_gathering_is_abandoned_only_while_it_is_empty(self, catalog: Catalog) -> None:
        empty = await gather(catalog, "one")
        await catalog.abandon(empty)
        gathering = await gather(catalog, "two")
        await give(catalog, gathering, "a")

        await catalog.abandon(gathering)

        with pytest.raises(LeaseLostError):
            await catalog.outcome(empty)
        assert (await finish(catalog, gathering, "a")).version.id == "two"

    async def test_writers_agree_on_the_type(self, catalog: Catalog) -> None:
        await gather(catalog, "one")

        with pytest.raises(NameConflictError, match="already exists with type 'dataset'"):
            await gather(catalog, "two", type_="model")

    async def test_a_commit_on_a_base_needs_that_base(self, catalog: Catalog) -> None:
        nothing, base = Premise(latest=""), Premise(latest="c one")
        early = await begin(catalog, "early")
        await log(catalog, "one")
        late = await begin(catalog, "late")
        await log(catalog, "two")

        for session, premise in ((early, nothing), (late, base)):
            with pytest.raises(PremiseError, match="another version of c was committed meanwhile"):
                await catalog.commit(session, content("merged"), Labels(), None, premise=premise)

        made = await catalog.commit(late, content("merged"), Labels(), None, premise=Premise(latest="c two"), ttl=60)
        assert (made.version.state, made.version.ttl) == (State.COMMITTED, 60)
