"""The names that W&B has on its module: they act on the active run."""

from collections.abc import Mapping, Sequence
from typing import Any

from ..transfer.progress import Listener
from .artifact import Artifact
from .outputs import Path
from .portal import blocking
from .session import active_run
from .starting import require_run


async def log_artifact_async(
    artifact_or_path: Artifact | Path,
    name: str | None = None,
    type: str | None = None,
    aliases: Sequence[str] | None = None,
    tags: Sequence[str] | None = None,
    *,
    progress: Listener | None = None,
) -> Artifact:
    """`Run.log_artifact` of the active run."""
    run = require_run("log_artifact")
    return await run.log_artifact_async(artifact_or_path, name, type, aliases, tags, progress=progress)


log_artifact = blocking(log_artifact_async)


async def use_artifact_async(
    artifact_or_name: Artifact | str,
    type: str | None = None,
    aliases: Sequence[str] | None = None,
    use_as: str | None = None,
) -> Artifact:
    """`Run.use_artifact` of the active run."""
    return await require_run("use_artifact").use_artifact_async(artifact_or_name, type, aliases, use_as)


use_artifact = blocking(use_artifact_async)


async def link_artifact_async(artifact: Artifact, target_path: str, aliases: Sequence[str] | None = None) -> Artifact:
    """`Run.link_artifact` of the active run."""
    return await require_run("link_artifact").link_artifact_async(artifact, target_path, aliases)


link_artifact = blocking(link_artifact_async)


async def upsert_artifact_async(
    artifact_or_path: Artifact | Path,
    name: str | None = None,
    type: str | None = None,
    aliases: Sequence[str] | None = None,
    distributed_id: str | None = None,
) -> Artifact:
    """`Run.upsert_artifact` of the active run."""
    return await require_run("upsert_artifact").upsert_artifact_async(artifact_or_path, name, type, aliases, distributed_id)


upsert_artifact = blocking(upsert_artifact_async)


async def finish_artifact_async(
    artifact_or_path: Artifact | Path,
    name: str | None = None,
    type: str | None = None,
    aliases: Sequence[str] | None = None,
    distributed_id: str | None = None,
) -> Artifact:
    """`Run.finish_artifact` of the active run."""
    return await require_run("finish_artifact").finish_artifact_async(artifact_or_path, name, type, aliases, distributed_id)


finish_artifact = blocking(finish_artifact_async)


async def log_model_async(path: Path, name: str | None = None, aliases: Sequence[str] | None = None) -> Artifact:
    """`Run.log_model` of the active run."""
    return await require_run("log_model").log_model_async(path, name, aliases)


log_model = blocking(log_model_async)


async def use_model_async(name: str) -> str:
    """`Run.use_model` of the active run."""
    return await require_run("use_model").use_model_async(name)


use_model = blocking(use_model_async)


async def link_model_async(
    path: Path, registered_model_name: str, name: str | None = None, aliases: Sequence[str] | None = None
) -> Artifact:
    """`Run.link_model` of the active run."""
    return await require_run("link_model").link_model_async(path, registered_model_name, name, aliases)


link_model = blocking(link_model_async)


def log(values: Mapping[str, Any], step: int | None = None, commit: bool | None = None) -> None:
    """`Run.log` of the active run."""
    require_run("log").log(values, step, commit)


async def finish_async(exit_code: int | None = None, quiet: bool | None = None) -> None:
    """End the active run; nothing if there is none."""
    run = active_run()
    if run is not None:
        await run.finish_async(exit_code, quiet)


finish = blocking(finish_async)
