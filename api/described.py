"""Described: what an artifact is called, holds and weighs, before and after it is logged."""

import warnings
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Self

from ..catalog import INHERIT, State, Version
from ..errors import ArtifactNotLoggedError, InvalidValueError
from ..manifest.digest import Label
from ..manifest.entry import Entry
from ..manifest.manifest import Manifest
from ..manifest.names import alias_list, metadata, tag_list
from .draft import Draft, Source
from .logged import iso, logged, require
from .pending import Waiting
from .ttl import TTL, shown_ttl, ttl_seconds
from .workspace import Workspace


class Described:
    """The attributes of an artifact. A draft has no version yet."""

    QUERY = "SELECT * FROM versions JOIN places ON places.version_id = versions.id WHERE versions.id = :id"
    """The query that loads one by its id."""

    def __init__(self, name: str, type: str, draft: Draft) -> None:
        self._name, self._type, self._draft = name, type, draft
        self._version: Version | None = None
        self._workspace: Workspace | None = None
        self._manifest: Manifest | None = None
        self._pending: Waiting | None = None
        self.description: str | None = None
        self._use_as: str | None = None
        self._metadata: dict[str, Any] = {}
        self._aliases: list[str] = []
        self._tags: list[str] = []
        self._ttl = INHERIT
        self.distributed_id: str | None = None
        """The name under which several writers make one version: see `Run.upsert_artifact`."""

    @classmethod
    def of(cls, version: Version, workspace: Workspace) -> Self:
        """The artifact of a version in the catalogue."""
        artifact = cls.__new__(cls)
        draft = Draft(version.place.collection, Label(version.digest_algorithm))
        Described.__init__(artifact, version.place.collection, version.type, draft)
        artifact.adopt(version, workspace)
        return artifact

    def adopt(self, version: Version, workspace: Workspace) -> None:
        """Become the committed `version`."""
        self._version, self._workspace = version, workspace
        self._draft.finalized = True
        if self._manifest is None and self._draft.sources and self._draft.manifest.digest_algorithm == version.digest_algorithm:
            self._manifest = self._draft.manifest
        self._draft.release()
        self.description = version.description
        self._metadata = metadata(version.metadata)
        self._aliases, self._tags = list(version.aliases), list(version.tags)
        self._ttl = version.ttl

    @property
    def id(self) -> str | None:
        """None for a draft."""
        return self._version.id if self._version else None

    entity = logged(lambda version: version.place.entity, "The person or team it belongs to.")
    project = logged(lambda version: version.place.project, "The project it belongs to.")
    version = logged(lambda version: f"v{version.place.index}", "The version in this collection, as in `v3`.")
    source_entity = logged(lambda version: version.source.entity, "The entity it was logged to.")
    source_project = logged(lambda version: version.source.project, "The project it was logged to.")
    source_version = logged(lambda version: f"v{version.source.index}", "The version in its home collection.")
    file_count = logged(lambda version: version.file_count, "How many entries it has.")
    commit_hash = logged(lambda version: version.document, "The digest of its manifest document.")
    created_at = logged(lambda version: iso(version.created_at), "When it was committed.")
    updated_at = logged(lambda version: iso(version.updated_at or version.created_at), "When it was last changed.")
    url = logged(lambda version: f"lading://{version.place}", "Where it is, as a URI.")
    linked_at = logged(lambda version: _iso(version.linked_at), "When the link was made, if it is one.")
    expires_at = logged(lambda version: _iso(version.expires_at), "When it may be deleted (see `ttl`); None: never.")
    history_step = logged(lambda version: None, "lading tracks artifacts, not steps: None.")

    def logged_version(self, attribute: str) -> Version:
        """The catalogue's version. Raise `ArtifactNotLoggedError` naming `attribute` before it is logged."""
        return require(self._version, attribute)

    @property
    def name(self) -> str:
        """The collection's name while a draft, `name:vN` once logged."""
        return self._name if self._version is None else f"{self._version.place.collection}:v{self._version.place.index}"

    @property
    def source_name(self) -> str:
        return self._name if self._version is None else f"{self._version.source.collection}:v{self._version.source.index}"

    @property
    def qualified_name(self) -> str:
        return str(self.logged_version("qualified_name").place)

    @property
    def source_qualified_name(self) -> str:
        return str(self.logged_version("source_qualified_name").source)

    @property
    def is_link(self) -> bool:
        """Whether this is the version as a portfolio shows it: its name, version and aliases are the portfolio's."""
        return self._version is not None and self._version.is_link

    @property
    def ttl(self) -> timedelta | None:
        """How long it is kept after its commit; None: for ever. Set a timedelta, None, or `ArtifactTTL.INHERIT` (default), then
        `save()`. Raise `ArtifactNotLoggedError` where it is inherited and not known yet, ValueError for a time that is not
        positive, and for a link."""
        if self._ttl != INHERIT:
            return shown_ttl(self._ttl)
        version = self.logged_version("ttl")
        if version.ttl != INHERIT:  # edited, not saved
            raise ArtifactNotLoggedError("ttl")
        return shown_ttl(version.inherited_ttl)

    @ttl.setter
    def ttl(self, value: TTL) -> None:
        if self.is_link:
            raise InvalidValueError("Cannot set TTL for link artifact.", hint="set it on artifact.source_artifact")
        self._ttl = ttl_seconds(value)

    @property
    def ttl_seconds(self) -> int:
        """As the catalogue keeps it: seconds, or INHERIT, DISABLED."""
        return self._ttl

    @property
    def type(self) -> str:
        return self._type

    @property
    def state(self) -> str:
        """PENDING while a draft, then COMMITTED, then DELETED."""
        return (self._version.state if self._version else State.PENDING).value

    @property
    def digest(self) -> str:
        """The checksum of the contents. Logging a draft whose digest is that of `latest` makes no new version."""
        return self._version.digest if self._version else self._draft.manifest.digest()

    @property
    def digest_algorithm(self) -> str:
        return self._version.digest_algorithm if self._version else self._draft.manifest.digest_algorithm.value

    @property
    def size(self) -> int:
        """Bytes of all entries, references included."""
        return self._version.size if self._version else self._draft.manifest.size()

    @property
    def incremental(self) -> bool:
        """Whether logging this draft adds its entries to those of `latest`."""
        return self._draft.incremental

    @property
    def use_as(self) -> str | None:
        """Deprecated: what the constructor was given. It does nothing."""
        warnings.warn("Artifact.use_as is deprecated and does nothing", DeprecationWarning, stacklevel=2)
        return self._use_as

    @property
    def metadata(self) -> dict[str, Any]:
        """May be edited in place; `save()` sends the change of a logged artifact."""
        return self._metadata

    @metadata.setter
    def metadata(self, value: Mapping[str, Any] | str | None) -> None:
        self._metadata = metadata(value)

    @property
    def aliases(self) -> list[str]:
        """May be edited in place; `save()` sends the change."""
        self.logged_version("aliases")
        return self._aliases

    @aliases.setter
    def aliases(self, value: Sequence[str]) -> None:
        self.logged_version("aliases")
        self._aliases = list(alias_list(value))

    @property
    def tags(self) -> list[str]:
        """May be edited in place; `save()` sends the change."""
        self.logged_version("tags")
        return self._tags

    @tags.setter
    def tags(self, value: Sequence[str]) -> None:
        self.logged_version("tags")
        self._tags = list(tag_list(value))

    def is_draft(self) -> bool:
        return self._version is None

    def __repr__(self) -> str:
        if self._version is None:
            return f"<Artifact {self._name} ({self._type}, draft, {len(self._draft.manifest)} files, {self.size} bytes)>"
        return f"<Artifact {self.qualified_name} ({self._type}, {self.file_count} files, {self.size} bytes)>"

    def _repr_html_(self) -> str:
        from .html import artifact_html

        return artifact_html(self)

    def checked_metadata(self) -> dict[str, Any]:
        """The metadata as edited in place, checked again."""
        return metadata(self._metadata)

    def source_of(self, path: str) -> Source | None:
        """The local file behind an entry of a draft; None once it is logged."""
        return self._draft.sources.get(path)

    def known_entry(self, path: str) -> Entry | None:
        """The entry under a path, as far as it is known without a request."""
        manifest = self._manifest if self._version else self._draft.manifest
        return manifest.get_entry_by_path(path) if manifest is not None else None

    def draft_of(self, draft: Draft) -> bool:
        """Whether this is the artifact of that draft."""
        return self._draft is draft

    def known_entries(self) -> list[tuple[str, Entry]]:
        """The entries, sorted, as far as they are known without a request."""
        manifest = self._manifest if self._version else self._draft.manifest
        return sorted(manifest.entries.items()) if manifest is not None else []


def _iso(seconds: float | None) -> str | None:
    return None if seconds is None else iso(seconds)
