"""Runs, and lineage: which versions they made and used."""

import pytest

from lading.catalog import Catalog, Labels, RunInfo, RunKey
from lading.errors import UnknownNameError
from lading.testing.catalog_contract import RUN, V0, begin, content, log, start


async def test_a_run_is_made_with_its_project(catalog: Catalog) -> None:
    made = await catalog.start_run(RunInfo("e", "new", "r1", "first", "train", "g", "running", {"lr": 1}, {}, 0, None))

    assert made == await catalog.run(RunKey("e", "new", "r1"))
    assert (made.name, made.job_type, made.group, made.state, made.config) == ("first", "train", "g", "running", {"lr": 1})
    assert made.created_at > 1.7e9
    assert made.finished_at is None


async def test_a_run_without_a_name_is_called_by_its_id(catalog: Catalog) -> None:
    await start(catalog, "r1")

    assert (await catalog.run(RUN)).name == "r1"


async def test_a_run_is_continued(catalog: Catalog) -> None:
    await catalog.start_run(RunInfo("e", "p", "r1", "first", "train", "g", "running", {"a": 1, "b": 1}, {}, 0, None))
    await catalog.end_run(RUN, "finished", {"c": 3}, {"loss": 0.5})
    ended = await catalog.run(RUN)

    again = await catalog.start_run(RunInfo("e", "p", "r1", "", None, None, "running", {"b": 2}, {}, 0, None))

    assert (ended.state, ended.config, ended.summary) == ("finished", {"a": 1, "b": 1, "c": 3}, {"loss": 0.5})
    assert ended.finished_at is not None
    assert ended.finished_at >= ended.created_at
    assert (again.name, again.job_type, again.group, again.state) == ("first", "train", "g", "running")
    assert (again.config, again.summary, again.finished_at) == ({"a": 1, "b": 2, "c": 3}, {"loss": 0.5}, None)
    assert again.created_at == ended.created_at


async def test_an_unknown_run_is_named(catalog: Catalog) -> None:
    await start(catalog, "r1")

    with pytest.raises(UnknownNameError, match="run 'r2' not found in e/p"):
        await catalog.run(RunKey("e", "p", "r2"))


async def test_runs_are_listed_newest_first(catalog: Catalog) -> None:
    for name in ("r1", "r2", "r3"):
        await start(catalog, name)

    first = await catalog.runs("e", "p", limit=2)
    last = await catalog.runs("e", "p", limit=2, cursor=first.cursor)

    assert sorted(run.id for run in (*first.items, *last.items)) == ["r1", "r2", "r3"]
    assert (len(first.items), first.total, len(last.items), last.cursor) == (2, 3, 1, None)
    times = [run.created_at for run in (*first.items, *last.items)]
    assert times == sorted(times, reverse=True)


async def test_a_run_logs_and_uses_versions(catalog: Catalog) -> None:
    maker, user = await start(catalog, "maker"), await start(catalog, "user")
    await log(catalog, "one", run=maker)
    await catalog.use(user, "c one")
    await catalog.use(user, "c one")
    await log(catalog, "two", run=user)

    logged = await catalog.logged_versions(user, limit=9)
    used = await catalog.used_versions(user, limit=9)

    assert [str(version.place) for version in logged.items] == ["e/p/c:v1"]
    assert [str(version.place) for version in used.items] == ["e/p/c:v0"]
    assert used.total == 1
    assert [run.id for run in await catalog.used_by("c one")] == ["user"]
    made_by = await catalog.logged_by("c one")
    assert made_by is not None
    assert made_by.id == "maker"


async def test_content_logged_again_is_an_edge_but_not_the_maker(catalog: Catalog) -> None:
    await start(catalog, "r1")
    again = await start(catalog, "again")
    await log(catalog, "one", run=RUN)
    await catalog.relabel("c one", Labels(), again)
    later = await start(catalog, "later")
    await catalog.commit(await begin(catalog, "same"), content("one"), Labels(), later)

    assert [version.place for version in (await catalog.logged_versions(again, limit=9)).items] == [V0]
    assert [version.place for version in (await catalog.logged_versions(later, limit=9)).items] == [V0]
    made_by = await catalog.logged_by("c one")
    assert made_by is not None
    assert made_by.id == "r1"


async def test_a_version_without_a_run_was_made_by_none(catalog: Catalog) -> None:
    await log(catalog, "one")

    assert await catalog.logged_by("c one") is None
    assert await catalog.used_by("c one") == ()


async def test_used_versions_are_listed_page_by_page(catalog: Catalog) -> None:
    run = await start(catalog)
    for tree in ("one", "two", "three"):
        await log(catalog, tree)
        await catalog.use(run, f"c {tree}")

    first = await catalog.used_versions(run, limit=2)
    last = await catalog.used_versions(run, limit=2, cursor=first.cursor)

    assert {version.id for version in (*first.items, *last.items)} == {"c one", "c two", "c three"}
    assert (first.total, len(last.items), last.cursor) == (3, 1, None)


async def test_a_deleted_version_is_not_listed_as_used(catalog: Catalog) -> None:
    run = await start(catalog)
    await log(catalog, "one")
    await catalog.use(run, "c one")
    await catalog.delete_version(V0, delete_aliases=True)

    used = await catalog.used_versions(run, limit=9)

    assert used.items == ()
    assert used.total == 0


async def test_what_is_not_committed_cannot_be_used(catalog: Catalog) -> None:
    run = await start(catalog)
    await begin(catalog, "pending")

    with pytest.raises(UnknownNameError, match="version 'pending' not found"):
        await catalog.use(run, "pending")
