"""What every catalogue must do about long lists: order, pages, totals. Use it like `CatalogContract`."""

import pytest

from ..catalog import Catalog, Collection, Labels, RunInfo, Version, Wanted
from ..errors import InvalidValueError
from ..manifest.keys import stored_key
from .catalog_contract import begin, log, some_object, start


class ListsContract:
    @pytest.mark.parametrize(
        ("order", "expected"), [("-created_at", "432 10"), ("+created_at", "012 34"), ("created_at", "012 34")]
    )
    async def test_runs_go_on_where_a_page_ended_in_either_order(self, catalog: Catalog, order: str, expected: str) -> None:
        for number in range(5):
            await start(catalog, str(number))

        first = await catalog.runs("e", "p", limit=3, order=order)
        second = await catalog.runs("e", "p", limit=3, order=order, cursor=first.cursor)

        assert f"{ids(first.items)} {ids(second.items)}" == expected
        assert (first.total, second.total, second.cursor) == (5, 5, None)

    @pytest.mark.parametrize(("order", "expected"), [("name", "abc de"), ("+name", "abc de"), ("-name", "edc ba")])
    async def test_collections_go_on_where_a_page_ended_in_either_order(
        self, catalog: Catalog, order: str, expected: str
    ) -> None:
        for name in "bdace":
            await log(catalog, "one", collection=name)

        first = await catalog.collections("e", "p", None, limit=3, order=order)
        second = await catalog.collections("e", "p", None, limit=3, order=order, cursor=first.cursor)

        assert f"{names(first.items)} {names(second.items)}" == expected
        assert (first.total, second.cursor) == (5, None)

    @pytest.mark.parametrize(("order", "expected"), [("version_index", "012 34"), ("-version_index", "432 10")])
    async def test_versions_go_on_where_a_page_ended_in_either_order(self, catalog: Catalog, order: str, expected: str) -> None:
        for tree in "abcde":
            await log(catalog, tree)

        first = await catalog.versions("e", "p", "c", Wanted(order=order), limit=3)
        second = await catalog.versions("e", "p", "c", Wanted(order=order), limit=3, cursor=first.cursor)

        assert f"{indexes(first.items)} {indexes(second.items)}" == expected
        assert (first.total, second.cursor) == (5, None)

    async def test_a_page_of_links_goes_on_in_the_portfolio(self, catalog: Catalog) -> None:
        for tree in "abcde":
            await log(catalog, tree)
        for tree in "cea":
            await catalog.link(f"c {tree}", "e", "p", "portfolio")

        first = await catalog.versions("e", "p", "portfolio", Wanted(), limit=2)
        second = await catalog.versions("e", "p", "portfolio", Wanted(), limit=2, cursor=first.cursor)

        assert [each.id for each in (*first.items, *second.items)] == ["c a", "c e", "c c"]
        assert (indexes(first.items), indexes(second.items), first.total, second.cursor) == ("21", "0", 3, None)

    async def test_versions_are_chosen_that_have_all_of_the_tags(self, catalog: Catalog) -> None:
        for tree, tags in (("a", ("x",)), ("b", ("x", "y")), ("c", ("y",)), ("d", ("y", "x", "z"))):
            await log(catalog, tree, Labels((), tags))

        both = await catalog.versions("e", "p", "c", Wanted(tags=("x", "y")), limit=1)
        rest = await catalog.versions("e", "p", "c", Wanted(tags=("x", "y")), limit=1, cursor=both.cursor)

        assert (indexes(both.items), indexes(rest.items), both.total, rest.cursor) == ("3", "1", 2, None)

    async def test_an_order_that_there_is_not_is_refused(self, catalog: Catalog) -> None:
        await start(catalog)
        await log(catalog, "one")

        with pytest.raises(InvalidValueError, match="runs cannot be ordered by 'name'"):
            await catalog.runs("e", "p", limit=1, order="name")
        with pytest.raises(InvalidValueError, match="collections cannot be ordered by 'size'"):
            await catalog.collections("e", "p", None, limit=1, order="size")
        with pytest.raises(InvalidValueError, match="versions cannot be ordered by 'name'"):
            await catalog.versions("e", "p", "c", Wanted(order="name"), limit=1)

    async def test_a_cursor_of_another_list_is_refused(self, catalog: Catalog) -> None:
        await log(catalog, "one")

        with pytest.raises(InvalidValueError, match="does not continue this list"):
            await catalog.collections("e", "p", None, limit=1, cursor="[5]")

    async def test_large_objects_are_contents_of_one_entity_also_lost_ones(self, catalog: Catalog) -> None:
        session = await begin(catalog, "id")
        two, three, page = some_object("aa"), some_object("bbb"), some_object("pages", kind="manifest")
        await catalog.stored(session, [some_object("a"), two, three, page])

        await catalog.forget(session.entity_id, [three])

        keys = {stored_key("object", session.entity_id, "BLAKE3", each.digest): each.size for each in (two, three)}
        assert await catalog.large_objects("e", least=2) == keys
        assert await catalog.large_objects("nobody", least=0) == {}


def ids(runs: tuple[RunInfo, ...]) -> str:
    return "".join(run.id for run in runs)


def names(collections: tuple[Collection, ...]) -> str:
    return "".join(collection.name for collection in collections)


def indexes(versions: tuple[Version, ...]) -> str:
    return "".join(str(version.place.index) for version in versions)
