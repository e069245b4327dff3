"""Uploads in parts, as tests begin and leave them: ten bytes in three parts, and a process that is gone."""

import asyncio
from pathlib import Path

from lading.store.journal import Journal
from lading.store.owner import Owner, this_process
from lading.store.store import Store, Write
from lading.testing.gcs_server import GcsServer
from lading.testing.s3_server import S3Server

DATA = b"0123456789"
PARTS = ((0, 4), (4, 8), (8, 10))


async def write_parts(write: Write, *parts: tuple[int, int], data: bytes = DATA) -> None:
    def run() -> None:
        for start, stop in parts:
            write.part(start, stop).write((data[start:stop],))

    await asyncio.to_thread(run)


def dead() -> Owner:
    """A process that was here once."""
    here = this_process()
    return Owner(here.boot, here.namespace, 2**22 - 1, "1")


# In S3


async def begun(store: Store, *parts: tuple[int, int], key: str = "k") -> Write:
    """An upload to which these parts were written."""
    write = await store.begin(key, len(DATA), part=4)
    await write_parts(write, *parts)
    return write


def notes_of(journal: Journal) -> list[Path]:
    return list(Path(journal.folder).iterdir())


def nothing_is_left(s3: S3Server, journal: Journal) -> bool:
    """No upload, no note of one, and no fault that nothing ran into."""
    return not s3.bucket.uploads and not (Path(journal.folder).exists() and notes_of(journal)) and not s3.unused


# In Google Cloud Storage

KEY = "objects/ab/cdef"
NAME = f"root/{KEY}"


def components(gcs: GcsServer) -> list[str]:
    """The names of the parts that lie there."""
    return [name for name in gcs.bucket.objects if ".lading-components" in name]
