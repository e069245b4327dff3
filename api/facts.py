"""Facts: by what lists of runs, collections, registries and versions can be chosen and ordered."""

from typing import TYPE_CHECKING

from .choice import Facts, Kind

if TYPE_CHECKING:
    from .artifact import Artifact
    from .collection import ArtifactCollection
    from .registry import Registry
    from .runs import PublicRun


def _run(run: "PublicRun") -> Facts:
    return {
        "name": run.id,
        "display_name": run.name,
        "state": run.state,
        "group": run.group,
        "job_type": run.job_type,
        "created_at": run.created_at,
        "config": run.config,
        "summary_metrics": run.summary,
    }


def _collection(collection: "ArtifactCollection") -> Facts:
    return {
        "name": collection.name,
        "type": collection.type,
        "tag": collection.tags,
        "description": collection.description,
        "created_at": collection.created_at,
        "updated_at": collection.updated_at,
    }


def _registry(registry: "Registry") -> Facts:
    return {
        "name": registry.name,
        "description": registry.description,
        "created_at": registry.created_at,
        "updated_at": registry.updated_at,
    }


def _version(artifact: "Artifact") -> Facts:
    return {
        "name": artifact.name,
        "alias": artifact.aliases,
        "tag": artifact.tags,
        "metadata": artifact.metadata,
        "created_at": artifact.created_at,
        "updated_at": artifact.updated_at,
    }


_TIMES = ("created_at", "updated_at")
RUNS = Kind(
    "runs",
    ("name", "display_name", "state", "group", "job_type", "created_at", "config", "summary_metrics"),
    _run,
    by="created_at",
)
COLLECTIONS = Kind("collections", ("name", "type", "tag", "description", *_TIMES), _collection, by="name")
REGISTRIES = Kind("registries", ("name", "description", *_TIMES), _registry, by="name")
VERSIONS = Kind("versions", ("name", "alias", "tag", "metadata", *_TIMES), _version, by="name")
