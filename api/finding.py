"""Finding an artifact by the name that people write."""

from ..errors import InvalidTypeError, InvalidValueError
from ..manifest.names import parse_artifact_name
from .artifact import Artifact
from .workspace import Workspace

_SCHEMES = ("wandb-artifact://", "lading://")  # the latter is `artifact.url`


def check_kind(given: object, kinds: tuple[type, ...], what: str) -> None:
    """Raise TypeError, and say `what`, if it is nothing of these kinds."""
    if not isinstance(given, kinds):
        raise InvalidTypeError(f"{what}: {given!r}")


def check_type(artifact: Artifact, type: str | None) -> None:
    """Raise ValueError if the artifact has another type than the caller expects."""
    if type is not None and artifact.type != type:
        raise InvalidValueError(f"Expected artifact {artifact.name} to be of type {type}; found {artifact.type}")


def is_artifact_uri(value: object) -> bool:
    """Whether it is a text as `wandb-artifact://entity/project/name:alias` or `wandb-artifact://_id/<id>`."""
    return isinstance(value, str) and value.startswith(_SCHEMES)


def named_by(uri: str) -> tuple[str, str]:
    """What the URI of an artifact says: its name `entity/project/name:alias` and "", or "" and its id. Raise ValueError."""
    path = uri.partition("://")[2]
    if path.startswith("_id/"):
        return "", path.removeprefix("_id/")
    if path.partition(":")[0].count("/") != 2:
        raise InvalidValueError(f"Invalid artifact URI: {uri!r}", hint="write wandb-artifact://entity/project/name:alias")
    return path, ""


async def find_artifact(workspace: Workspace, name: str, entity: str, project: str) -> Artifact:
    """The artifact called `[[entity/]project/]name[:alias]`, or by a URI. Raise `CommError` (`UnknownNameError`) that says which
    part is unknown."""
    if is_artifact_uri(name):
        name, id = named_by(name)
        if id:
            return Artifact.of(await workspace.catalog.version_by_id(id), workspace)
    wanted = parse_artifact_name(name)
    place = (wanted.entity or entity, wanted.project or project, wanted.collection)
    return Artifact.of(await workspace.catalog.version(*place, wanted.alias), workspace)
