"""Records: versions, collections, runs and files as `--json` gives them, under the names of the API."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ...manifest.entry import Entry
    from ...transfer.progress import Progress
    from ...transfer.verdict import Verdict
    from ..artifact import Artifact
    from ..collection import ArtifactCollection
    from ..runs import PublicRun


def version_record(artifact: "Artifact") -> dict[str, Any]:
    return {
        "entity": artifact.entity,
        "project": artifact.project,
        "collection": artifact.name.partition(":")[0],
        "name": artifact.name,
        "version": artifact.version,
        "qualified_name": artifact.qualified_name,
        "source_qualified_name": artifact.source_qualified_name,
        "id": artifact.id,
        "type": artifact.type,
        "state": artifact.state,
        "aliases": artifact.aliases,
        "tags": artifact.tags,
        "size": artifact.size,
        "file_count": artifact.file_count,
        "digest": artifact.digest,
        "digest_algorithm": artifact.digest_algorithm,
        "description": artifact.description,
        "metadata": artifact.metadata,
        "created_at": artifact.created_at,
        "updated_at": artifact.updated_at,
        "expires_at": artifact.expires_at,
    }


def collection_record(collection: "ArtifactCollection") -> dict[str, Any]:
    return {
        "entity": collection.entity,
        "project": collection.project,
        "name": collection.name,
        "type": collection.type,
        "is_sequence": collection.is_sequence(),
        "version_count": len(collection),
        "aliases": collection.aliases,
        "tags": collection.tags,
        "size": collection.size,
        "description": collection.description,
        "created_at": collection.created_at,
        "updated_at": collection.updated_at,
    }


def run_record(run: "PublicRun") -> dict[str, Any]:
    return {
        "entity": run.entity,
        "project": run.project,
        "id": run.id,
        "name": run.name,
        "job_type": run.job_type,
        "state": run.state,
        "created_at": run.created_at,
    }


def entry_record(path: str, entry: "Entry") -> dict[str, Any]:
    from ...manifest.entry import shown_digest

    return {"path": path, "size": entry.size, "digest": shown_digest(entry), "ref": entry.ref}


def explained(*steps: "Progress", near: bool) -> "Verdict":
    """What a transfer in these steps was bound by; `near`: its store lies on a disk of this machine."""
    from ...transfer.gauges import Gauges
    from ...transfer.lanes import cores
    from ...transfer.verdict import verdict

    gauges = sum((step.gauges for step in steps), Gauges())
    return verdict(gauges, seconds=sum(step.seconds for step in steps), cores=cores(), near=near)


def bound_record(verdict: "Verdict | None") -> dict[str, Any]:
    return {} if verdict is None else {"bound_by": verdict.bound_by}


def transfer_record(progress: "Progress", seconds: float) -> dict[str, Any]:
    return {
        "files": progress.files,
        "bytes": progress.bytes,
        "files_reused": progress.files_reused,
        "bytes_reused": progress.bytes_reused,
        "retries": progress.retries,
        "seconds": round(seconds, 3),
    }
