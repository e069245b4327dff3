"""Pairs: which source goes to which name, by a listing and the rules that were given. Pure.

Rule 1  What is copied keeps its name from the last slash of the source on (the last one before a wildcard): `a/b` is copied
        as `b`, and so is a folder `a/b` with all that is in it; of `a/b/` and `a/b/*` only what is in it.
Rule 2  The destination is a folder if it ends with a slash, is a whole store, is a folder already, or if the source is more
        than one object. Then the name goes below it; else the destination is the new name itself.
Rule 3  A name is copied if an `include` matches it, or there is none, and no `exclude` does. Their order means nothing.
Rule 4  `*` stands for any text, slashes too, and `?` for one character. A pattern matches all of a name or nothing.
Rule 5  Whatever the rules leave out is neither copied nor deleted.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from enum import StrEnum

import msgspec
from msgspec import Struct

from ..errors import InvalidValueError
from .locations import Location


class Found(msgspec.Struct, frozen=True, gc=False):
    """A file or object, and what is known of it without reading it. `key` is its path, for a file."""

    key: str
    size: int
    etag: str = ""
    modified: float | None = None
    executable: bool = False
    ranges: bool = True  # parts of it can be read; else it comes in one stream


class Pair(msgspec.Struct, frozen=True, gc=False):
    """What is to be copied, and its name below the destination."""

    source: Found
    name: str


class Compare(StrEnum):
    """When something is copied although there is something of its name at the destination."""

    ALWAYS = "always"
    NEVER = "never"
    SIZE = "size"  # its size differs
    NEWER = "newer"  # the source was changed later, or nobody knows
    SIZE_OR_NEWER = "size-or-newer"


class Rules(Struct, frozen=True):
    """Which names take part (Rules 3 to 5). Names are those below the folder, or below the last slash before a wildcard."""

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    pattern: str = ""  # of the source itself; empty for all

    def chooser(self) -> Callable[[str], bool]:
        """What says of a name whether it takes part."""
        pattern = _expression([self.pattern]) if self.pattern else None
        include = _expression(self.include) if self.include else None
        exclude = _expression(self.exclude) if self.exclude else None

        def chosen(name: str) -> bool:
            if pattern and not pattern(name):
                return False
            return (not include or bool(include(name))) and not (exclude and exclude(name))

        return chosen


def _expression(patterns: Iterable[str]) -> Callable[[str], object]:
    """What matches any of the patterns (Rule 4)."""
    return re.compile("|".join(map(_translated, patterns)), re.DOTALL).fullmatch


def _translated(pattern: str) -> str:
    first, *rest = (re.escape(text).replace(r"\?", ".") for text in re.split(r"\*+", pattern))
    if not rest:
        return first
    *middle, last = rest
    # What was found of a middle piece is never given back, so that no pattern makes a long name expensive.
    return first + "".join(f"(?>.*?{text})" for text in middle) + f".*{last}"


class Target(Struct, frozen=True):
    """Where names go: below `folder`, which ends with a slash or is empty; `name` replaces that of a single source."""

    folder: str
    name: str | None = None


def target_of(source: Location, destination: Location, *, alone: bool, there: bool) -> Target:
    """Rules 1 and 2. `alone`: the source is one object; `there`: the destination is a folder already."""
    if not destination.is_listed:
        return Target("", "")
    if alone:
        return Target(destination.folder) if destination.is_folder or there else Target(destination.root, destination.name)
    return Target(destination.folder + ("" if source.wild or source.is_folder else f"{source.name}/"))


def is_due(source: Found, there: Found | None, compare: Compare) -> bool:
    """Whether the source is to be copied over what is there."""
    if there is None or compare is Compare.ALWAYS:
        return True
    if compare is Compare.NEVER:
        return False
    differs = source.size != there.size
    if compare is Compare.SIZE:
        return differs
    # Unknown counts as newer: to copy in vain does no harm.
    newer = source.modified is None or there.modified is None or source.modified > there.modified
    return newer or (differs and compare is Compare.SIZE_OR_NEWER)


def pairing(*, flatten: bool) -> Callable[[str, Found], Pair]:
    """What makes pairs of (name below the folder, what was found); flat: only the last part of each name. It raises
    `InvalidValueError` if that makes two of them one."""
    seen: dict[str, str] = {}

    def pair(name: str, source: Found) -> Pair:
        if not flatten:
            return Pair(source, name)
        flat = name.rpartition("/")[2]
        if (other := seen.setdefault(flat, name)) != name:
            raise InvalidValueError(
                f"{other} and {name} would both become {flat}", hint="copy them without --flatten, or leave one out"
            )
        return Pair(source, flat)

    return pair


def surplus(there: Mapping[str, Found], names: AbstractSet[str], chosen: Callable[[str], bool]) -> list[str]:
    """What is at the destination, takes part, and has no source any more (Rule 5); in order."""
    return sorted(name for name in there if name not in names and chosen(name))


def apart(source: str, destination: str, *, wild: bool) -> str:
    """What of the names below the folder `source` lies in the folder `destination` (both of one store, absolute, with a slash at
    their ends) and is no source: so that nothing is copied that the copying made. Raise `InvalidValueError` where all of it
    would be."""
    if source == destination:
        raise InvalidValueError(f"{source or 'the whole store'} would be copied onto itself", hint="copy to another place")
    if not destination.startswith(source):
        return ""
    if not wild:
        raise InvalidValueError(f"{destination} lies inside of {source or 'the store'}", hint="copy to a place outside of it")
    return destination[len(source) :]
