"""Lineage: what a version was made from and what was made from it, as a graph of runs and versions."""

import functools
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from ..catalog import Edge, RunInfo, State, Version
from ..catalog import Lineage as Found
from .html import readable_size
from .runs import PublicRun
from .workspace import Workspace

if TYPE_CHECKING:
    from .artifact import Artifact
    from .drawing import Picture


class Node(Struct, frozen=True):
    """A run or a version: `key` is its own in the graph, `title` and `detail` are for people."""

    key: str
    kind: str  # run, artifact
    title: str
    detail: str


class Lineage:
    """The graph around `root`. In a notebook it draws itself; `to_svg`, `to_png` and `to_json` are for files."""

    def __init__(self, found: Found, workspace: Workspace) -> None:
        self._found, self._workspace = found, workspace

    @functools.cached_property
    def artifacts(self) -> "list[Artifact]":
        """The root, what it was made from, what was made from it; nearest first. Deleted ones are among them."""
        from .artifact import Artifact

        return [Artifact.of(version, self._workspace) for version in self._found.versions]

    @functools.cached_property
    def runs(self) -> list[PublicRun]:
        """The runs between them."""
        return [PublicRun(info, self._workspace) for info in self._found.runs]

    @property
    def root(self) -> "Artifact":
        return self.artifacts[0]

    @property
    def complete(self) -> bool:
        """False where there is more than the limit allowed."""
        return self._found.complete

    def __repr__(self) -> str:
        found, more = self._found, "" if self.complete else ", more left out"
        return f"<Lineage of {found.versions[0].place} ({len(found.versions)} artifacts, {len(found.runs)} runs{more})>"

    def _repr_html_(self) -> str:
        return self.to_svg()

    @property
    def nodes(self) -> list[Node]:
        """The versions, the root first, then the runs."""
        return [*map(_version_node, self._found.versions), *map(_run_node, self._found.runs)]

    @property
    def edges(self) -> list[tuple[str, str]]:
        """From key to key, as things went: from a version to the run that used it, from a run to the version that it logged."""
        return [_ends(edge) for edge in self._found.edges]

    def to_json(self) -> dict[str, Any]:
        """Nodes and edges as JSON values."""
        return {
            "root": self._found.root,
            "complete": self.complete,
            "nodes": [{"key": node.key, "kind": node.kind, "name": node.title, "detail": node.detail} for node in self.nodes],
            "edges": [{"from": start, "to": end} for start, end in self.edges],
        }

    def to_svg(self) -> str:
        """A drawing, from left to right as things went."""
        from .drawing import svg

        return svg(self._picture())

    def to_png(self, *, scale: float = 2.0) -> bytes:
        """The drawing as pixels, `scale` of them for one of the SVG. Raise `UsageError` if Pillow is not installed, or it would
        be too large."""
        from .pixels import png

        return png(self._picture(), scale)

    def _picture(self) -> "Picture":
        from .drawing import picture
        from .layout import lay_out

        nodes = self.nodes
        return picture(nodes, lay_out([node.key for node in nodes], self.edges), nodes[0].key)


def _version_node(version: Version) -> Node:
    gone = ", deleted" if version.state is State.DELETED else ""
    detail = f"{version.type}, {readable_size(version.size)}{gone}"
    return Node(_version_key(version.id), "artifact", str(version.place), detail)


def _run_node(run: RunInfo) -> Node:
    key = _run_key(run.entity, run.project, run.id)
    own = run.name if run.name not in (run.id, f"run-{run.id}") else ""  # the name that somebody gave it
    detail = ", ".join(filter(None, (run.job_type, own))) or run.name
    return Node(key, "run", key.removeprefix("run:"), f"{detail}, {run.state}")


def _ends(edge: Edge) -> tuple[str, str]:
    run, version = _run_key(edge.run.entity, edge.run.project, edge.run.id), _version_key(edge.version_id)
    return (version, run) if edge.kind == "used" else (run, version)


def _version_key(id: str) -> str:
    return f"artifact:{id}"


def _run_key(entity: str, project: str, id: str) -> str:
    return f"run:{entity}/{project}/{id}"
