"""One object store of each kind behind a server that misbehaves on demand: what befalls one can befall all."""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from msgspec import Struct, structs

from ..store.http.connection import close_idle
from ..store.http.patience import PATIENT, Patience
from .gcs_server import GcsServer
from .http_faults import Fault
from .http_relay import HttpRelay
from .http_server import HttpServer
from .s3_server import S3Server
from .s3_server_auth import Key


class Calls(NamedTuple):
    """How a request is known: by its method, and by what stands in its target."""

    method: str
    about: str


class Site(Struct):
    """A store that holds objects below the prefix `p`. Requests come to `front` first."""

    kind: str
    front: HttpServer
    url: str  # of the store
    options: dict[str, str]  # with which a copier opens it
    calls: Mapping[str, Calls]  # read, put, part, begin, finish: as far as there is such a thing
    put: Callable[[str, bytes], object]  # an object, past the front
    held: Callable[[], dict[str, bytes]]  # all objects by key, those half made among them
    open_uploads: Callable[[], int]
    expire: Callable[[], object]  # from now on nobody is let in
    skew: Callable[[float], object] = lambda seconds: None  # sets the store's clock ahead, where that matters

    def fail(self, call: str, fault: Fault, *, times: int = 1, skip: int = 0) -> None:
        """Let these requests meet the fault: all but the first `skip`, so many."""
        method, about = self.calls[call]
        self.front.fail(fault, method=method, about=about, times=times, skip=skip)

    def address(self, key: str) -> str:
        """Of an object, as a copier takes it."""
        return f"{self.url.partition('?')[0]}/{key}"


@contextmanager
def http_site() -> Generator[Site]:
    with HttpServer() as server:

        def put(key: str, data: bytes) -> None:
            server.objects[f"/p/{key}"] = data

        calls = {"read": Calls("GET", "/p/"), "put": Calls("PUT", "/p/"), "part": Calls("PUT", "/p/")}
        held: Callable[[], dict[str, bytes]] = lambda: {path[3:]: data for path, data in server.objects.items()}  # noqa: E731
        yield Site("http", server, f"{server.url}/p", {}, calls, put, held, lambda: 0, lambda: None)
        close_idle()


@contextmanager
def s3_site() -> Generator[Site]:
    """Everything is signed, by the key `AKIA` with the secret `secret`."""
    keys = {"AKIA": Key("secret")}
    with S3Server(keys=keys) as server, HttpRelay(_port(server.url)) as front:
        bucket = server.bucket
        calls = {
            "read": Calls("GET", "/bucket/p/"),
            "put": Calls("PUT", "/p/objects/"),
            "part": Calls("PUT", "partNumber="),
            "begin": Calls("POST", "?uploads"),
            "finish": Calls("POST", "uploadId="),
        }
        yield Site(
            "s3",
            front,
            f"s3://bucket/p?endpoint={front.url}",
            {"endpoint": front.url},
            calls,
            lambda key, data: bucket.put(f"p/{key}", data, {}),
            lambda: {key.removeprefix("p/"): one.data for key, one in bucket.objects.items()},
            lambda: len(bucket.uploads),
            lambda: setattr(keys["AKIA"], "expired", True),
            lambda seconds: setattr(server, "skew", seconds),
        )
        close_idle()


@contextmanager
def gcs_site() -> Generator[Site]:
    """Nobody has to say who asks, until it expires."""
    with GcsServer() as server, HttpRelay(_port(server.url)) as front:
        bucket = server.bucket
        upload = Calls("POST", "/upload/")
        calls = {"read": Calls("GET", "alt=media"), "put": upload, "part": upload, "finish": Calls("POST", "/compose")}
        yield Site(
            "gcs",
            front,
            f"gs://bucket/p?endpoint={front.url}&anonymous=1",
            {"endpoint": front.url, "anonymous": "1"},
            calls,
            lambda key, data: bucket.insert(f"p/{key}", data),
            lambda: {name.removeprefix("p/"): one.data for name, one in bucket.objects.items()},
            lambda: 0,  # what is half made is an object, and `held` shows it
            lambda: setattr(server.api, "token", "another"),
        )
        close_idle()


@contextmanager
def impatient(patience: Patience) -> Generator[None]:
    """All connections that are made without a patience of their own have this one."""
    before = structs.asdict(PATIENT)
    _set(structs.asdict(patience))
    try:
        yield
    finally:
        _set(before)


def _set(values: dict[str, Any]) -> None:
    for name, value in values.items():
        structs.force_setattr(PATIENT, name, value)


def _port(url: str) -> int:
    port = urlsplit(url).port
    assert port is not None
    return port
