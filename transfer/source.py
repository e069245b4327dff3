"""Where the bytes of an item are read from: a local file that holds them, too, or its object."""

from ..store.folder_jobs import FolderRead
from ..store.jobs import ReadJob
from ..store.store import Store
from .plan import FetchItem


def read_job(store: Store, item: FetchItem, start: int, stop: int, *, etag: str | None = None) -> ReadJob:
    """The job that reads [start, stop) of the content: of the `copy` if the item has one, else of the object with this `etag`."""
    if item.copy is not None:
        return FolderRead(item.copy, item.path, "this machine", start, stop)
    return store.read(item.key, start, stop, etag=etag)
