"""Manner: how references are followed."""

from msgspec import Struct


class Manner(Struct, frozen=True):
    """Whether a reference that names nothing any more is skipped, whether those of strangers may lead to this machine and to
    private networks, and whether one whose scheme nobody knows is skipped."""

    allow_missing: bool = False
    allow_local: bool = False
    allow_unknown: bool = True
