"""What the catalogue promises: the one place that knows which names exist and what they mean."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from .upkept import Upkept
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


class Catalog(Upkept, Protocol):
    """Names and what they mean. Every change of names is one transaction: all of it is seen, or none.

    Names are validated by the caller (`manifest.names`). Unknown names raise `UnknownNameError`, whose text says which
    part is unknown. Calls may be made from any event loop of the process; one that is cancelled may still be carried out,
    as a whole. A lease is measured by the database's clock.
    """

    @property
    def url(self) -> str: ...
    async def id(self) -> str:
        """The id that marks the store this catalogue owns; made once, never changed."""
        ...

    async def store_id(self) -> str | None:
        """The id of the one store whose objects it knows; None before it has claimed one."""
        ...

    async def own_store(self, store_id: str) -> str:
        """Own this store, unless it owns one: the first stays for ever. The id of the one that it owns."""
        ...

    async def close(self) -> None: ...

    # -- logging: DESIGN 5 "Log", steps 1-3, 5 and 7 ------------------------------------------------------------
    async def latest(self, entity: str, project: str, collection: str) -> Version | None:
        """The version that a new one is compared with: `latest`, or without that alias the highest committed one."""
        ...

    async def relabel(self, version_id: str, labels: Labels, run: RunKey | None) -> Version:
        """Hang labels and the run's edge on an existing version: what a log does whose content is not new. An alias leaves the
        version of the collection that had it; `latest` moves here only if no version has it."""
        ...

    async def open_session(
        self, version_id: str, entity: str, project: str, collection: str, type: str, *, lease_seconds: float = 600
    ) -> WriteSession:
        """Make the names where they are missing (a collection is not seen before its first commit), and a PENDING version under a
        lease. Repeating it renews the lease. Raise `NameConflictError` where the collection has another type, or the id is used
        elsewhere; `LeaseLostError` where the id's lease ran out or was abandoned: begin again with a new id."""
        ...

    async def renew(self, session: WriteSession) -> None:
        """Start the lease anew. Raise `LeaseLostError` if it has run out."""
        ...

    async def ask(self, session: WriteSession, objects: Sequence[ObjectInfo]) -> frozenset[str]:
        """Which of these digests the session's entity stores; in the same transaction all of them are pinned to the lease, so
        that a gc that starts later keeps them. Condemned ones are revived. A digest that is asked for under two kinds is known if
        it is stored under both. Renews the lease. Raise `CatalogBusyError` where a gc is deleting one of them at this moment:
        ask again, and send then what is unknown."""
        ...

    async def stored(self, session: WriteSession, objects: Sequence[ObjectInfo]) -> None:
        """Record that these objects lie in the store, whole and flushed; they are pinned, too. Repeatable. Renews the lease.
        Raise `CatalogBusyError` for what was not asked for and a gc is deleting at this moment: ask, and send it again."""
        ...

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
        """One transaction: check that all pinned objects are stored, compare with `latest` again (by `tree_digest`), number the
        version (a number is never used twice), move `latest` and the aliases, add the run's edge, end the lease. Repeating it
        returns what it came to, also where the content was not new. Raise `LeaseLostError` if the lease has run out,
        `StoreError` naming a pinned object that is not stored, `PremiseError` where the premise does not hold any more."""
        ...

    async def outcome(self, session: WriteSession) -> Version | None:
        """The version that it came to, deleted or not; None while it may still come to one. Raise `LeaseLostError` if it ended
        without."""
        ...

    async def abandon(self, session: WriteSession) -> None:
        """End a lease without a version. Repeatable; a committed one stays, and a gathering that holds a part."""
        ...

    async def unreceipted(self, entity: str, project: str, collection: str) -> tuple[Version, ...]:
        """Committed versions whose receipt is not recorded as written, oldest first."""
        ...

    async def receipted(self, version_ids: Sequence[str]) -> None: ...

    async def large_objects(self, entity: str, *, least: int) -> Mapping[str, int]:
        """The file contents of `least` bytes and more that the entity stores or once stored: their keys and sizes; none where
        there is no such entity."""
        ...

    async def forget(self, entity_id: str, objects: Sequence[ObjectInfo]) -> None:
        """These objects turned out bad or gone: `ask` knows them no more, and the next log that needs them sends them again."""
        ...

    async def lost(self, entity_id: str) -> bool:
        """Whether the entity has objects that were forgotten and not stored again: then content that equals `latest` is no
        reason to send nothing."""
        ...

    # -- one version of several writers ---------------------------------------------------------------------------
    async def gather(
        self, version_id: str, entity: str, project: str, collection: str, type: str, name: str, *, lease_seconds: float
    ) -> WriteSession:
        """The version that is being made in this collection under `name`, its lease renewed; or a new one, `version_id`, where
        there is none or the last is committed. Raise `LeaseLostError` where the last one had parts and its lease ran out: it is
        given up, and the next call begins anew. Else as `open_session`."""
        ...

    async def give(self, gathering: WriteSession, session: WriteSession, part: Part) -> None:
        """Add what `session` stored to the gathering, and end that session: the gathering pins its objects now. Repeatable. Raise
        `LeaseLostError` if one of the two is over: a part that comes late is in no version, `StoreError` naming a pinned
        object that is not stored."""
        ...

    async def parts(self, gathering: WriteSession) -> tuple[Part, ...]:
        """What was given, in that order. The commit adds an edge for the run of each."""
        ...

    # -- names ------------------------------------------------------------------------------------------------
    async def version(self, entity: str, project: str, collection: str, alias: str) -> Version:
        """By `v<index>` or alias."""
        ...

    async def version_by_id(self, version_id: str) -> Version:
        """Committed or deleted, at its source."""
        ...

    async def versions(
        self, entity: str, project: str, collection: str, wanted: Wanted, *, limit: int, cursor: str | None = None
    ) -> Page[Version]:
        """Committed versions of one collection."""
        ...

    async def collection(self, entity: str, project: str, name: str) -> Collection: ...

    async def collections(
        self, entity: str, project: str, type: str | None, *, limit: int, cursor: str | None = None, order: str = "name"
    ) -> Page[Collection]:
        """By name; `order`: name, +name or -name."""
        ...

    async def types(self, entity: str, project: str) -> tuple[str, ...]: ...

    async def projects(self, entity: str | None = None) -> tuple[tuple[str, str], ...]:
        """(entity, project), sorted."""
        ...

    async def change_version(self, place: Place, change: Change, *, collection_id: str | None = None) -> Version:
        """With `collection_id` it is the version of this number in that collection, whatever that is called by now. Added aliases
        leave the version of the collection that had them; removed ones go only if this version has them. Added tags come last."""
        ...

    async def change_collection(self, entity: str, project: str, name: str, change: Change) -> Collection:
        """A new name makes all its receipts count as unwritten. Raise `NameConflictError` if that name is taken, or was once."""
        ...

    async def delete_version(self, place: Place, *, delete_aliases: bool, collection_id: str | None = None) -> None:
        """State DELETED; its number stays used. Raise `AliasesRemainError` if it has aliases (`latest` is one) and they may not
        be deleted with it. A removed `latest` is not given to another version. Of a link only the link goes. `collection_id` is
        as in `change_version`."""
        ...

    async def delete_versions(self, version_ids: Sequence[str], *, delete_aliases: bool) -> None:
        """All of them at their source, with their links, or none: as `delete_version`. Those that are deleted already are passed
        over."""
        ...

    async def delete_collection(self, entity: str, project: str, name: str) -> None:
        """With all its versions; a portfolio with its links. Who logs to that name later goes on with its numbers."""
        ...

    # -- links --------------------------------------------------------------------------------------------------
    async def link(self, version_id: str, entity: str, project: str, portfolio: str, aliases: Sequence[str] = ()) -> Version:
        """Show the version in a portfolio, which is made with its project where missing: numbered there, with `latest` and the
        aliases there. Where it is linked there already, the aliases are added. Raise `NameConflictError` where the name is a
        collection that versions are logged to or a portfolio of another type, or the registry does not take this type;
        `UnknownNameError` for a registry that there is not."""
        ...

    async def unlink(self, place: Place, *, collection_id: str | None = None) -> None:
        """Take a link away, with its aliases; its number stays used. Raise `InvalidValueError` for what is no link.
        `collection_id` is as in `change_version`."""
        ...

    async def links(self, version_id: str, *, limit: int = 500) -> tuple[Version, ...]:
        """The version as it is seen through each of its links, oldest first."""
        ...

    # -- registries ---------------------------------------------------------------------------------------------
    async def create_registry(self, registry: Registry) -> Registry:
        """Make its project, too. Raise `NameConflictError` if there is one."""
        ...

    async def registry(self, entity: str, project: str) -> Registry: ...

    async def registries(self, entity: str) -> tuple[Registry, ...]:
        """By name."""
        ...

    async def change_registry(self, registry: Registry) -> Registry:
        """Description, visibility and types become these. Raise `NameConflictError` if a type goes that it holds links of."""
        ...

    async def delete_registry(self, entity: str, project: str) -> None:
        """With all its links; the versions stay."""
        ...

    # -- runs and lineage ---------------------------------------------------------------------------------------
    async def start_run(self, run: RunInfo) -> RunInfo:
        """Make the run, or continue the one of that id: then its name, group and job type are kept where not given, its config is
        merged, and its state is `running` again. Make entity and project where missing."""
        ...

    async def end_run(self, run: RunKey, state: str, config: Json, summary: Json) -> None:
        """Config and summary are merged into what is there."""
        ...

    async def run(self, run: RunKey) -> RunInfo: ...

    async def runs(
        self, entity: str, project: str, *, limit: int, cursor: str | None = None, order: str = "-created_at"
    ) -> Page[RunInfo]:
        """Newest first, or oldest first with `+created_at`."""
        ...

    async def use(self, run: RunKey, version_id: str) -> None:
        """The run used the version. Repeatable."""
        ...

    async def used_versions(self, run: RunKey, *, limit: int, cursor: str | None = None) -> Page[Version]: ...

    async def logged_versions(self, run: RunKey, *, limit: int, cursor: str | None = None) -> Page[Version]: ...

    async def used_by(self, version_id: str) -> tuple[RunInfo, ...]: ...

    async def logged_by(self, version_id: str) -> RunInfo | None:
        """The run that made it (not those that logged the same content again)."""
        ...

    async def lineage(self, version_id: str, *, limit: int = 300) -> Lineage:
        """Upwards: the runs that logged it, the versions that these used, and so on; downwards likewise. Nearest first, up to
        `limit` versions and runs."""
        ...
