"""The server behind a store: where it is, and what time it is there."""

import time

from msgspec import Struct

from .http.answers import date
from .http.request import Request
from .http.session import call
from .store import Store


class ServerTime(Struct, frozen=True):
    """`skew`: seconds that the server's clock is ahead of ours, to a second; None where it does not tell. `seconds`: how long it
    took to answer."""

    skew: float | None
    seconds: float


def request_to(store: Store) -> Request | None:
    """A request that asks the store's server for nothing; None for a store without one."""
    scheme = store.url.partition("://")[0]
    if scheme == "s3":
        from .s3.store import S3Store

        return store.place.request("HEAD") if isinstance(store, S3Store) else None
    if scheme == "gs":
        from .gcs.store import GcsStore

        return Request.of("HEAD", store.place.endpoint) if isinstance(store, GcsStore) else None
    return Request.of("HEAD", store.url) if scheme in ("http", "https") else None


async def server_time(request: Request) -> ServerTime:
    """Whatever the server answers, it says when. Raise `StoreError` if it cannot be reached."""
    asked, began = time.time(), time.monotonic()
    answer = await call(request)
    seconds = time.monotonic() - began
    said = date(answer.headers.get("date", ""))
    # It says whole seconds, which began half a second ago in the middle.
    return ServerTime(None if said is None else said + 0.5 - (asked + seconds / 2), seconds)
