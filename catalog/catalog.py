"""What the catalogue promises: the one place that knows which names exist and what they mean."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Generic, Protocol, TypeVar

from msgspec import Struct, field

Json = Mapping[str, Any]
T = TypeVar("T")


class State(StrEnum):
    """Of a version. Only COMMITTED ones are seen by readers."""

    PENDING = "PENDING"
    COMMITTED = "COMMITTED"
    DELETED = "DELETED"


class Place(Struct, frozen=True):
    """Where a version is numbered: version `index` of a collection."""

    entity: str
    project: str
    collection: str
    index: int

    def __str__(self) -> str:
        return f"{self.entity}/{self.project}/{self.collection}:v{self.index}"


class Version(Struct, frozen=True):
    """One committed (or deleted) version as a reader sees it. Times are seconds since 1970, UTC."""

    id: str
    place: Place
    source: Place  # differs from `place` when this is seen through a link
    type: str
    state: State
    digest: str  # what people see: the artifact digest, or W&B's with digest_algorithm="MD5"
    tree_digest: str  # the artifact digest over tree digests: the identity of the content
    digest_algorithm: str  # BLAKE3, SHA256, MD5
    document: str  # digest of the index document under `manifests/`
    size: int
    file_count: int
    description: str | None
    metadata: Json
    aliases: tuple[str, ...]
    tags: tuple[str, ...]
    created_at: float
    updated_at: float
    entity_id: str  # part of the keys of the version's objects


class Collection(Struct, frozen=True):
    id: str
    entity: str
    project: str
    name: str
    type: str
    description: str | None
    tags: tuple[str, ...]
    aliases: tuple[str, ...]  # of all its versions
    version_count: int
    size: int  # bytes named by all its versions; equal files are counted each time
    created_at: float
    updated_at: float


class RunInfo(Struct, frozen=True):
    entity: str
    project: str
    id: str  # unique in the project
    name: str
    job_type: str | None
    group: str | None
    state: str  # running, finished, failed, crashed
    config: Json
    summary: Json
    created_at: float
    finished_at: float | None


class RunKey(Struct, frozen=True):
    entity: str
    project: str
    id: str


class ObjectInfo(Struct, frozen=True):
    """An object that the entity stores: identity and size in bytes. `kind` is "object" or "manifest" (index, page)."""

    algorithm: str
    digest: str
    size: int
    kind: str = "object"


class WriteSession(Struct, frozen=True):
    """A lease on making one version. `version_id`, chosen by the client, makes every step repeatable."""

    version_id: str
    entity_id: str
    entity: str
    project: str
    collection: str
    type: str
    lease_seconds: float


class Labels(Struct, frozen=True):
    """What a log hangs on a version beside its content. `aliases` are added (None: none), `latest` moves by itself."""

    aliases: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


class Content(Struct, frozen=True):
    """What a commit names: see `Version` for the fields."""

    digest: str
    tree_digest: str
    digest_algorithm: str
    document: str
    size: int
    file_count: int
    description: str | None = None
    metadata: Json = field(default_factory=dict[str, Any])


class Committed(Struct, frozen=True):
    """`created` is False where the content equals `latest`: then `version` is that one, and nothing new was numbered."""

    version: Version
    created: bool


class Change(Struct, frozen=True):
    """An edit of a version or collection; what is not given stays. A version's labels are edited one by one, so that those who
    edit it at the same time do not undo each other."""

    description: str | None = None
    clear_description: bool = False
    metadata: Json | None = None
    add_aliases: tuple[str, ...] = ()  # this and the next three: versions only
    remove_aliases: tuple[str, ...] = ()
    add_tags: tuple[str, ...] = ()
    remove_tags: tuple[str, ...] = ()
    tags: tuple[str, ...] | None = None  # this and the next two: collections only; replaced as a whole
    name: str | None = None
    type: str | None = None


class Page(Struct, Generic[T], frozen=True):
    """A slice of a long list. `cursor` continues it; None: this was the last. `total` counts the whole list."""

    items: tuple[T, ...]
    cursor: str | None
    total: int


class Wanted(Struct, frozen=True):
    """Which versions to list, in which order. `order`: version_index, +version_index or -version_index (default)."""

    tags: tuple[str, ...] = ()  # all of them
    type: str | None = None
    order: str = "-version_index"


class Catalog(Protocol):
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
        it is stored under both. Renews the lease."""
        ...

    async def stored(self, session: WriteSession, objects: Sequence[ObjectInfo]) -> None:
        """Record that these objects lie in the store, whole and flushed; they are pinned, too. Repeatable. Renews the lease.
        Raise `CatalogBusyError` where a gc is deleting one of them at this moment: ask again and send again."""
        ...

    async def commit(self, session: WriteSession, content: Content, labels: Labels, run: RunKey | None) -> Committed:
        """One transaction: check that all pinned objects are stored, compare with `latest` again (by `tree_digest`), number the
        version (a number is never used twice), move `latest` and the aliases, add the run's edge, end the lease. Repeating it
        returns what it came to, also where the content was not new. Raise `LeaseLostError` if the lease has run out,
        `StoreError` naming a pinned object that is not stored."""
        ...

    async def abandon(self, session: WriteSession) -> None:
        """End a lease without a version. Repeatable; a committed one stays."""
        ...

    async def unreceipted(self, entity: str, project: str, collection: str) -> tuple[Version, ...]:
        """Committed versions whose receipt is not recorded as written, oldest first."""
        ...

    async def receipted(self, version_ids: Sequence[str]) -> None: ...

    async def forget(self, entity_id: str, objects: Sequence[ObjectInfo]) -> None:
        """These objects turned out bad or gone: `ask` knows them no more, and the next log that needs them sends them again."""
        ...

    async def lost(self, entity_id: str) -> bool:
        """Whether the entity has objects that were forgotten and not stored again: then content that equals `latest` is no
        reason to send nothing."""
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
        self, entity: str, project: str, type: str | None, *, limit: int, cursor: str | None = None
    ) -> Page[Collection]:
        """By name."""
        ...

    async def types(self, entity: str, project: str) -> tuple[str, ...]: ...

    async def projects(self, entity: str | None = None) -> tuple[tuple[str, str], ...]:
        """(entity, project), sorted."""
        ...

    async def change_version(self, place: Place, change: Change, *, version_id: str | None = None) -> Version:
        """With `version_id` it is that version, also if its collection has another name by now and that of `place` is another's.
        Added aliases leave the version of the collection that had them; removed ones go only if this version has them. Added
        tags come last."""
        ...

    async def change_collection(self, entity: str, project: str, name: str, change: Change) -> Collection:
        """A new name makes all its receipts count as unwritten. Raise `NameConflictError` if that name is taken, or was once."""
        ...

    async def delete_version(self, place: Place, *, delete_aliases: bool, version_id: str | None = None) -> None:
        """State DELETED; its number stays used. Raise `AliasesRemainError` if it has aliases (`latest` is one) and they may not
        be deleted with it. A removed `latest` is not given to another version. `version_id` is as in `change_version`."""
        ...

    async def delete_collection(self, entity: str, project: str, name: str) -> None:
        """With all its versions. Who logs to that name later goes on with its numbers."""
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

    async def runs(self, entity: str, project: str, *, limit: int, cursor: str | None = None) -> Page[RunInfo]:
        """Newest first."""
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
