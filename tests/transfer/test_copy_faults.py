"""A copy from a server that does what servers do: the right bytes, or an error by name, and nothing else on the disk."""

import hashlib
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import aclosing
from pathlib import Path

import pytest

from lading.errors import (
    DigestMismatchError,
    LadingError,
    ObjectChangedError,
    StoreDeniedError,
    StoreError,
)
from lading.manifest.digest import LEAF_SIZE
from lading.store.http.connection import close_idle
from lading.store.http.patience import PATIENT, Patience
from lading.store.http.store import HttpStore
from lading.store.store import Store
from lading.testing.buckets import run_task
from lading.testing.http_faults import (
    ALWAYS,
    Bye,
    Chunked,
    Cut,
    Drip,
    Fault,
    Flip,
    Header,
    NoRanges,
    Replaced,
    Short,
    Stall,
    Status,
)
from lading.testing.http_server import HttpServer
from lading.testing.sites import impatient
from lading.testing.trees import read_tree, seeded
from lading.transfer.copier import Copier

BIG = seeded(2 * LEAF_SIZE + 5)
SMALL = BIG[:100_000]
QUICK = Patience(answer=0.3, window=0.2)


@pytest.fixture
def server() -> Iterator[HttpServer]:
    with HttpServer({"/big": BIG, "/small": SMALL}) as server:
        yield server
        close_idle()


@pytest.fixture
async def copier() -> AsyncIterator[Copier]:
    def opener(url: str, options: Mapping[str, str]) -> Store:
        return HttpStore(url)

    async with aclosing(Copier(opener=opener)) as copier:
        yield copier


HEALED = [
    Bye(),
    Chunked(50_000),
    Cut(60_000),
    Cut(60_000, reset=True),
    Cut(0),
    Drip(50_000, 0.0),
    Header("Content-Range", None),
    Stall(-1),
    Stall(60_000),
    Status(503),
    Status(429, (("Retry-After", "0"),)),
]


@pytest.mark.parametrize("name", ["big", "small"])
@pytest.mark.parametrize("fault", HEALED, ids=repr)
async def test_what_goes_wrong_for_a_moment_is_healed(
    copier: Copier, server: HttpServer, tmp_path: Path, fault: Fault, name: str
) -> None:
    server.fail(fault, method="GET", times=2)

    with impatient(QUICK if isinstance(fault, Stall) else PATIENT):
        report = await run_task(copier, f"{server.url}/{name}", f"{tmp_path}/")

    assert read_tree(tmp_path) == {name: BIG if name == "big" else SMALL}
    assert report.progress.bytes_done == len(BIG if name == "big" else SMALL)


REFUSED: list[tuple[Fault, type[LadingError]]] = [
    (Status(403), StoreDeniedError),
    (Status(404), StoreError),
    (Header("Content-Range", "bytes 0-9/10"), StoreError),
    (Replaced(BIG[::-1]), ObjectChangedError),
    (Header("ETag", '"another"'), ObjectChangedError),
]


@pytest.mark.parametrize("name", ["big", "small"])
@pytest.mark.parametrize(("fault", "error"), REFUSED, ids=["403", "404", "range", "replaced", "etag"])
async def test_what_stays_wrong_is_an_error_and_leaves_nothing(
    copier: Copier, server: HttpServer, tmp_path: Path, fault: Fault, error: type[LadingError], name: str
) -> None:
    server.fail(fault, method="GET", times=ALWAYS)

    with pytest.raises(error):
        await run_task(copier, f"{server.url}/{name}", f"{tmp_path}/")

    assert read_tree(tmp_path) == {}


@pytest.mark.parametrize("name", ["big", "small"])
@pytest.mark.parametrize("fault", [Flip(), Short()], ids=repr)
async def test_what_nobody_announced_is_found_by_the_digest(
    copier: Copier, server: HttpServer, tmp_path: Path, fault: Fault, name: str
) -> None:
    digest = hashlib.sha256(BIG if name == "big" else SMALL).hexdigest()
    server.fail(fault, method="GET")

    try:
        await run_task(copier, f"{server.url}/{name}", f"{tmp_path}/", digest=f"sha256:{digest}")
    except DigestMismatchError:
        assert read_tree(tmp_path) == {}
    else:
        assert isinstance(fault, Short)  # which shows in the answer itself, and is asked for again
        assert read_tree(tmp_path) == {name: BIG if name == "big" else SMALL}


@pytest.mark.parametrize("name", ["big", "small"])
async def test_a_server_without_ranges_gives_it_in_one_stream(
    copier: Copier, server: HttpServer, tmp_path: Path, name: str
) -> None:
    server.fail(NoRanges(), times=ALWAYS)
    server.fail(Header("Accept-Ranges", "none"), method="HEAD", times=ALWAYS)

    await run_task(copier, f"{server.url}/{name}", f"{tmp_path}/")

    assert read_tree(tmp_path) == {name: BIG if name == "big" else SMALL}


async def test_an_object_that_nothing_pins_is_never_a_mixture_of_two(copier: Copier, server: HttpServer, tmp_path: Path) -> None:
    server.fail(Header("ETag", None), method="HEAD", times=ALWAYS)
    server.fail(Replaced(BIG[::-1]), method="GET", skip=1)

    await run_task(copier, f"{server.url}/big", f"{tmp_path}/")

    assert read_tree(tmp_path) == {"big": BIG}


async def test_a_server_that_forgets_ranges_in_between_is_not_believed(
    copier: Copier, server: HttpServer, tmp_path: Path
) -> None:
    server.fail(NoRanges(), method="GET", times=ALWAYS, skip=1)

    with pytest.raises(StoreError):
        await run_task(copier, f"{server.url}/big", f"{tmp_path}/")

    assert read_tree(tmp_path) == {}
