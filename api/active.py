"""The names that W&B has on its module: they act on the active run."""

from collections.abc import Sequence
from typing import Any

from .artifact import Artifact
from .portal import blocking
from .run import Path
from .session import active_run
from .starting import require_run


async def log_artifact_async(
    artifact_or_path: Artifact | Path,
    name: str | None = None,
    type: str | None = None,
    aliases: Sequence[str] | None = None,
    **more: Any,
) -> Artifact:
    """`Run.log_artifact` of the active run."""
    return await require_run("log_artifact").log_artifact_async(artifact_or_path, name, type, aliases, **more)


log_artifact = blocking(log_artifact_async)


async def use_artifact_async(
    artifact_or_name: Artifact | str, type: str | None = None, aliases: Sequence[str] | None = None
) -> Artifact:
    """`Run.use_artifact` of the active run."""
    return await require_run("use_artifact").use_artifact_async(artifact_or_name, type, aliases)


use_artifact = blocking(use_artifact_async)


async def finish_async(exit_code: int | None = None) -> None:
    """End the active run; nothing if there is none."""
    run = active_run()
    if run is not None:
        await run.finish_async(exit_code)


finish = blocking(finish_async)
