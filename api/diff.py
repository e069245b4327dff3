"""Diffs: what differs between two versions, page by page; pages that they share are not read."""

from collections.abc import AsyncGenerator

from ..catalog import Version
from ..errors import UsageError
from ..manifest.diff import Change, diff_entries, diff_spans
from .documents import load_index, load_pages
from .workspace import Workspace


async def diff_versions(workspace: Workspace, old: Version, new: Version) -> AsyncGenerator[Change]:
    """Every change from `old` to `new`, by path. Raise `UsageError` where their digests are of different algorithms."""
    olds, news = await load_index(workspace, old), await load_index(workspace, new)
    if olds.algorithm != news.algorithm:
        raise UsageError(
            f"{old.place} is hashed with {olds.algorithm} and {new.place} with {news.algorithm}: they cannot be compared"
        )
    for span in diff_spans(olds, news):
        left, right = await load_pages(workspace, old, span.old), await load_pages(workspace, new, span.new)
        for change in diff_entries(left.items(), right.items()):
            yield change
