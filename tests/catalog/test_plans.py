"""No call reads a whole table that grows with use."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event

from lading.catalog import Catalog, Change, Labels, Part, Premise, Registry, RunKey, Wanted
from lading.testing.catalog_contract import RUN, V0, begin, content, log, some_object, start

_GROWING = (
    "collections",
    "versions",
    "places",
    "aliases",
    "edges",
    "objects",
    "pins",
    "runs",
    "version_tags",
    "projects",
    "parts",
    "gatherings",
    "registries",
)


@pytest.fixture
def statements() -> Iterator[dict[str, Any]]:
    seen: dict[str, Any] = {}

    def note(connection: object, cursor: object, statement: str, parameters: Any, context: object, many: bool) -> None:
        seen[statement] = parameters[0] if many else parameters

    event.listen(Engine, "before_cursor_execute", note)
    yield seen
    event.remove(Engine, "before_cursor_execute", note)


async def everything(catalog: Catalog, run: RunKey) -> None:
    session = await catalog.open_session("id", "e", "p", "c", "dataset")
    await catalog.renew(session)
    await catalog.ask(session, [some_object("a")])
    await catalog.stored(session, [some_object("a")])
    await catalog.commit(session, content("one"), Labels(("best",), ("t",)), run)
    await catalog.commit(await begin(catalog, "same"), content("one"), Labels(), run)
    await catalog.abandon(await begin(catalog, "given up"))
    await catalog.forget(session.entity_id, [some_object("a")])
    await catalog.large_objects("e", least=1)
    await catalog.relabel("id", Labels(("x",), ("u",)), run)
    await catalog.latest("e", "p", "c")
    await catalog.version("e", "p", "c", "best")
    await catalog.version("e", "p", "c", "v0")
    await catalog.unreceipted("e", "p", "c")
    await catalog.receipted(["id"])
    await catalog.versions("e", "p", "c", Wanted(tags=("t",)), limit=2, cursor="[5]")
    await catalog.collections("e", "p", "dataset", limit=2, cursor='["a"]')
    await catalog.use(run, "id")
    await catalog.used_versions(run, limit=2, cursor='[1.5,"a"]')
    await catalog.runs("e", "p", limit=2, cursor='[1.5,"a"]')
    await catalog.runs("e", "p", limit=2, cursor='[1.5,"a"]', order="+created_at")
    await catalog.used_by("id")
    await catalog.logged_by("id")
    await catalog.change_version(V0, Change(add_aliases=("best",), remove_aliases=("x",), add_tags=("v",), remove_tags=("u",)))
    gathering = await catalog.gather("several", "e", "p", "c", "dataset", "name", lease_seconds=60)
    await catalog.give(gathering, await begin(catalog, "writer"), Part("part", "BLAKE3", "document", run))
    await catalog.parts(gathering)
    await catalog.commit(gathering, content("all"), Labels(), run, premise=Premise(latest="id", parts=("part",)))
    registry = await catalog.create_registry(Registry("e", "wandb-registry-r", None, "organization", ("dataset",)))
    await catalog.change_registry(registry)
    await catalog.registries("e")
    link = await catalog.link("id", "e", "wandb-registry-r", "good", ("x",))
    await catalog.links("id")
    await catalog.lineage("id")
    await catalog.unlink(link.place, collection_id=link.collection_id)
    await catalog.delete_registry("e", "wandb-registry-r")
    await catalog.delete_versions(["several"], delete_aliases=True)
    await catalog.change_collection("e", "p", "c", Change(name="d", tags=("v",)))
    await catalog.change_version(V0, Change(description="x"), collection_id=(await catalog.version_by_id("id")).collection_id)
    await log(catalog, "two", collection="d")
    await catalog.delete_version((await catalog.version("e", "p", "d", "v2")).place, delete_aliases=True)
    await catalog.delete_collection("e", "p", "d")
    await catalog.end_run(run, "finished", {}, {})


async def test_every_statement_finds_its_rows_by_an_index(catalog: Catalog, file: Path, statements: dict[str, Any]) -> None:
    await everything(catalog, await start(catalog, RUN.id))

    scans: list[str] = []
    with closing(sqlite3.connect(file)) as connection:
        for statement, parameters in statements.items():
            if not statement.startswith(("BEGIN", "PRAGMA")):
                plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)]
                scans += [f"{line}: {statement}" for line in plan if re.match(rf"SCAN ({'|'.join(_GROWING)})\b", line)]
    assert scans == []
    assert len(statements) > 50
