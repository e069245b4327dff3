"""What every catalogue must do about links, registries, expiry and lineage. Use it like `CatalogContract`."""

import pytest

from ..catalog import DISABLED, INHERIT, Catalog, Change, Labels, Place, Registry, RunKey, State
from ..errors import AliasesRemainError, InvalidValueError, NameConflictError, UnknownNameError
from .catalog_contract import V0, V1, begin, log, start

LINK = Place("e", "best", "models", 0)
REGISTRY = Registry("e", "wandb-registry-model", "the good ones", "organization", ("dataset",))


class LinksContract:
    async def test_a_link_has_a_number_and_aliases_of_its_own(self, catalog: Catalog) -> None:
        await log(catalog, "one")
        await log(catalog, "two", Labels(("best",)))

        link = await catalog.link("c two", "e", "best", "models", ("prod",))

        assert (link.place, link.source, link.is_link) == (LINK, V1, True)
        assert (link.aliases, link.id, link.type, link.size) == (("latest", "prod"), "c two", "dataset", 5)
        assert link.linked_at is not None
        assert link == await catalog.version("e", "best", "models", "prod") == await catalog.version("e", "best", "models", "v0")
        at_home = await catalog.version_by_id("c two")
        assert (at_home.place, at_home.aliases, at_home.linked_at) == (V1, ("best", "latest"), None)

    async def test_a_portfolio_is_a_collection_that_says_so(self, catalog: Catalog) -> None:
        await log(catalog, "one")
        await catalog.link("c one", "e", "p", "models")

        portfolio, home = (await catalog.collections("e", "p", None, limit=5)).items[::-1]
        assert (portfolio.name, portfolio.portfolio, portfolio.type, portfolio.version_count) == ("models", True, "dataset", 1)
        assert (portfolio.size, portfolio.aliases) == (5, ("latest",))
        assert (home.name, home.portfolio) == ("c", False)

    async def test_linking_again_adds_aliases_and_no_number(self, catalog: Catalog) -> None:
        await log(catalog, "one")
        await catalog.link("c one", "e", "best", "models", ("a",))
        await log(catalog, "two")
        second = await catalog.link("c two", "e", "best", "models", ("a", "b"))

        again = await catalog.link("c one", "e", "best", "models", ("b",))

        assert (again.place, again.aliases) == (LINK, ("b",))
        assert second.place.index == 1
        assert (await catalog.version("e", "best", "models", "v1")).aliases == ("a", "latest")

    async def test_links_are_listed_from_the_version(self, catalog: Catalog) -> None:
        await log(catalog, "one")
        for project in ("best", "also"):
            await catalog.link("c one", "e", project, "models")

        assert [str(each.place) for each in await catalog.links("c one")] == ["e/best/models:v0", "e/also/models:v0"]
        assert len(await catalog.links("c one", limit=1)) == 1

    async def test_only_what_is_committed_can_be_linked(self, catalog: Catalog) -> None:
        await begin(catalog, "pending")
        await log(catalog, "gone", collection="d")
        await catalog.delete_version(Place("e", "p", "d", 0), delete_aliases=True)

        with pytest.raises(UnknownNameError):
            await catalog.link("pending", "e", "best", "models")
        with pytest.raises(UnknownNameError, match="it was deleted"):
            await catalog.link("d gone", "e", "best", "models")
        with pytest.raises(UnknownNameError, match="project 'best' not found"):
            await catalog.collection("e", "best", "models")

    async def test_a_name_is_either_logged_to_or_linked_to(self, catalog: Catalog) -> None:
        await log(catalog, "one")
        await log(catalog, "m", collection="m", type_="model")
        await catalog.link("c one", "e", "p", "portfolio")

        with pytest.raises(NameConflictError, match="e/p/m is a collection that versions are logged to"):
            await catalog.link("c one", "e", "p", "m")
        with pytest.raises(NameConflictError, match="e/p/portfolio is a portfolio: it only takes links"):
            await begin(catalog, "id", "portfolio")
        with pytest.raises(NameConflictError, match="Portfolio portfolio already exists with type 'dataset'"):
            await catalog.link("m m", "e", "p", "portfolio")
        with pytest.raises(NameConflictError, match="is a portfolio"):
            await catalog.change_collection("e", "p", "portfolio", Change(type="model"))

    async def test_unlinking_leaves_the_version_and_uses_up_the_number(self, catalog: Catalog) -> None:
        await log(catalog, "one")
        link = await catalog.link("c one", "e", "best", "models", ("prod",))
        await catalog.change_collection("e", "best", "models", Change(name="m"))
        await catalog.unlink(LINK, collection_id=link.collection_id)
        await catalog.change_collection("e", "best", "m", Change(name="models"))

        assert await catalog.links("c one") == ()
        assert (await catalog.version("e", "p", "c", "latest")).state is State.COMMITTED
        with pytest.raises(UnknownNameError, match="numbers are not used again"):
            await catalog.version("e", "best", "models", "v0")
        assert (await catalog.collection("e", "best", "models")).version_count == 0
        with pytest.raises(UnknownNameError):
            await catalog.change_version(LINK, Change(add_aliases=("x",)), collection_id=link.collection_id)
        assert (await catalog.link("c one", "e", "best", "models")).place.index == 1

    async def test_what_is_no_link_is_not_unlinked(self, catalog: Catalog) -> None:
        await log(catalog, "one")

        with pytest.raises(InvalidValueError, match=r"use 'Artifact\.delete' instead"):
            await catalog.unlink(V0)

    async def test_deleting_a_link_is_unlinking(self, catalog: Catalog) -> None:
        await log(catalog, "one")
        await catalog.link("c one", "e", "best", "models")

        with pytest.raises(AliasesRemainError):
            await catalog.delete_version(LINK, delete_aliases=False)
        await catalog.delete_version(LINK, delete_aliases=True)

        assert await catalog.links("c one") == ()
        assert (await catalog.version_by_id("c one")).state is State.COMMITTED

    async def test_deleting_a_portfolio_keeps_the_sources(self, catalog: Catalog) -> None:
        await log(catalog, "one")
        await catalog.link("c one", "e", "best", "models")

        await catalog.delete_collection("e", "best", "models")

        assert (await catalog.version("e", "p", "c", "v0")).state is State.COMMITTED
        assert await catalog.links("c one") == ()
        with pytest.raises(UnknownNameError):
            await catalog.collection("e", "best", "models")

    async def test_deleting_a_version_takes_its_links(self, catalog: Catalog) -> None:
        await log(catalog, "one")
        await catalog.link("c one", "e", "best", "models", ("prod",))

        await catalog.delete_version(V0, delete_aliases=True)

        with pytest.raises(UnknownNameError):
            await catalog.version("e", "best", "models", "prod")
        portfolio = await catalog.collection("e", "best", "models")
        assert (portfolio.version_count, portfolio.size, portfolio.aliases) == (0, 0, ())

    async def test_labels_through_a_link_are_those_of_the_link_and_facts_those_of_the_version(self, catalog: Catalog) -> None:
        await log(catalog, "one")
        await catalog.link("c one", "e", "best", "models")

        edited = await catalog.change_version(LINK, Change(add_aliases=("x",), add_tags=("t",), description="new"))

        assert (edited.place, edited.aliases) == (LINK, ("latest", "x"))
        at_home = await catalog.version_by_id("c one")
        assert (at_home.aliases, at_home.tags, at_home.description) == (("latest",), ("t",), "new")

    async def test_many_versions_are_deleted_at_once_or_none(self, catalog: Catalog) -> None:
        for tree in ("one", "two", "three"):
            await log(catalog, tree)

        with pytest.raises(AliasesRemainError, match="v2 still has the aliases latest"):
            await catalog.delete_versions(["c one", "c three"], delete_aliases=False)
        with pytest.raises(UnknownNameError, match="'none'"):
            await catalog.delete_versions(["c one", "none"], delete_aliases=True)
        assert (await catalog.collection("e", "p", "c")).version_count == 3
        await catalog.delete_versions(["c one", "c three", "c one"], delete_aliases=True)
        await catalog.delete_versions(["c one"], delete_aliases=False)

        left = await catalog.collection("e", "p", "c")
        assert (left.version_count, left.size, left.aliases) == (1, 5, ())

    # -- registries ---------------------------------------------------------------------------------------------
    async def test_a_registry_takes_links_of_its_types(self, catalog: Catalog) -> None:
        made = await catalog.create_registry(REGISTRY)
        await log(catalog, "one")
        await log(catalog, "m", collection="m", type_="model")

        link = await catalog.link("c one", "e", made.project, "good")

        assert str(link.place) == "e/wandb-registry-model/good:v0"
        with pytest.raises(NameConflictError, match="registry 'model' does not take artifacts of type 'model'"):
            await catalog.link("m m", "e", made.project, "models")
        with pytest.raises(UnknownNameError, match="registry 'other' not found in e"):
            await catalog.link("c one", "e", "wandb-registry-other", "good")

    async def test_registries_are_read_changed_and_listed(self, catalog: Catalog) -> None:
        made = await catalog.create_registry(REGISTRY)
        await log(catalog, "one")
        await catalog.link("c one", "e", made.project, "good")
        other = await catalog.create_registry(Registry("e", "wandb-registry-a", None, "restricted", None))

        changed = await catalog.change_registry(Registry("e", made.project, "all", "organization", ("dataset", "model")))

        assert (changed.description, changed.types) == ("all", ("dataset", "model"))
        assert await catalog.registries("e") == (other, await catalog.registry("e", made.project))
        assert other.created_at > 1.7e9
        with pytest.raises(NameConflictError, match="there is a registry 'model'"):
            await catalog.create_registry(REGISTRY)
        with pytest.raises(NameConflictError, match="holds links of type 'dataset'"):
            await catalog.change_registry(Registry("e", made.project, None, "organization", ("model",)))

    async def test_deleting_a_registry_keeps_the_versions(self, catalog: Catalog) -> None:
        made = await catalog.create_registry(REGISTRY)
        await log(catalog, "one")
        await catalog.link("c one", "e", made.project, "good")

        await catalog.delete_registry("e", made.project)

        assert await catalog.registries("e") == ()
        assert await catalog.links("c one") == ()
        assert (await catalog.version("e", "p", "c", "v0")).state is State.COMMITTED

    # -- expiry -------------------------------------------------------------------------------------------------
    async def test_a_version_expires_as_it_says_or_as_its_collection_says(self, catalog: Catalog) -> None:
        version = (await log(catalog, "one")).version
        assert (version.ttl, version.inherited_ttl, version.expires_at) == (INHERIT, None, None)

        await catalog.change_collection("e", "p", "c", Change(ttl=3600))
        inherited = await catalog.version_by_id("c one")
        own = await catalog.change_version(V0, Change(ttl=60))
        never = await catalog.change_version(V0, Change(ttl=DISABLED))
        back = await catalog.change_version(V0, Change(ttl=INHERIT))
        collection = await catalog.change_collection("e", "p", "c", Change(ttl=DISABLED))

        assert (inherited.ttl, inherited.expires_at) == (INHERIT, version.created_at + 3600)
        assert (own.ttl, own.expires_at) == (60, version.created_at + 60)
        assert (never.ttl, never.expires_at) == (DISABLED, None)
        assert (back.ttl, back.expires_at) == (INHERIT, version.created_at + 3600)
        assert collection.ttl is None
        assert (await catalog.version_by_id("c one")).expires_at is None

    # -- lineage ------------------------------------------------------------------------------------------------
    async def test_lineage_goes_up_and_down_over_runs(self, catalog: Catalog) -> None:
        prepare, train, evaluate = [await start(catalog, name) for name in ("prepare", "train", "evaluate")]
        await log(catalog, "raw", collection="raw")
        await catalog.use(prepare, "raw raw")
        await log(catalog, "data", collection="data", run=prepare)
        await log(catalog, "side", collection="side", run=prepare)
        await catalog.use(train, "data data")
        await log(catalog, "model", collection="model", run=train)
        await catalog.use(evaluate, "model model")

        found = await catalog.lineage("data data")

        assert [version.id for version in found.versions] == ["data data", "raw raw", "model model"]
        assert [run.id for run in found.runs] == ["prepare", "train", "evaluate"]
        assert {(edge.run.id, edge.kind, edge.version_id) for edge in found.edges} == {
            ("prepare", "logged", "data data"),
            ("prepare", "used", "raw raw"),
            ("train", "used", "data data"),
            ("train", "logged", "model model"),
            ("evaluate", "used", "model model"),
        }
        assert found.complete
        assert found.edges[0].run == RunKey("e", "p", "prepare")

    async def test_lineage_ends_where_a_run_made_what_it_used(self, catalog: Catalog) -> None:
        run = await start(catalog)
        await log(catalog, "one", run=run)
        await catalog.use(run, "c one")

        found = await catalog.lineage("c one")

        assert ([version.id for version in found.versions], len(found.edges)) == (["c one"], 2)

    async def test_lineage_stops_at_its_limit(self, catalog: Catalog) -> None:
        run = await start(catalog)
        await log(catalog, "in", collection="in")
        await catalog.use(run, "in in")
        for number in range(5):
            await log(catalog, f"out {number}", collection="out", run=run)

        found = await catalog.lineage("in in", limit=4)

        assert (len(found.versions), len(found.runs), len(found.edges), found.complete) == (3, 1, 3, False)
        with pytest.raises(UnknownNameError):
            await catalog.lineage("none")
