"""Collections free what nobody needs, and nothing else."""

import asyncio
import os
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

import lading
from lading.api.keeping import keeper_of
from lading.api.portal import blocking
from lading.api.settings import load_settings
from lading.api.workspace import Workspace, close_workspaces, open_workspace
from lading.catalog import Catalog, Content, Labels, ObjectInfo, WriteSession
from lading.errors import CatalogBusyError, CommError, LeaseLostError, ManifestError, StoreForeignError
from lading.manifest.keys import stored_key
from lading.store.http.connection import close_idle
from lading.store.owner import this_process
from lading.store.store import write_bytes
from lading.testing.s3_server import S3Server
from lading.upkeep.garbage import Freed, Manner, collect, finish_interrupted
from lading.upkeep.keeper import Keeper

from .conftest import Log

Collected = Callable[..., Freed]
Stored = Callable[..., list[str]]


def whole(artifact: lading.Artifact, folder: Path) -> bool:
    """Whether the version can be downloaded, and is right."""
    found = lading.Api().artifact(artifact.name)
    found.verify(found.download(str(folder)))
    return True


def set_states(home: Path, state: str) -> int:
    with closing(sqlite3.connect(home / "catalog.db")) as connection, connection:
        return connection.execute("UPDATE objects SET state = ?", (state,)).rowcount


def test_what_no_version_needs_goes_and_the_rest_stays(log: Log, collected: Collected, stored: Stored, tmp_path: Path) -> None:
    gone = log({"both": "both", "old": "old" * 100})
    kept = log({"both": "both", "new": "new"})
    before = set(stored())
    gone.delete(delete_aliases=True)

    freed = collected()

    assert (freed.objects, freed.receipts, freed.bytes > 300) == (3, 1, True)  # a file, an index, a page
    left = set(stored())
    assert {key.partition("/")[0] for key in before - left} == {"objects", "manifests", "versions"}
    assert len([key for key in left if key.startswith("objects/")]) == 2
    assert whole(kept, tmp_path / "out")
    assert collected() == Freed()


def test_deleted_versions_keep_their_content_for_the_trash_time(log: Log, collected: Collected, stored: Stored) -> None:
    log({"a": "a"}).delete(delete_aliases=True)
    before = stored()

    assert collected(trash=3600) == Freed()
    assert stored() == before


def test_a_dry_run_says_the_same_and_changes_nothing(log: Log, collected: Collected, stored: Stored, home: Path) -> None:
    log({"a": "a" * 1000}).delete(delete_aliases=True)
    before = stored()

    forecast = collected(dry_run=True)
    after = stored()
    with closing(sqlite3.connect(home / "catalog.db")) as connection:
        states = connection.execute("SELECT DISTINCT state FROM objects").fetchall()
    freed = collected()

    assert (after, states) == (before, [("stored",)])
    assert forecast == freed
    assert forecast.entities == {"me": freed.bytes}
    assert freed.bytes > 1000


def test_objects_of_writers_that_died_are_found_in_the_store(log: Log, collected: Collected, workspace: Workspace) -> None:
    entity_id = log({"a": "a"}).wait().logged_version("x").entity_id
    key = f"objects/{entity_id}/blake3/ab/{'c' * 62}"
    blocking(write_bytes)(workspace.store, key, b"left")
    blocking(write_bytes)(workspace.store, f"objects/{entity_id}/notes.txt", b"not ours")

    freed = collected()

    assert (freed.objects, freed.orphans, freed.bytes) == (1, 1, 4)
    assert collected() == Freed()
    assert blocking(workspace.store.head)(f"objects/{entity_id}/notes.txt").size == 8


def test_what_an_open_session_has_pinned_stays(log: Log, collected: Collected, workspace: Workspace, stored: Stored) -> None:
    artifact = log({"a": "a"})
    (entry,) = artifact.manifest.entries.values()
    info = ObjectInfo("BLAKE3", entry.digest, 1)

    async def pin() -> None:
        session = await workspace.catalog.open_session("open", "me", "p", "other", "dataset")
        assert await workspace.catalog.ask(session, [info]) == {entry.digest}

    blocking(pin)()
    artifact.delete(delete_aliases=True)
    freed = collected()

    assert (len(stored("objects/")), freed.objects) == (1, 2)


def test_sessions_that_ran_out_are_ended(log: Log, collected: Collected, workspace: Workspace) -> None:
    log({"a": "a"})
    blocking(workspace.catalog.open_session)("late", "me", "p", "other", "dataset", lease_seconds=0)

    assert collected().sessions == 1


def test_nothing_is_deleted_before_the_grace_is_over(log: Log, keeper: Keeper, stored: Stored, home: Path) -> None:
    """DESIGN 5, gc: "condemn rows, wait the grace, re-check, mark `deleting`, delete"."""
    log({"a": "a"}).delete(delete_aliases=True)
    before, seen = stored(), list[tuple[bool, list[tuple[str]]]]()

    def tell(line: str) -> None:
        if line.startswith("waiting"):
            with closing(sqlite3.connect(home / "catalog.db")) as connection:
                seen.append((stored() == before, connection.execute("SELECT DISTINCT state FROM objects").fetchall()))

    freed = blocking(collect)(replace(keeper, tell=tell), Manner(grace=0.01, trash=0.0))

    assert seen == [(True, [("condemned",)])]
    assert freed.objects == 3


def test_what_was_condemned_and_is_needed_is_stored_again(log: Log, collected: Collected, home: Path) -> None:
    log({"a": "a"})
    set_states(home, "condemned")

    freed = collected()

    assert (freed.objects, freed.revived) == (0, 3)


def test_what_an_earlier_collection_was_deleting_is_deleted(log: Log, collected: Collected, stored: Stored, home: Path) -> None:
    log({"a": "a"}).delete(delete_aliases=True)
    set_states(home, "deleting")

    collected()

    assert stored("objects/") == stored("manifests/") == []


def test_what_is_lost_and_not_needed_goes_and_what_is_needed_stays_lost(
    log: Log, collected: Collected, home: Path, keeper: Keeper
) -> None:
    entity_id = log({"a": "a"}).logged_version("x").entity_id
    set_states(home, "lost")
    kept = collected()
    still = blocking(keeper.catalog.lost)(entity_id)
    lading.Api().artifact("ds").delete(delete_aliases=True)
    freed = collected()

    assert (kept.objects, still, freed.objects) == (0, True, 3)
    assert not blocking(keeper.catalog.lost)(entity_id)


# Beside logs


class Meanwhile:
    """A catalogue where something else happens just before the first call of this name."""

    def __init__(self, inner: Catalog, call: str, act: Callable[[], Awaitable[object]]) -> None:
        self.inner, self.call, self.act = inner, call, act

    def __getattr__(self, name: str) -> Any:
        inner: Any = getattr(self.inner, name)
        if name != self.call:
            return inner

        async def call(*arguments: Any, **named: Any) -> Any:
            self.call = ""
            await self.act()
            return await inner(*arguments, **named)

        return call


@pytest.mark.parametrize("call", ["end_late_sessions", "kept", "held", "condemn", "take_turn", "doom"])
def test_what_is_logged_again_at_any_moment_stays(
    call: str, log: Log, collected: Collected, keeper: Keeper, stored: Stored, tmp_path: Path
) -> None:
    log({"a": "a", "b": "b"}).delete(delete_aliases=True)
    again = lading.Artifact("again", "dataset")
    with again.new_file("a", "w") as file:
        file.write("a")
    catalog = Meanwhile(keeper.catalog, call, lambda: lading.log_artifact_async(again))

    blocking(collect)(Keeper(cast("Catalog", catalog), keeper.store, keeper.persist), Manner(0.001, 0.0))

    assert catalog.call == ""
    assert len(stored("objects/")) == 1
    assert whole(lading.Api().artifact("again"), tmp_path / "out")
    assert collected() == Freed()


def test_what_was_pinned_and_is_committed_while_a_collection_looks_is_needed(
    log: Log, keeper: Keeper, workspace: Workspace, stored: Stored, tmp_path: Path
) -> None:
    old = log({"a": "a"})
    version, (entry,) = old.logged_version("x"), old.manifest.entries.values()
    index = ObjectInfo("BLAKE3", version.document, 0, "manifest")
    pages = [key for key in stored("manifests/") if not key.endswith(version.document[2:])]
    page = ObjectInfo("BLAKE3", "".join(pages[0].split("/")[-2:]), 0, "manifest")

    async def begin() -> WriteSession:
        session = await workspace.catalog.open_session("open", "me", "p", "other", "dataset")
        await workspace.catalog.ask(session, [ObjectInfo("BLAKE3", entry.digest, 1), index, page])
        return session

    async def commit() -> None:
        content = Content(version.digest, version.tree_digest, "BLAKE3", version.document, 1, 1)
        await workspace.catalog.commit(session, content, Labels(), None)

    session = blocking(begin)()
    old.delete(delete_aliases=True)
    catalog = Meanwhile(keeper.catalog, "condemn", commit)  # after marking, before condemning
    freed = blocking(collect)(Keeper(cast("Catalog", catalog), keeper.store, keeper.persist), Manner(0.0, 0.0))

    assert (freed.objects, freed.revived) == (0, 3)
    assert whole(lading.Api().artifact("other"), tmp_path / "out")


def test_a_log_waits_while_what_it_needs_is_being_deleted(log: Log, keeper: Keeper, workspace: Workspace, home: Path) -> None:
    log({"a": "a"}).delete(delete_aliases=True)
    set_states(home, "deleting")
    entity_id = blocking(keeper.catalog.entities)()[0][0]
    owner = f"{this_process()}-00000000"
    again = lading.Artifact("again", "dataset")
    with again.new_file("a", "w") as file:
        file.write("a")

    async def work() -> tuple[bool, str]:
        assert await keeper.catalog.take_turn(owner, seconds=60) is None
        logging = asyncio.create_task(lading.log_artifact_async(again))
        await asyncio.sleep(0.05)
        waited = not logging.done()
        infos = [held.info for held in await keeper.catalog.held(entity_id)]
        await keeper.store.delete([stored_key(each.kind, entity_id, each.algorithm, each.digest) for each in infos])
        await keeper.catalog.dropped(owner, entity_id, infos, seconds=60)
        return waited, (await (await logging).wait_async()).state

    assert blocking(work)() == (True, "COMMITTED")


def test_a_store_in_a_bucket_is_collected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    with S3Server() as server:
        monkeypatch.setenv("LADING_STORE", f"s3://bucket/ours?endpoint={server.url}&anonymous=1")
        with lading.init() as run:
            for text in ("one", "two"):
                artifact = lading.Artifact("ds", "dataset")
                with artifact.new_file("a", "w") as file:
                    file.write(text)
                run.log_artifact(artifact).wait()
        lading.Api().artifact("ds:v0").delete()
        keeper = keeper_of(blocking(open_workspace)(load_settings()))

        freed = blocking(collect)(keeper, Manner(0.0, 0.0))

        assert (freed.objects, freed.receipts) == (3, 1)
        assert whole(lading.Api().artifact("ds"), tmp_path / "out")
        assert len([key for key in server.bucket.objects if "/objects/" in key]) == 1
        blocking(close_workspaces)()
        close_idle()


# When it refuses


def test_a_store_of_another_catalogue_is_left_alone(
    log: Log, workspace: Workspace, keeper: Keeper, tmp_path: Path, stored: Stored
) -> None:
    from lading.catalog import open_catalog

    log({"a": "a"})
    before = stored()
    other = blocking(open_catalog)(f"sqlite:///{tmp_path}/other.db")

    with pytest.raises(StoreForeignError, match="nothing was changed"):
        blocking(collect)(Keeper(other, workspace.store, workspace.persist), Manner(0, 0))

    blocking(other.close)()
    assert stored() == before


def test_nothing_is_freed_where_a_document_cannot_be_read(log: Log, collected: Collected, stored: Stored, home: Path) -> None:
    log({"a": "a"}, "gone").delete(delete_aliases=True)
    log({"b": "b"}, "kept")
    document = lading.Api().artifact("kept").logged_version("x").document
    path = next(path for path in (home / "store/manifests").rglob(document[2:]))
    path.unlink()
    before = stored()

    with pytest.raises(ManifestError, match=r"what me/p/kept:v0 needs is not known, so nothing was freed"):
        collected()

    assert stored() == before


def test_a_catalogue_that_is_older_than_its_store_frees_nothing(
    log: Log, collected: Collected, stored: Stored, home: Path
) -> None:
    log({"a": "a"})
    with closing(sqlite3.connect(home / "catalog.db")) as source, closing(sqlite3.connect(home / "backup.db")) as copy:
        source.backup(copy)
    log({"b": "b"})
    before = stored()
    with closing(sqlite3.connect(home / "backup.db")) as source, closing(sqlite3.connect(home / "catalog.db")) as copy:
        source.backup(copy)

    with pytest.raises(CommError, match=r"versions of which its store has receipts: versions/me/p/ds/v1.json"):
        collected()

    assert stored() == before


def test_two_do_not_collect_at_once_unless_one_is_dead(log: Log, keeper: Keeper, collected: Collected) -> None:
    log({"a": "a"})
    take = blocking(keeper.catalog.take_turn)

    take(f"{this_process()}-00000000", seconds=60)
    with pytest.raises(CatalogBusyError, match="another garbage collection is running"):
        collected()
    assert not blocking(finish_interrupted)(keeper)
    blocking(keeper.catalog.end_turn)(f"{this_process()}-00000000")

    here = this_process()
    take(f"{here.boot}.{here.namespace}.{2**22 - 1}.1-00000000", seconds=60)
    assert collected() == Freed()
    assert take("next", seconds=1) is None


def test_a_long_collection_keeps_its_turn_and_one_that_lost_it_stops(
    log: Log, keeper: Keeper, monkeypatch: pytest.MonkeyPatch, stored: Stored
) -> None:
    monkeypatch.setattr("lading.upkeep.garbage.TURN", 0.2)
    log({"a": "a"}).delete(delete_aliases=True)
    before = stored()

    async def sleep() -> None:
        await asyncio.sleep(0.04)

    holders = list[str | None]()

    async def steal() -> None:
        holders.append(await keeper.catalog.take_turn("other", seconds=60))
        await keeper.catalog.take_turn("other", seconds=60, instead_of=holders[-1])

    def kept() -> bool:
        """Whether it was, for longer than it lasts."""
        slow = Meanwhile(keeper.catalog, "entities", sleep)
        for _ in range(9):
            slow = Meanwhile(cast("Catalog", slow), "entities", sleep)
        catalog = Meanwhile(cast("Catalog", slow), "condemn", steal)

        with pytest.raises(LeaseLostError, match="another process has begun to collect garbage"):
            blocking(collect)(Keeper(cast("Catalog", catalog), keeper.store, keeper.persist), Manner(0.0, 0.0))
        blocking(keeper.catalog.end_turn)("other")
        return holders[-1] is not None

    assert any(kept() for _ in range(3))  # unless the machine stands still for as long
    assert stored() == before


def test_receipts_of_names_that_were_given_up_go_once_there_are_others(log: Log, collected: Collected, stored: Stored) -> None:
    log({"a": "a"})
    collection = lading.Api().artifact_collection("dataset", "ds")
    collection.name = "renamed"
    collection.save()

    collected()
    before = stored("versions/")
    log({"b": "b"}, "renamed")
    collected()

    assert before == ["versions/me/p/ds/v0.json"]
    assert stored("versions/") == ["versions/me/p/renamed/v0.json", "versions/me/p/renamed/v1.json"]
