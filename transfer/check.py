"""Checking one object in the store against what it should be."""

from ..errors import NotFoundError
from ..manifest.digest import Algorithm
from .engine import Engine
from .leaves import read_leaves
from .plan import split_leaves


async def is_whole(engine: Engine, key: str, size: int, leaves: str, algorithm: Algorithm) -> bool:
    """Whether the object under `key` is there and has these leaves (joined hex; the digest itself for one leaf)."""
    try:
        meta = await engine.store.head(key)
        if meta.size != size:
            return False
        job = engine.store.read(key, 0, size, etag=meta.etag)
        return tuple(await engine.lanes.run(lambda halt: read_leaves(job, algorithm, halt))) == split_leaves(leaves)
    except NotFoundError:
        return False
