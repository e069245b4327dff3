"""Starting runs, and finding the one that is active."""

import secrets
import sys
from typing import Any

from ..catalog import RunInfo
from ..errors import UsageError
from ..manifest.names import entity_name, project_name, run_id
from .artifact import Artifact
from .config import Values, config_values, is_artifact
from .portal import blocking
from .run import Run
from .saved import jsonable
from .session import activate, active_run
from .settings import load_settings
from .workspace import open_workspace


async def init_async(
    project: str | None = None,
    entity: str | None = None,
    name: str | None = None,
    id: str | None = None,
    job_type: str | None = None,
    group: str | None = None,
    config: "Values | None" = None,
    mode: str | None = None,
    **other: Any,
) -> Run:
    """Start a run and make it the active one, or continue the run of this `id`. Arguments that W&B's `init` takes beside these
    are accepted and change nothing. Raise ValueError for names that cannot be."""
    settings = load_settings(project=project, entity=entity, mode=mode)
    values = config_values(config) if config is not None else {}
    key = run_id(id) if id is not None else secrets.token_hex(4)
    info = RunInfo(
        entity=entity_name(settings.entity),
        project=project_name(settings.project),
        id=key,
        name=name or ("" if id is not None else f"run-{key}"),  # a run that goes on keeps its name
        job_type=job_type,
        group=group,
        state="running",
        config=jsonable({key: value for key, value in values.items() if not is_artifact(value)}),
        summary={},
        created_at=0.0,
        finished_at=None,
    )
    workspace = None if settings.mode == "disabled" else await open_workspace(settings)
    run = Run(await workspace.catalog.start_run(info) if workspace else info, settings, workspace)
    activate(run)
    await run.config.update_async({key: value for key, value in values.items() if is_artifact(value)})
    if other and not settings.quiet:
        unknown = sorted(other.keys() - _ACCEPTED)
        if unknown:
            sys.stderr.write(f"lading: init() does nothing with {', '.join(unknown)}\n")
    return run


_ACCEPTED = frozenset(
    (
        *("dir", "tags", "notes", "config_exclude_keys", "config_include_keys", "allow_val_change", "reinit", "resume"),
        *("resume_from", "fork_from", "force", "anonymous", "save_code", "settings", "sync_tensorboard", "monitor_gym"),
        *("tensorboard", "magic"),
    )
)

init = blocking(init_async)


async def log_by_any_run(artifact: Artifact, project: str | None) -> None:
    """With the active run, or one made for this in `project`."""
    run = active_run()
    if run is not None:
        await run.log_artifact_async(artifact)
        return
    async with await init_async(project=project, job_type="auto") as run:
        await run.log_artifact_async(artifact)


def require_run(method: str) -> Run:
    """The active run. Raise `UsageError` if there is none."""
    run = active_run()
    if run is None:
        raise UsageError(f"lading.{method}() without an active run", hint="call lading.init() first")
    return run
