"""Time to live: how long a version is kept, as people say it and as the catalogue keeps it."""

import datetime
import enum

from ..catalog import DISABLED, INHERIT
from ..errors import InvalidTypeError, InvalidValueError


class ArtifactTTL(enum.Enum):
    """What `artifact.ttl` may be set to beside a timedelta (kept that long after the commit) and None (kept for ever)."""

    INHERIT = 1
    """As the collection says: for ever if it says nothing."""


TTL = datetime.timedelta | ArtifactTTL | None


def ttl_seconds(ttl: object) -> int:
    """For the catalogue. Raise ValueError for a time that is not positive, TypeError for anything else that cannot be."""
    if ttl is None:
        return DISABLED
    if ttl is ArtifactTTL.INHERIT:
        return INHERIT
    if not isinstance(ttl, datetime.timedelta):
        raise InvalidTypeError(f"ttl must be a timedelta, ArtifactTTL.INHERIT or None, not {type(ttl)}")
    if ttl < datetime.timedelta(seconds=1):
        raise InvalidValueError(f"Artifact TTL must be positive: {ttl}", hint="at least one second")
    return int(ttl.total_seconds())


def shown_ttl(seconds: int | None) -> datetime.timedelta | None:
    """What the catalogue says; INHERIT has been looked up already."""
    return None if seconds is None or seconds == DISABLED else datetime.timedelta(seconds=seconds)
