"""Names: of collections, types, projects, entities, aliases, tags and runs, and the text that names an artifact."""

import re
from collections.abc import Iterable

from msgspec import Struct

from ..errors import InvalidTypeError, InvalidValueError
from .metadata import metadata as metadata

MAX_NAME = 128
LATEST = "latest"
REGISTRY_PREFIX = "wandb-registry-"
_COLLECTION = re.compile(r"[a-zA-Z0-9_\-.]+(?: +[a-zA-Z0-9_\-.]+)*").fullmatch
_TAG = re.compile(r"[-\w]+(?: +[-\w]+)*").fullmatch
_VERSION = re.compile(r"v(0|[1-9][0-9]{0,17})").fullmatch
_VERSION_LIKE = re.compile(r"v\d+").fullmatch
_PROJECT_FORBIDDEN = re.compile(r"[/\\#?%:\r\n]").search
_TYPE_FORBIDDEN = re.compile(r"[/:]").search


class ArtifactName(Struct, frozen=True):
    """`[[entity/]project/]collection[:alias]`, taken apart; what was not said is None, and the alias `latest`."""

    entity: str | None
    project: str | None
    collection: str
    alias: str


def collection_name(name: str) -> str:
    """The name of an artifact, checked."""
    _check_text("Artifact name", name)
    if "/" in name or not _COLLECTION(name) or name in (".", ".."):
        raise InvalidValueError(
            f"Invalid artifact name: {name!r}",
            hint="letters, digits, dashes, underscores and dots, and single words of them with spaces between",
        )
    return name


def type_name(type: str, *, name: str) -> str:
    """The type of the artifact called `name`, checked; some are reserved for internal use."""
    _check_text("Artifact type", type)
    if _TYPE_FORBIDDEN(type):
        raise InvalidValueError(f"Artifact type must not contain any of the following characters: '/', ':': {type!r}")
    if (
        type == "job"
        or type.startswith("wandb-")
        or (type == "run_table" and name.startswith("run-"))
        or (type == "code" and name.startswith("source-"))
    ):
        raise InvalidValueError(f"Artifact type {type!r} is reserved for internal use. Please use a different type.")
    return type


def project_name(name: str) -> str:
    """The name of a project or registry, checked."""
    _check_place("Project name", name)
    if name == REGISTRY_PREFIX:
        raise InvalidValueError(f"Invalid project name: {name!r}: a registry's name follows the prefix")
    return name


def entity_name(name: str) -> str:
    """The name of a person or team, checked."""
    return _check_place("Entity name", name)


def run_id(text: str) -> str:
    """The id of a run, checked."""
    return _check_place("Run id", text)


def alias_name(alias: str) -> str:
    """An alias that may be given to a version, checked."""
    _check_text("Alias", alias)
    if "/" in alias or ":" in alias:
        raise InvalidValueError(f"Aliases must not contain any of the following characters: '/', ':': {alias!r}")
    if _VERSION_LIKE(alias):
        raise InvalidValueError(f"Invalid alias: {alias!r} is how versions are numbered")
    return alias


def alias_list(aliases: Iterable[str] | None) -> tuple[str, ...]:
    """The aliases, checked, each once, in their order. One string is one alias."""
    return tuple(dict.fromkeys(alias_name(alias) for alias in _listed("aliases", aliases)))


def tag_list(tags: Iterable[str] | None) -> tuple[str, ...]:
    """The tags, checked, each once, in their order. One string is one tag."""
    listed = _listed("tags", tags)
    invalid = [tag for tag in listed if not _is_tag(tag)]
    if invalid:
        raise InvalidValueError(
            f"Invalid tag(s): {', '.join(map(repr, invalid))}",
            hint="letters, digits, dashes and underscores, and words of them with spaces between",
        )
    return tuple(dict.fromkeys(listed))


def version_index(alias: str) -> int | None:
    """The number in `v12`; None for anything that is not how versions are numbered."""
    found = _VERSION(alias)
    return int(found[1]) if found else None


def parse_artifact_name(text: str) -> ArtifactName:
    """Take `[[entity/]project/]name[:alias]` apart. An alias that is only read may hold `/` and `:`."""
    path, colon, alias = text.partition(":")
    parts = path.split("/")
    if len(parts) > 3 or (colon and not alias):
        raise InvalidValueError(f"Invalid artifact name: {text!r}", hint="write [[entity/]project/]name[:alias]")
    *places, collection = parts
    project = project_name(places[-1]) if places else None
    entity = entity_name(places[0]) if len(places) == 2 else None
    return ArtifactName(entity, project, collection_name(collection), alias or LATEST)


def _listed(what: str, values: Iterable[str] | None) -> list[str]:
    if values is None:
        return []
    try:
        return [values] if isinstance(values, str) else list(values)
    except TypeError:
        raise InvalidTypeError(f"{what} must be strings in a list, not {type(values)}") from None


def _is_tag(tag: object) -> bool:
    return isinstance(tag, str) and _TAG(tag) is not None


def _check_text(what: str, text: object) -> str:
    if not isinstance(text, str):
        raise InvalidTypeError(f"{what} must be a string, not {type(text)}")
    if not text.strip():
        raise InvalidValueError(f"{what} must not be empty")
    if len(text) > MAX_NAME:
        raise InvalidValueError(f"{what} is longer than {MAX_NAME} characters: {text[:MAX_NAME]!r}…")
    if not text.isprintable():
        raise InvalidValueError(f"{what} must not contain unprintable characters: {text!r}")
    return text


def _check_place(what: str, text: str) -> str:
    # These are parts of keys and URLs.
    _check_text(what, text)
    if _PROJECT_FORBIDDEN(text) or text in (".", ".."):
        raise InvalidValueError(f"{what} must not be '.' or '..' or contain any of / \\ # ? % : and line ends: {text!r}")
    return text
