"""A catalogue in a SQL database: which transaction each call is."""

from collections.abc import Callable, Mapping, Sequence
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from sqlalchemy import Connection, select

from ..errors import LeaseLostError
from . import changes, collection, gatherings, leases, lineage, links, registries, runs, versions
from .commits import commit, outcome
from .dialect import insert_missing
from .labels import relabel
from .objects import ask, forget, large_objects, lost, stored
from .sql_upkept import SqlUpkept
from .tables import meta
from .values import (
    INHERIT,
    Change,
    Collection,
    Committed,
    Content,
    Json,
    Labels,
    Lineage,
    ObjectInfo,
    Page,
    Part,
    Place,
    Premise,
    Registry,
    RunInfo,
    RunKey,
    Version,
    Wanted,
    WriteSession,
)

P = ParamSpec("P")
R = TypeVar("R")


class Database(Protocol):
    """Runs a plain function over a connection as one transaction: committed if it returns, undone if it raises. A call given up
    may still be carried out, as a whole. Raise ours for the database's errors (`CatalogBusyError`, `LocalFileError` …)."""

    @property
    def url(self) -> str: ...
    async def read(self, body: Callable[Concatenate[Connection, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """All statements see one state of the database; `body` changes nothing."""
        ...

    async def write(self, body: Callable[Concatenate[Connection, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """What `body` changed survives a power cut once this returns."""
        ...

    async def close(self) -> None: ...


class SqlCatalog(SqlUpkept):
    """The `Catalog` over any SQL database."""

    def __repr__(self) -> str:
        return f"<SqlCatalog {self.url}>"

    @property
    def url(self) -> str:
        return self._database.url

    async def id(self) -> str:
        found = await self._read(_fact, "catalog_id")
        assert found is not None  # made with the tables
        return found

    async def store_id(self) -> str | None:
        return await self._read(_fact, "store")

    async def own_store(self, store_id: str) -> str:
        return await self._write(_own_store, store_id)

    async def close(self) -> None:
        await self._database.close()

    # -- logging ----------------------------------------------------------------------------------------------
    async def latest(self, entity: str, project: str, collection: str) -> Version | None:
        return await self._read(versions.latest, entity, project, collection)

    async def relabel(self, version_id: str, labels: Labels, run: RunKey | None) -> Version:
        return await self._write(relabel, version_id, labels, run)

    async def open_session(
        self, version_id: str, entity: str, project: str, collection: str, type: str, *, lease_seconds: float = 600
    ) -> WriteSession:
        return await self._write(leases.open_session, version_id, entity, project, collection, type, lease_seconds)

    async def renew(self, session: WriteSession) -> None:
        await self._write(leases.renew, session)

    async def ask(self, session: WriteSession, objects: Sequence[ObjectInfo]) -> frozenset[str]:
        return await self._write(ask, session, objects)

    async def stored(self, session: WriteSession, objects: Sequence[ObjectInfo]) -> None:
        await self._write(stored, session, objects)

    async def commit(
        self,
        session: WriteSession,
        content: Content,
        labels: Labels,
        run: RunKey | None,
        *,
        premise: Premise = Premise(),  # noqa: B008  # frozen
        ttl: int = INHERIT,
    ) -> Committed:
        return await self._write(commit, session, content, labels, run, premise, ttl)

    async def outcome(self, session: WriteSession) -> Version | None:
        return await self._read(outcome, session)

    async def abandon(self, session: WriteSession) -> None:
        await self._write(leases.abandon, session)

    async def unreceipted(self, entity: str, project: str, collection: str) -> tuple[Version, ...]:
        return await self._read(versions.unreceipted, entity, project, collection)

    async def receipted(self, version_ids: Sequence[str]) -> None:
        await self._write(versions.receipted, version_ids)

    async def large_objects(self, entity: str, *, least: int) -> Mapping[str, int]:
        return await self._read(large_objects, entity, least)

    async def forget(self, entity_id: str, objects: Sequence[ObjectInfo]) -> None:
        await self._write(forget, entity_id, objects)

    async def lost(self, entity_id: str) -> bool:
        return await self._read(lost, entity_id)

    # -- one version of several writers -----------------------------------------------------------------------
    async def gather(
        self, version_id: str, entity: str, project: str, collection: str, type: str, name: str, *, lease_seconds: float
    ) -> WriteSession:
        names = (entity, project, collection)
        found = await self._write(gatherings.gather, version_id, names, type, name, lease_seconds)
        if found is None:
            raise LeaseLostError(
                f"nobody finished '{name}' of {entity}/{project}/{collection} in time: its parts were given up",
                hint="every writer must upsert its part again",
            )
        return found

    async def give(self, gathering: WriteSession, session: WriteSession, part: Part) -> None:
        await self._write(gatherings.give_part, gathering, session, part)

    async def parts(self, gathering: WriteSession) -> tuple[Part, ...]:
        return await self._read(gatherings.given_parts, gathering)

    # -- names ------------------------------------------------------------------------------------------------
    async def version(self, entity: str, project: str, collection: str, alias: str) -> Version:
        return await self._read(versions.version, entity, project, collection, alias)

    async def version_by_id(self, version_id: str) -> Version:
        return await self._read(versions.version_by_id, version_id)

    async def versions(
        self, entity: str, project: str, collection: str, wanted: Wanted, *, limit: int, cursor: str | None = None
    ) -> Page[Version]:
        return await self._read(versions.listed, entity, project, collection, wanted, limit, cursor)

    async def collection(self, entity: str, project: str, name: str) -> Collection:
        return await self._read(collection.collection, entity, project, name)

    async def collections(
        self, entity: str, project: str, type: str | None, *, limit: int, cursor: str | None = None, order: str = "name"
    ) -> Page[Collection]:
        return await self._read(collection.listed, entity, project, type, limit, cursor, order)

    async def types(self, entity: str, project: str) -> tuple[str, ...]:
        return await self._read(collection.types, entity, project)

    async def projects(self, entity: str | None = None) -> tuple[tuple[str, str], ...]:
        return await self._read(collection.all_projects, entity)

    async def change_version(self, place: Place, change: Change, *, collection_id: str | None = None) -> Version:
        return await self._write(changes.change_version, place, change, collection_id)

    async def change_collection(self, entity: str, project: str, name: str, change: Change) -> Collection:
        return await self._write(changes.change_collection, entity, project, name, change)

    async def delete_version(self, place: Place, *, delete_aliases: bool, collection_id: str | None = None) -> None:
        await self._write(changes.delete_version, place, collection_id, delete_aliases=delete_aliases)

    async def delete_versions(self, version_ids: Sequence[str], *, delete_aliases: bool) -> None:
        await self._write(changes.delete_versions, version_ids, delete_aliases=delete_aliases)

    async def delete_collection(self, entity: str, project: str, name: str) -> None:
        await self._write(changes.delete_collection, entity, project, name)

    # -- links and registries ---------------------------------------------------------------------------------
    async def link(self, version_id: str, entity: str, project: str, portfolio: str, aliases: Sequence[str] = ()) -> Version:
        return await self._write(links.link, version_id, entity, project, portfolio, aliases)

    async def unlink(self, place: Place, *, collection_id: str | None = None) -> None:
        await self._write(links.unlink, place, collection_id)

    async def links(self, version_id: str, *, limit: int = 500) -> tuple[Version, ...]:
        return await self._read(links.links, version_id, limit)

    async def create_registry(self, registry: Registry) -> Registry:
        return await self._write(registries.create_registry, registry)

    async def registry(self, entity: str, project: str) -> Registry:
        return await self._read(registries.find_registry, entity, project)

    async def registries(self, entity: str) -> tuple[Registry, ...]:
        return await self._read(registries.all_registries, entity)

    async def change_registry(self, registry: Registry) -> Registry:
        return await self._write(registries.change_registry, registry)

    async def delete_registry(self, entity: str, project: str) -> None:
        await self._write(registries.delete_registry, entity, project)

    # -- runs and lineage -------------------------------------------------------------------------------------
    async def start_run(self, run: RunInfo) -> RunInfo:
        return await self._write(runs.start, run)

    async def end_run(self, run: RunKey, state: str, config: Json, summary: Json) -> None:
        await self._write(runs.end, run, state, config, summary)

    async def run(self, run: RunKey) -> RunInfo:
        return await self._read(runs.find, run)

    async def runs(
        self, entity: str, project: str, *, limit: int, cursor: str | None = None, order: str = "-created_at"
    ) -> Page[RunInfo]:
        return await self._read(runs.listed, entity, project, limit, cursor, order)

    async def use(self, run: RunKey, version_id: str) -> None:
        await self._write(runs.use, run, version_id)

    async def used_versions(self, run: RunKey, *, limit: int, cursor: str | None = None) -> Page[Version]:
        return await self._read(runs.versions_of, run, "used", limit, cursor)

    async def logged_versions(self, run: RunKey, *, limit: int, cursor: str | None = None) -> Page[Version]:
        return await self._read(runs.versions_of, run, "logged", limit, cursor)

    async def used_by(self, version_id: str) -> tuple[RunInfo, ...]:
        return await self._read(runs.used_by, version_id)

    async def logged_by(self, version_id: str) -> RunInfo | None:
        return await self._read(runs.logged_by, version_id)

    async def lineage(self, version_id: str, *, limit: int = 300) -> Lineage:
        return await self._read(lineage.lineage, version_id, limit)


def _fact(connection: Connection, key: str) -> str | None:
    found: str | None = connection.scalar(select(meta.c.value).where(meta.c.key == key))
    return found


def _own_store(connection: Connection, store_id: str) -> str:
    connection.execute(insert_missing(connection, meta), {"key": "store", "value": store_id})
    return _fact(connection, "store") or store_id
