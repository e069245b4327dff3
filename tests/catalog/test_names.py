"""Names are found, listed, changed and deleted; what is unknown is said in words that help."""

import pytest

from lading.catalog import Catalog, Change, Labels, Page, Version, Wanted
from lading.errors import AliasesRemainError, InvalidValueError, NameConflictError, UnknownNameError
from lading.testing.catalog_contract import V0, V1, V2, begin, content, log


async def three(catalog: Catalog) -> None:
    """v0 (tags a, b), v1 (tag a), v2."""
    for tree, tags in (("one", ("a", "b")), ("two", ("a",)), ("three", ())):
        await log(catalog, tree, Labels((), tags))


def indexes(page: Page[Version]) -> list[int]:
    return [version.place.index for version in page.items]


@pytest.mark.parametrize(
    ("place", "message"),
    [
        (("x", "p", "c", "v0"), "entity 'x' not found\n  hint: there are 'e'"),
        (("e", "x", "c", "v0"), "project 'x' not found in e\n  hint: there are 'p'"),
        (("e", "p", "dataset", "v0"), "collection 'dataset' not found in e/p\n  hint: did you mean 'datasets'?"),
        (("e", "p", "datasets", "v9"), "version 'v9' not found in e/p/datasets\n  hint: the last version is v0"),
        (("e", "p", "datasets", "bset"), "alias 'bset' not found in e/p/datasets\n  hint: did you mean 'best'?"),
        (("e", "p", "datasets", "qqq"), "alias 'qqq' not found in e/p/datasets\n  hint: its aliases are 'best', 'latest'"),
    ],
)
async def test_the_unknown_part_is_named(catalog: Catalog, place: tuple[str, str, str, str], message: str) -> None:
    await log(catalog, "one", Labels(("best",)), collection="datasets")

    with pytest.raises(UnknownNameError) as caught:
        await catalog.version(*place)

    assert str(caught.value) == message


async def test_an_empty_catalogue_says_so(catalog: Catalog) -> None:
    with pytest.raises(UnknownNameError, match="there is none yet"):
        await catalog.collections("e", "p", None, limit=10)


async def test_versions_are_listed_page_by_page(catalog: Catalog) -> None:
    await three(catalog)

    first = await catalog.versions("e", "p", "c", Wanted(), limit=2)
    last = await catalog.versions("e", "p", "c", Wanted(), limit=2, cursor=first.cursor)

    assert (indexes(first), first.total, indexes(last), last.total, last.cursor) == ([2, 1], 3, [0], 3, None)
    assert indexes(await catalog.versions("e", "p", "c", Wanted(order="+version_index"), limit=9)) == [0, 1, 2]


async def test_versions_are_filtered(catalog: Catalog) -> None:
    await three(catalog)

    tagged = await catalog.versions("e", "p", "c", Wanted(tags=("a",), order="version_index"), limit=1)
    rest = await catalog.versions("e", "p", "c", Wanted(tags=("a",), order="version_index"), limit=1, cursor=tagged.cursor)
    both = await catalog.versions("e", "p", "c", Wanted(tags=("a", "b")), limit=9)
    models = await catalog.versions("e", "p", "c", Wanted(type="model"), limit=9)

    assert (indexes(tagged), tagged.total, indexes(rest), rest.cursor) == ([0], 2, [1], None)
    assert (indexes(both), both.total) == ([0], 1)
    assert models == Page((), None, 0)


@pytest.mark.parametrize("cursor", ["", "x", "[]", '["a"]', "[1,2]", "7", "{}", "[true]"])
async def test_a_cursor_that_is_none_is_refused(catalog: Catalog, cursor: str) -> None:
    await three(catalog)

    with pytest.raises(InvalidValueError, match="does not continue this list"):
        await catalog.versions("e", "p", "c", Wanted(), limit=2, cursor=cursor)


async def test_an_unknown_order_is_refused(catalog: Catalog) -> None:
    await three(catalog)

    with pytest.raises(InvalidValueError, match="created_at"):
        await catalog.versions("e", "p", "c", Wanted(order="created_at"), limit=2)


async def test_collections_are_listed_by_name(catalog: Catalog) -> None:
    for name, type_ in (("b", "model"), ("a", "dataset"), ("c", "dataset")):
        await log(catalog, "one", collection=name, type_=type_)

    first = await catalog.collections("e", "p", None, limit=2)
    last = await catalog.collections("e", "p", None, limit=2, cursor=first.cursor)
    datasets = await catalog.collections("e", "p", "dataset", limit=2)

    assert ([each.name for each in first.items], [each.name for each in last.items]) == (["a", "b"], ["c"])
    assert (first.total, last.cursor, datasets.total, datasets.cursor) == (3, None, 2, None)
    assert await catalog.types("e", "p") == ("dataset", "model")
    assert await catalog.projects() == (("e", "p"),) == await catalog.projects("e")


async def test_a_collection_counts_its_versions(catalog: Catalog) -> None:
    await three(catalog)

    found = await catalog.collection("e", "p", "c")

    assert (found.version_count, found.size, found.type, found.aliases) == (3, 15, "dataset", ("latest",))


async def test_a_collection_is_edited(catalog: Catalog) -> None:
    await three(catalog)

    edited = await catalog.change_collection("e", "p", "c", Change(description="what", tags=("z", "a"), name="d", type="model"))

    assert (edited.name, edited.type, edited.description, edited.tags) == ("d", "model", "what", ("z", "a"))
    assert (await catalog.version("e", "p", "d", "v1")).type == "model"
    with pytest.raises(UnknownNameError):
        await catalog.collection("e", "p", "c")


async def test_receipts_are_wanted_anew_under_a_new_name(catalog: Catalog) -> None:
    await log(catalog, "one")
    await catalog.receipted(["c one"])

    await catalog.change_collection("e", "p", "c", Change(name="d"))

    assert [str(version.place) for version in await catalog.unreceipted("e", "p", "d")] == ["e/p/d:v0"]


async def test_a_collection_does_not_take_a_name_in_use(catalog: Catalog) -> None:
    await log(catalog, "one")
    await log(catalog, "one", collection="d")
    await log(catalog, "one", collection="gone")
    await catalog.delete_collection("e", "p", "gone")

    with pytest.raises(NameConflictError, match="already"):
        await catalog.change_collection("e", "p", "c", Change(name="d"))
    with pytest.raises(NameConflictError, match="before"):
        await catalog.change_collection("e", "p", "c", Change(name="gone"))


async def test_a_deleted_version_is_gone_and_its_number_stays_used(catalog: Catalog) -> None:
    await three(catalog)

    await catalog.delete_version(V1, delete_aliases=False)

    with pytest.raises(UnknownNameError, match="v1 was deleted"):
        await catalog.version("e", "p", "c", "v1")
    with pytest.raises(UnknownNameError, match="v1 was deleted"):
        await catalog.delete_version(V1, delete_aliases=False)
    assert (await catalog.version_by_id("c two")).state == "DELETED"
    assert indexes(await catalog.versions("e", "p", "c", Wanted(), limit=9)) == [2, 0]
    found = await catalog.collection("e", "p", "c")
    assert (found.version_count, found.size) == (2, 10)
    assert (await log(catalog, "four")).version.place.index == 3


async def test_aliases_protect_a_version_from_deletion(catalog: Catalog) -> None:
    await three(catalog)
    await catalog.relabel("c three", Labels(("best",)), None)

    with pytest.raises(AliasesRemainError) as caught:
        await catalog.delete_version(V2, delete_aliases=False)

    assert caught.value.aliases == ("best", "latest")
    assert (await catalog.version("e", "p", "c", "best")).place == V2


async def test_a_deleted_latest_is_not_given_to_another_version(catalog: Catalog) -> None:
    await three(catalog)

    await catalog.delete_version(V2, delete_aliases=True)

    with pytest.raises(UnknownNameError, match="alias 'latest' not found in e/p/c"):
        await catalog.version("e", "p", "c", "latest")
    newest = await catalog.latest("e", "p", "c")
    assert newest is not None
    assert newest.place == V1


async def test_labels_do_not_go_on_a_deleted_version(catalog: Catalog) -> None:
    await three(catalog)
    await catalog.delete_version(V0, delete_aliases=False)

    with pytest.raises(UnknownNameError, match="deleted"):
        await catalog.relabel("c one", Labels(("best",)), None)


async def test_a_deleted_collection_takes_its_versions_along(catalog: Catalog) -> None:
    await three(catalog)
    await catalog.change_collection("e", "p", "c", Change(description="what", tags=("t",)))

    await catalog.delete_collection("e", "p", "c")

    with pytest.raises(UnknownNameError):
        await catalog.collection("e", "p", "c")
    assert await catalog.latest("e", "p", "c") is None
    assert (await catalog.version_by_id("c one")).state == "DELETED"
    assert (await catalog.collections("e", "p", None, limit=9)).total == 0


async def test_a_name_that_is_logged_to_again_goes_on_counting(catalog: Catalog) -> None:
    await three(catalog)
    await catalog.delete_collection("e", "p", "c")

    session = await begin(catalog, "anew", type_="model")
    made = await catalog.commit(session, content("one"), Labels(), None)

    found = await catalog.collection("e", "p", "c")
    assert (made.created, made.version.place.index, found.type, found.version_count) == (True, 3, "model", 1)
    assert (found.description, found.tags, found.aliases) == (None, (), ("latest",))


async def test_many_versions_are_found_at_once(catalog: Catalog) -> None:
    for index in range(30):
        await log(catalog, str(index), Labels((f"a{index}",), (f"t{index}",)))

    page = await catalog.versions("e", "p", "c", Wanted(order="version_index"), limit=30)

    assert [version.tags for version in page.items] == [(f"t{index}",) for index in range(30)]
    assert [version.aliases[0] for version in page.items] == [f"a{index}" for index in range(30)]
    assert page.items[0].place == V0
