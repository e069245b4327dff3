"""Values of the catalogue: versions, collections, runs, and what is asked of them."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Generic, TypeVar

from msgspec import Struct, field

Json = Mapping[str, Any]
T = TypeVar("T")


INHERIT = -1  # a version's time to live: as its collection says
DISABLED = -2  # … it never expires


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
    collection_id: str  # of `place`: a name may pass to another collection
    ttl: int = INHERIT  # seconds from `created_at`, or INHERIT, DISABLED
    inherited_ttl: int | None = None  # seconds; what INHERIT means: that of its home collection
    linked_at: float | None = None  # where it is seen through a link

    @property
    def is_link(self) -> bool:
        return self.place != self.source

    @property
    def expires_at(self) -> float | None:
        """When it may be deleted; None: never."""
        seconds = self.inherited_ttl if self.ttl == INHERIT else self.ttl
        return None if seconds is None or seconds == DISABLED else self.created_at + seconds


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
    portfolio: bool = False  # it collects links; nothing is logged to it
    ttl: int | None = None  # seconds; what its versions inherit


class Registry(Struct, frozen=True):
    """A project that only collects links. `types`: of which types; None: of all."""

    entity: str
    project: str
    description: str | None
    visibility: str
    types: tuple[str, ...] | None
    created_at: float = 0.0
    updated_at: float = 0.0


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


class Part(Struct, frozen=True):
    """What one writer gives to a version that several make: a document of its own. `id` is chosen by the writer."""

    id: str
    digest_algorithm: str
    document: str
    run: RunKey | None
    aliases: tuple[str, ...] = ()  # for the version


class Premise(Struct, frozen=True):
    """What a commit's content was made from; what is None does not matter."""

    latest: str | None = None  # the id of the version that is compared with; "": there was none
    parts: tuple[str, ...] | None = None  # ids, sorted


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
    ttl: int | None = None  # of a version seconds, INHERIT or DISABLED; of a collection seconds or DISABLED


class Edge(Struct, frozen=True):
    """The run "logged" or "used" the version."""

    run: RunKey
    kind: str
    version_id: str


class Lineage(Struct, frozen=True):
    """The version `root`, all that it was made from and all that was made from it. Versions at their source, deleted ones among
    them. `complete` is False where the walk ended at its limit."""

    root: str
    versions: tuple[Version, ...]
    runs: tuple[RunInfo, ...]
    edges: tuple[Edge, ...]
    complete: bool


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
