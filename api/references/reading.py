"""Reading references: what one leads to, read where it lies, without a file of it."""

import contextlib

from msgspec import Struct

from ...catalog import Version
from ...errors import NotFoundError, UsageError
from ...manifest.digest import LEAF_SIZE
from ...manifest.entry import Entry
from ...store.http.request import shown_url
from ...store.jobs import ReadJob
from ...transfer.content import Content, PinnedContent
from ...transfer.pace import paced_job
from ..workspace import Workspace
from .following import Followers, engine_for, pace_for
from .handler import Opened
from .manner import Manner


class Elsewhere(Struct, frozen=True):
    """An object that a reference led to when it was opened, under the path that the caller knows it by."""

    workspace: Workspace
    path: str
    opened: Opened

    @property
    def size(self) -> int:
        return self.opened.size

    def content(self) -> Content:
        return PinnedContent(engine_for(self.workspace, self.opened.store), self.size, self._job)

    def reported(self) -> contextlib.AbstractAsyncContextManager[None]:
        return contextlib.nullcontext()  # the catalogue knows nothing of it

    def _job(self, start: int, stop: int) -> ReadJob:
        job, pace = self.opened.job(start, stop), pace_for(self.workspace, self.opened.store)
        return paced_job(job, pace) if pace else job


async def open_reference(workspace: Workspace, version: Version, path: str, entry: Entry, manner: Manner) -> Elsewhere:
    """What the reference leads to, if that still is what was referred to. Raise `NotFoundError`, `DigestMismatchError`,
    `StoreDeniedError` for where strangers may not lead, `UsageError` for what nobody can read in parts."""
    followers, uri = Followers(workspace, version, manner), entry.ref or ""
    handler = followers.handler(entry)
    if handler is None:
        raise UsageError(f"{path} is a reference to {uri}, which cannot be opened: nobody here knows its scheme")
    await followers.check({path: entry})
    workspace.check_online(uri)
    try:
        opened = await handler.find(uri, entry, look=True)
    except NotFoundError as error:
        raise NotFoundError(shown_url(uri), "its place", path=path) from error
    if not opened.ranges and opened.size > LEAF_SIZE:
        raise UsageError(
            f"{path} is a reference to {shown_url(uri)}, whose place gives no parts of it that can be told from those of another",
            hint="download it",
        )
    return Elsewhere(workspace, path, opened)
