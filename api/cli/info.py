"""`lading info`: all that is known of one version."""

import json
from typing import TYPE_CHECKING

import click

from ..html import readable_size
from .console import Console
from .phrases import printable
from .records import run_record, version_record
from .work import with_console

if TYPE_CHECKING:
    from ..artifact import Artifact
    from ..runs import PublicRun


@click.command(short_help="Show all that is known of a version.")
@click.argument("name")
@with_console
async def info(console: Console, *, name: str) -> None:
    """Show all that is known of the version NAME: its attributes, description, metadata, and the runs that made and used it."""
    from ..public import Api

    artifact = await Api().artifact_async(name)
    made, used = await artifact.logged_by_async(), await artifact.used_by_async()
    record = version_record(artifact) | {
        "source_qualified_name": artifact.source_qualified_name,
        "commit_hash": artifact.commit_hash,
        "logged_by": run_record(made) if made else None,
        "used_by": [run_record(run) for run in used],
    }
    console.result(record, _text(artifact, made, used))


def _text(artifact: "Artifact", made: "PublicRun | None", used: "list[PublicRun]") -> str:
    facts = {
        "type": artifact.type,
        "state": artifact.state,
        "aliases": ", ".join(artifact.aliases),
        "tags": ", ".join(artifact.tags),
        "size": f"{readable_size(artifact.size)} ({artifact.size:,} bytes)",
        "files": f"{artifact.file_count:,}",
        "digest": f"{artifact.digest} ({artifact.digest_algorithm})",
        "created": artifact.created_at,
        "updated": artifact.updated_at,
        "expires": artifact.expires_at or "",
        "source": artifact.source_qualified_name if artifact.is_link else "",
        "logged by": _run(made) if made else "",
        "used by": ", ".join(_run(run) for run in used),
        "description": artifact.description or "",
    }
    lines = [artifact.qualified_name, *(f"{name:<12} {printable(value)}" for name, value in facts.items() if value)]
    if artifact.metadata:
        lines.append("metadata")
        lines.extend(f"  {line}" for line in json.dumps(artifact.metadata, indent=2, ensure_ascii=False).splitlines())
    return "\n".join(lines)


def _run(run: "PublicRun") -> str:
    return f"{'/'.join(run.path)} ({run.job_type or run.name})"
