"""The same statements can be said to PostgreSQL, though nothing runs them there yet."""

from collections.abc import Iterator
from typing import cast

import pytest
from sqlalchemy import ClauseElement, Connection, Engine, create_mock_engine, event, select
from sqlalchemy.dialects.sqlite import Insert

from lading.catalog import Catalog, Labels, Part, Premise, Registry, schema
from lading.catalog.dialect import ascii_text, clock, insert_missing, insert_or_set
from lading.catalog.tables import aliases
from lading.testing.catalog_contract import RUN, V0, begin, content, log, some_object, start


def said(statement: ClauseElement) -> str:
    return " ".join(str(statement.compile(dialect=create_mock_engine("postgresql://", print).dialect)).split())


def postgresql(executed: list[str]) -> Connection:
    def note(statement: ClauseElement, *_: object) -> None:
        executed.append(said(statement))

    return cast(Connection, create_mock_engine("postgresql://", note))


@pytest.fixture
def statements() -> Iterator[list[ClauseElement]]:
    seen: list[ClauseElement] = []

    def keep(connection: object, statement: object, *_: object) -> None:
        if isinstance(statement, ClauseElement) and not isinstance(statement, Insert):
            seen.append(statement)

    event.listen(Engine, "before_execute", keep)
    yield seen
    event.remove(Engine, "before_execute", keep)


async def test_reads_and_updates_compile(catalog: Catalog, statements: list[ClauseElement]) -> None:
    run = await start(catalog)
    session = await catalog.open_session("id", "e", "p", "c", "dataset")
    await catalog.ask(session, [some_object("a")])
    await catalog.stored(session, [some_object("a")])
    await log(catalog, "one", run=RUN)
    await catalog.use(run, "c one")
    await catalog.used_versions(run, limit=2)
    registry = await catalog.create_registry(Registry("e", "wandb-registry-r", None, "organization", ("dataset",)))
    await catalog.change_registry(registry)
    link = await catalog.link("c one", "e", registry.project, "good", ("x",))
    await catalog.links("c one")
    await catalog.lineage("c one")
    await catalog.unlink(link.place, collection_id=link.collection_id)
    gathering = await catalog.gather("several", "e", "p", "c", "dataset", "name", lease_seconds=60)
    await catalog.give(gathering, await begin(catalog, "writer"), Part("part", "BLAKE3", "document", run))
    await catalog.parts(gathering)
    await catalog.outcome(gathering)
    await catalog.commit(gathering, content("all"), Labels(), run, premise=Premise(latest="c one", parts=("part",)))
    await catalog.delete_versions(["several"], delete_aliases=True)
    await catalog.delete_version(V0, delete_aliases=True)

    texts = [said(statement) for statement in statements]

    assert any("FOR UPDATE OF collections" in text for text in texts)
    assert any("FOR UPDATE OF gatherings" in text for text in texts)
    assert any("clock_timestamp()" in text for text in texts)


def test_inserts_compile() -> None:
    connection = postgresql([])

    missing = said(insert_missing(connection, aliases))
    moved = said(insert_or_set(connection, aliases, ["version_index"]))

    assert missing.endswith("ON CONFLICT DO NOTHING")
    assert "ON CONFLICT (collection_id, alias) DO UPDATE SET version_index = excluded.version_index" in moved
    assert moved.endswith("WHERE aliases.version_index IS DISTINCT FROM excluded.version_index")


def test_the_tables_are_made_with_their_partial_indexes() -> None:
    executed: list[str] = []

    schema.create(postgresql(executed))

    partial = [text for text in executed if text.startswith("CREATE INDEX") and " WHERE " in text]
    assert len(partial) == 3
    assert any("receipted = false" in text for text in partial)


def test_the_clock_and_text_of_bytes() -> None:
    assert "EXTRACT(EPOCH FROM clock_timestamp())" in said(select(clock()))
    assert said(select(ascii_text(aliases.c.alias))).startswith("SELECT convert_from(aliases.alias, 'SQL_ASCII')")
