"""Targets: what the argument of `ls` names."""

from dataclasses import dataclass

from ...errors import InvalidValueError


@dataclass(frozen=True, slots=True)
class Projects:
    """All projects."""


@dataclass(frozen=True, slots=True)
class Project:
    """The collections of `[entity/]project`."""

    path: str


@dataclass(frozen=True, slots=True)
class Versions:
    """The versions of `[[entity/]project/]name`."""

    name: str


@dataclass(frozen=True, slots=True)
class Files:
    """The files of `[[entity/]project/]name[:alias]`."""

    name: str


Target = Projects | Project | Versions | Files


def parse_target(text: str | None) -> Target:
    """With a colon, files; with a slash at the end, a project; else PROJECT, PROJECT/NAME or ENTITY/PROJECT/NAME."""
    if not text:
        return Projects()
    if ":" in text:
        return Files(text)
    parts = text.removesuffix("/").split("/")
    if not all(parts) or len(parts) > 3 - text.endswith("/"):
        raise InvalidValueError(
            f"{text!r} names nothing that can be listed",
            hint="PROJECT, PROJECT/NAME, ENTITY/PROJECT/NAME, ENTITY/PROJECT/, or NAME:ALIAS",
        )
    if text.endswith("/") or len(parts) == 1:
        return Project("/".join(parts))
    return Versions(text)
