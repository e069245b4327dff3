"""Fetching small files: a batch of them in one trip to a lane."""

from contextlib import ExitStack

from msgspec import Struct, field

from ..errors import DigestMismatchError, LadingError, StoreError
from ..manifest.digest import Algorithm
from ..store.halt import Halt
from ..store.store import Store
from ..store.wholes import Wholes, wholes
from .arrival_small import arrive_small, arrive_whole
from .batches import Refusals
from .destination import Destination
from .lanes import PIECE, buffer
from .local import Stamp
from .plan import FetchItem
from .source import read_job


class Landed(Struct, frozen=True):
    """What came of a batch: files that are in place with their stamps, and items that failed, each for a reason."""

    arrived: list[tuple[FetchItem, Stamp]] = field(default_factory=list[tuple[FetchItem, Stamp]])
    failed: list[tuple[FetchItem, LadingError]] = field(default_factory=list[tuple[FetchItem, LadingError]])


def fetch_small(store: Store, items: list[FetchItem], destination: Destination, algorithm: Algorithm, halt: Halt) -> Landed:
    """Make the files. After a failure that no retry would heal, the rest is left."""
    landed, refusals = Landed(), Refusals()
    below, folder = None, -1
    with ExitStack() as folders, wholes(store) as many:
        for number, item in enumerate(items):
            halt.check()
            try:
                if (parent := item.path.rpartition("/")[0]) != below:
                    folders.close()
                    below = None
                    folder, below = folders.enter_context(destination.folder(parent)), parent
                landed.arrived.append(_arrive(store, many, item, folder, destination, algorithm, halt))
            except (LadingError, OSError) as error:
                named = destination.error(error, item) if isinstance(error, OSError) else error
                landed.failed.append((item, named))
                if not named.retryable:
                    break
                if refusals.enough(named):
                    landed.failed.extend((item, named) for item in items[number + 1 :])
                    break
            else:
                refusals.enough(None)
    return landed


def _arrive(
    store: Store,
    many: Wholes | None,
    item: FetchItem,
    folder: int,
    destination: Destination,
    algorithm: Algorithm,
    halt: Halt,
) -> tuple[FetchItem, Stamp]:
    path = destination.path(item)
    if many is not None and item.copy is None and item.size <= PIECE:
        view = buffer()[: item.size]
        many.read(item.key, view)
        return item, arrive_whole(item, view, folder, algorithm, path)
    if item.copy is not None:
        try:
            return item, arrive_small(item, read_job(store, item, 0, item.size), folder, algorithm, halt, path)
        except (DigestMismatchError, StoreError):
            item = item.copied_from(None)  # the copy is of no use
    return item, arrive_small(item, read_job(store, item, 0, item.size), folder, algorithm, halt, path)
