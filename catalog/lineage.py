"""Lineage: what a version was made from and what was made from it, walked over runs."""

from collections.abc import Sequence

from sqlalchemy import Connection, select

from .runs import info_of, infos
from .tables import edges, runs
from .values import Edge, Lineage, RunInfo, RunKey
from .versions import Seen, chunks, load, version_by_id


def lineage(connection: Connection, version_id: str, limit: int) -> Lineage:
    version_by_id(connection, version_id)
    walk = _Walk(connection, version_id, limit)
    walk.go("logged", "used")
    walk.go("used", "logged")
    infos_by_row = _runs(connection, list(walk.runs))
    return Lineage(
        root=version_id,
        versions=load(connection, [Seen(each) for each in walk.versions]),
        runs=tuple(infos_by_row[each] for each in walk.runs),
        edges=tuple(Edge(_key(infos_by_row[run]), kind, version) for run, kind, version in walk.edges),
        complete=walk.complete,
    )


class _Walk:
    """Versions, runs (by row id) and edges found so far, each once, in the order in which they were found."""

    def __init__(self, connection: Connection, root: str, limit: int) -> None:
        self._connection, self._root, self._limit = connection, root, limit
        self.versions = {root: None}
        self.runs: dict[str, None] = {}
        self.edges: dict[tuple[str, str, str], None] = {}
        self.complete = True

    def go(self, to_runs: str, to_versions: str) -> None:
        """From the root by edges of one kind to runs, from these by edges of the other to versions, and on."""
        seen_versions, seen_runs, frontier = {self._root}, set[str](), [self._root]
        while frontier:
            found = self._follow(frontier, to_runs, from_versions=True)
            new_runs = [each for each in found if each not in seen_runs]
            seen_runs.update(new_runs)
            found = self._follow(new_runs, to_versions, from_versions=False)
            frontier = [each for each in found if each not in seen_versions]
            seen_versions.update(frontier)

    def _follow(self, ids: Sequence[str], kind: str, *, from_versions: bool) -> list[str]:
        """The runs or versions at the other ends; edges to those that are too many are left out."""
        near, far = (edges.c.version_id, edges.c.run_id) if from_versions else (edges.c.run_id, edges.c.version_id)
        known = self.runs if from_versions else self.versions
        found: dict[str, None] = {}
        for some in chunks(ids):
            query = select(edges.c.run_id, edges.c.version_id).where(near.in_(some), edges.c.kind == kind)
            rows = self._connection.execute(query.order_by(edges.c.made_at, far).limit(self._limit + 1)).all()
            self.complete = self.complete and len(rows) <= self._limit
            for row in rows:
                end = row.run_id if from_versions else row.version_id
                if end not in known and len(self.runs) + len(self.versions) >= self._limit:
                    self.complete = False
                    continue
                known[end] = found[end] = None
                self.edges[row.run_id, kind, row.version_id] = None
        return list(found)


def _runs(connection: Connection, ids: Sequence[str]) -> dict[str, RunInfo]:
    found: dict[str, RunInfo] = {}
    for some in chunks(ids):
        found |= {row.id: info_of(row) for row in connection.execute(infos().where(runs.c.id.in_(some)))}
    return found


def _key(run: RunInfo) -> RunKey:
    return RunKey(run.entity, run.project, run.id)
