"""`file://`: files and folders of this machine, as of a mounted share."""

import asyncio
import hashlib
import itertools
import os
from urllib.parse import quote, unquote, urlsplit

from ...errors import LocalFileError, NotFoundError, StoreDeniedError
from ...manifest.digest import Label
from ...manifest.entry import Entry
from ...manifest.wandb import md5_label
from ...store.folder import FolderStore
from ...store.folder_jobs import FolderRead, etag_of
from ...transfer.hashing import Hashed
from ...transfer.local import LocalFile, local_errors, local_file
from ...transfer.scan import walk
from .handler import Context, Listed, Opened, Pages, changed, check_size

_PAGE = 1000
HERE = "this machine"


class Files:
    """The digest is that of the content, as the artifact makes its digests. Links are followed."""

    def __init__(self, context: Context) -> None:
        self._context, self._store = context, FolderStore("/")
        self._md5 = context.label is Label.MD5

    def name(self, uri: str) -> str:
        return os.path.basename(_path(uri))

    def unchecked(self, uri: str) -> Entry:
        return Entry(self._unread(uri), ref=_uri(_path(uri)))

    async def one(self, uri: str) -> Listed | None:
        path = _path(uri)
        if not await asyncio.to_thread(os.path.isfile, path):
            return None
        file = await asyncio.to_thread(local_file, path)
        (hashed,) = await self._hash([file])
        return Listed(os.path.basename(path), self._entry(file, hashed))

    async def below(self, uri: str) -> Pages:
        path = _path(uri)
        if not await asyncio.to_thread(os.path.isdir, path):
            return
        found = walk(path, lambda name: False)
        while page := await asyncio.to_thread(lambda: list(itertools.islice(found, _PAGE))):
            hashed = await self._hash([file for _, file in page])
            yield [Listed(name, self._entry(file, one)) for (name, file), one in zip(page, hashed, strict=True)]

    async def find(self, uri: str, entry: Entry, *, look: bool) -> Opened:
        path = _path(uri)
        if not await asyncio.to_thread(os.path.isfile, path):
            raise NotFoundError(path, HERE, hint="it is a reference to a file of the machine where it was added")
        file = await asyncio.to_thread(local_file, path)
        check_size(uri, entry, file.stamp.size)
        if entry.digest not in (uri, self._unread(uri)):
            (hashed,) = await self._hash([file])
            if (actual := self._digest(hashed)) != entry.digest:
                raise changed(uri, entry.digest, actual)
        # What was hashed is what is read: the stamp pins it.
        etag = await asyncio.to_thread(_etag, file)
        return Opened(self._store, file.stamp.size, lambda start, stop: FolderRead(path, path, HERE, start, stop, etag), etag)

    async def check_public(self, uri: str) -> None:
        raise StoreDeniedError(f"{uri} is a file of this machine")

    async def _hash(self, files: list[LocalFile]) -> list[Hashed]:
        return await self._context.engine.hash(files, self._context.label.algorithm, md5=self._md5)

    def _entry(self, file: LocalFile, hashed: Hashed) -> Entry:
        return Entry(self._digest(hashed), hashed.size, _uri(file.path))

    def _digest(self, hashed: Hashed) -> str:
        return md5_label(hashed.md5) if self._md5 and hashed.md5 else hashed.digest

    def _unread(self, uri: str) -> str:
        """The digest of a file that nobody looked at."""
        plain = _uri(_path(uri))
        return md5_label(hashlib.md5(plain.encode(), usedforsecurity=False).digest()) if self._md5 else plain


def _path(uri: str) -> str:
    """The absolute path. One without a slash at its beginning is seen from the working folder, as W&B does."""
    parts = urlsplit(uri.replace("#", "%23").replace("?", "%3F"))  # which are characters of names here
    host = "" if parts.netloc == "localhost" else parts.netloc
    return os.path.abspath(unquote(host + parts.path))


def _uri(path: str) -> str:
    return f"file://{quote(path)}"


def _etag(file: LocalFile) -> str:
    with local_errors(file.path):
        status = os.stat(file.path)
    etag = etag_of(status)
    stamp = file.stamp
    if etag != f"{stamp.inode}-{stamp.size}-{stamp.mtime}":
        raise LocalFileError(f"{file.path} changes while it is being read", hint="run it again once nothing writes to it")
    return etag
