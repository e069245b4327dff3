"""A catalogue comes back from the receipts of its store."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

import lading
from lading.api.keeping import keeper_of
from lading.api.portal import blocking
from lading.api.session import workspace_here
from lading.api.workspace import close_workspaces
from lading.catalog import Catalog
from lading.errors import CommError, StoreForeignError, UsageError
from lading.upkeep.keeper import Keeper
from lading.upkeep.rebuild import Rebuilt, rebuild

from .conftest import Log

Rebuild = Callable[[], Rebuilt]


@pytest.fixture
def rebuilt(home: Path) -> Rebuild:
    """Lose the catalogue, and make it anew."""

    def run() -> Rebuilt:
        lose(home)

        async def work() -> Rebuilt:
            return await rebuild(keeper_of(await workspace_here()))

        return blocking(work)()

    return run


def lose(home: Path) -> None:
    if (run := lading.run) is not None:
        run.finish()
    blocking(close_workspaces)()
    for path in home.glob("catalog.db*"):
        path.unlink()
    (home / "index.db").unlink(missing_ok=True)


def shown() -> dict[str, dict[str, Any]]:
    """All that people see of all versions."""
    found: dict[str, dict[str, Any]] = {}
    for type_ in lading.Api().artifact_types():
        for collection in type_.collections():
            for version in collection.artifacts():
                found[version.qualified_name] = {
                    name: getattr(version, name)
                    for name in ("id", "type", "digest", "size", "file_count", "metadata", "tags", "aliases", "created_at")
                }
                found[version.qualified_name]["files"] = sorted(version.manifest.entries)
    return found


def fill(log: Log) -> None:
    log({"a": "a", "b": "b"}, aliases=["best", "first"], tags=["t", "s"])
    log({"a": "a", "c": "c"}, aliases=["best"])
    log({"x": "x"}, "other")


def test_versions_are_what_they_were(log: Log, rebuilt: Rebuild, tmp_path: Path) -> None:
    fill(log)
    before = shown()

    made = rebuilt()

    assert shown() == before
    assert (made.versions, made.objects, made.lost, made.problems) == (3, 4 + 6, 0, [])
    for name in before:
        found = lading.Api().artifact(name)
        found.verify(found.download(str(tmp_path / "out" / found.name)))


def test_what_others_refer_to_of_a_deleted_version_is_found_again(
    log: Log, rebuilt: Rebuild, collected: Callable[..., Any], tmp_path: Path
) -> None:
    """The deleted version is back, too: its receipt leads to what is referred to. The rest of it was freed, and is told."""
    source = log({"a": "wanted", "b": "freed"}, "source")
    referring = lading.Artifact("refers", "dataset")
    referring.add_reference(source.get_entry("a"))
    cast("lading.Run", lading.run).log_artifact(referring).wait()
    source.delete(delete_aliases=True)
    collected()

    made = rebuilt()

    assert (made.versions, made.lost, len(made.problems)) == (2, 1, 1)
    assert (Path(lading.Api().artifact("refers:v0").download(str(tmp_path / "out"))) / "a").read_text() == "wanted"


def test_logs_collections_and_checks_go_on_with_it(log: Log, rebuilt: Rebuild, collected: Callable[..., Any], home: Path) -> None:
    fill(log)
    rebuilt()

    with lading.init() as run:
        artifact = lading.Artifact("ds", "dataset")
        with artifact.new_file("a", "w") as file:
            file.write("a")
        logged = run.log_artifact(artifact).wait()

    assert (logged.version, logged.aliases) == ("v2", ["latest"])
    assert lading.Api().artifact("ds:v1").aliases == ["best"]


def test_objects_without_a_version_stay_for_the_next_collection(log: Log, rebuilt: Rebuild, home: Path) -> None:
    from lading.upkeep.garbage import Manner, collect

    fill(log)
    (folder,) = (home / "store/objects").iterdir()
    (folder / "blake3/ab").mkdir(exist_ok=True)
    (folder / "blake3/ab" / ("c" * 62)).write_text("left")

    made = rebuilt()

    async def work() -> int:
        return (await collect(keeper_of(await workspace_here()), Manner(0, 0))).objects

    assert made.problems == []
    assert blocking(work)() == 1


def test_what_is_missing_is_told_and_the_next_log_mends_it(log: Log, rebuilt: Rebuild, home: Path) -> None:
    fill(log)
    digest = lading.Api().artifact("ds:v1").manifest.entries["c"].digest
    (path,) = (home / "store/objects").rglob(digest[2:])
    document = lading.Api().artifact("other:v0").logged_version("x").document
    (index,) = (home / "store/manifests").rglob(document[2:])
    path.unlink()
    index.unlink()

    made = rebuilt()
    with lading.init() as run:
        for name, files in (("ds", "ac"), ("other", "x")):
            artifact = lading.Artifact(name, "dataset")
            for each in files:
                with artifact.new_file(each, "w") as file:
                    file.write(each)
            run.log_artifact(artifact).wait()

    assert (made.versions, made.lost, len(made.problems)) == (3, 2, 2)
    assert (path.exists(), index.exists()) == (True, True)
    assert lading.Api().artifact("other:v0").manifest.entries.keys() == {"x"}


def test_a_renamed_collection_has_its_last_name(log: Log, rebuilt: Rebuild, home: Path) -> None:
    log({"a": "a"})
    collection = lading.Api().artifact_collection("dataset", "ds")
    collection.name = "renamed"
    collection.save()
    log({"b": "b"}, "renamed")
    before = shown()

    rebuilt()

    assert (home / "store/versions/me/p/ds/v0.json").exists()
    assert {name: each["id"] for name, each in shown().items()} == {name: each["id"] for name, each in before.items()}


def test_receipts_that_are_none_are_told(log: Log, rebuilt: Rebuild, home: Path) -> None:
    fill(log)
    folder = home / "store/versions/me/p/ds"
    shutil.copy(folder / "v0.json", folder / "v7.json")
    (folder / "v8.json").write_text("{")
    (folder / "v9.json").write_text('{"format": 2}')

    made = rebuilt()

    assert [line.partition(":")[0] for line in made.problems] == [f"versions/me/p/ds/v{n}.json" for n in (7, 8, 9)]
    assert made.versions == 3


def test_only_an_empty_catalogue_is_filled(log: Log, keeper: Any) -> None:
    log({"a": "a"})

    with pytest.raises(CommError, match="not empty"):
        blocking(rebuild)(keeper)


def test_an_empty_store_makes_no_catalogue(keeper: Any) -> None:
    with pytest.raises(UsageError, match="nothing to make one from"):
        blocking(rebuild)(keeper)


@pytest.mark.parametrize("call", ["begin_rebuild", "restore", "restore_objects", "end_rebuild"])
def test_a_rebuilding_that_was_cut_short_is_gone_on_with(log: Log, home: Path, call: str) -> None:
    fill(log)
    before = shown()
    lose(home)

    class Cut:
        def __init__(self, inner: Any) -> None:
            self.inner = inner

        def __getattr__(self, name: str) -> Any:
            if name != call:
                return getattr(self.inner, name)

            async def cut(*arguments: Any, **named: Any) -> None:
                if call != "end_rebuild":
                    await getattr(self.inner, name)(*arguments, **named)
                raise KeyError("cut short")

            return cut

    async def work() -> Rebuilt:
        keeper = keeper_of(await workspace_here())
        with pytest.raises(KeyError):
            await rebuild(Keeper(cast("Catalog", Cut(keeper.catalog)), keeper.store, keeper.persist))
        with pytest.raises(StoreForeignError):
            await (await workspace_here()).own()
        return await rebuild(keeper)

    made = blocking(work)()

    assert (made.versions, made.problems) == (3, [])
    assert shown() == before
