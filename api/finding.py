"""Finding an artifact by the name that people write."""

from ..errors import InvalidValueError
from ..manifest.names import parse_artifact_name
from .artifact import Artifact
from .workspace import Workspace


def check_type(artifact: Artifact, type: str | None) -> None:
    """Raise ValueError if the artifact has another type than the caller expects."""
    if type is not None and artifact.type != type:
        raise InvalidValueError(f"Expected artifact {artifact.name} to be of type {type}; found {artifact.type}")


async def find_artifact(workspace: Workspace, name: str, entity: str, project: str) -> Artifact:
    """The artifact called `[[entity/]project/]name[:alias]`. Raise `CommError` (`UnknownNameError`) that says which part is
    unknown."""
    wanted = parse_artifact_name(name)
    place = (wanted.entity or entity, wanted.project or project, wanted.collection)
    return Artifact.of(await workspace.catalog.version(*place, wanted.alias), workspace)
