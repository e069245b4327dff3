"""A prefix in a bucket of Google Cloud Storage as a store."""

import os
from collections.abc import AsyncIterator, Sequence

from ...errors import AlreadyExistsError
from ..jobs import ReadJob, WriteJob
from ..owner import Fate
from ..store import PART_SIZE, ObjectMeta, Write
from ..unfinished import Unfinished
from .calls import GcsCalls
from .components import Left, Upload, adopted, fate_of_left, now, remove, uploads
from .jobs import GcsPut, GcsRead
from .place import Place, is_component
from .write import GcsWrite


class GcsStore:
    """Objects of a bucket; the etag is the generation. See `Place.of` for the URL and the environment.

    Raise `InvalidValueError`, and `ModuleNotFoundError` without gcloud-aio-storage."""

    near, durable = False, True

    def __init__(self, url: str) -> None:
        self.place = Place.of(url, os.environ)
        self.url = self.place.url
        self._calls = GcsCalls(self.place)

    def __repr__(self) -> str:
        return f"GcsStore({self.url!r})"

    async def head(self, key: str) -> ObjectMeta:
        return (await self._calls.get(self.place.name(key))).meta(key)

    def read(self, key: str, start: int, stop: int, *, etag: str | None = None) -> ReadJob:
        return GcsRead(self.place, self.place.name(key), start, stop, etag)

    def put(self, key: str, size: int, *, replace: bool = False) -> WriteJob:
        return GcsPut(self.place, self.place.name(key), size, new=not replace)

    async def begin(self, key: str, size: int, *, part: int = PART_SIZE, replace: bool = False) -> Write:
        if not replace and await self._calls.find(self.place.name(key)):
            raise AlreadyExistsError(key, self.url)
        left = await adopted(self._calls, key)
        if left is None:
            return GcsWrite(self._calls, key, size, Upload.new(key), replace)
        return GcsWrite(self._calls, key, size, left.upload, replace, left.cut(size, part))

    async def list(self, prefix: str) -> AsyncIterator[ObjectMeta]:
        async for one in self._calls.list(self.place.name(prefix)):
            key = self.place.key(one.name)
            if not is_component(key) and not key.endswith("/"):  # Google's console marks a folder by an empty object `folder/`
                yield one.meta(key)

    async def delete(self, keys: Sequence[str]) -> None:
        await self._calls.delete(self.place.name(key) for key in keys)

    async def flush(self, keys: Sequence[str]) -> None:
        del keys  # what Google has confirmed is safe

    async def close(self) -> None:
        """Nothing of its own is open: connections belong to lanes and loops."""

    def uploads(self, prefix: str = "") -> AsyncIterator[Left]:
        """Objects in the making: what the living are writing, and what the dead left behind."""
        return uploads(self._calls, prefix)

    async def discard(self, upload: Upload) -> None:
        """Remove what there is of an upload."""
        await remove(self._calls, upload)

    async def unfinished(self) -> AsyncIterator[Unfinished]:
        """Its key is not known: what it lies beside and the end of its name are."""
        async for left in self.uploads():
            upload, fate = left.upload, await fate_of_left(self._calls, left)
            yield Unfinished(f"{upload.beside}{upload.subject}", upload.folder, fate, left.latest or None, left.size)

    async def give_up(self, one: Unfinished) -> None:
        """Not what a living process has taken over by now."""
        upload = Upload.parse(one.name)
        if upload is not None and await fate_of_left(self._calls, await now(self._calls, upload)) is not Fate.ALIVE:
            await self.discard(upload)
