"""Keys that are taken: whether what lies there is what should."""

from ..errors import NotFoundError, StoreUnavailableError
from ..manifest.digest import Algorithm, leaf_count
from ..store.store import Store
from .driver import persist
from .engine import Engine
from .leaves import read_leaves
from .plan import SendItem
from .progress import Meter

TRIES = 3  # how often a key is tried that others write, too


async def is_right(engine: Engine, item: SendItem, algorithm: Algorithm, meter: Meter) -> bool:
    """Whether the object under the key of `item` is what it should be. If not, it is not there any more when this returns.

    What a durable store has is whole; any other may have kept, from before a crash, anything.
    """
    if engine.store.durable:
        return True
    return await persist(lambda: _is_right(engine, item, algorithm), retry=engine.retry, meter=meter)


async def _is_right(engine: Engine, item: SendItem, algorithm: Algorithm) -> bool:
    store = engine.store
    try:
        meta = await store.head(item.key)
        job = store.read(item.key, 0, meta.size, etag=meta.etag)
        if meta.size == item.size:
            expected = item.leaf_digests(0, leaf_count(item.size))
            if await engine.lanes.run(lambda halt: read_leaves(job, algorithm, halt)) == expected:
                return True
        if (await store.head(item.key)).etag == meta.etag:  # else somebody else has replaced it by now
            await store.delete([item.key])
    except NotFoundError:
        pass
    return False


def contended(store: Store, key: str) -> StoreUnavailableError:
    return StoreUnavailableError(f"{key} in {store.url} is written by somebody else at this moment", hint="run it again")
