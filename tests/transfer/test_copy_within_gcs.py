"""Copies within Google's store: it makes them, and no byte of them comes by here; where it does not, they are carried."""

from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing

import pytest

from lading.errors import ObjectChangedError
from lading.store.http.connection import close_idle
from lading.testing.buckets import run_task
from lading.testing.gcs_server import Drop, Fault, GcsServer, LoseAnswer, Meanwhile, Refuse
from lading.testing.trees import seeded
from lading.transfer.copier import Copier
from lading.transfer.pairs import Compare
from lading.transfer.scheduler import Retry

LARGE = seeded((20 << 20) + 5)  # by three calls
TREE = {"a b+é.txt": b"small", "empty": b"", "sub/large": LARGE}
MADE_OF = {f"to/{name}": data for name, data in TREE.items()}


@pytest.fixture
def gcs(monkeypatch: pytest.MonkeyPatch) -> Iterator[GcsServer]:
    with GcsServer() as server:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.url)
        for name, data in TREE.items():
            server.bucket.insert(f"from/{name}", data, content_type="text/plain", metadata={"of": "test"})
        yield server
        close_idle()


@pytest.fixture
async def copier(gcs: GcsServer) -> AsyncIterator[Copier]:
    async with aclosing(Copier(retry=Retry(base=0.0))) as copier:
        yield copier


def copies(gcs: GcsServer) -> dict[str, bytes]:
    """What lies at the destination, components too if there were some left."""
    return {name: one.data for name, one in gcs.bucket.objects.items() if not name.startswith("from/")}


def came_by(gcs: GcsServer) -> int:
    """How many calls had bytes of objects in them."""
    return gcs.count("media") + gcs.count("insert") + gcs.count("compose")


async def test_google_makes_them_with_what_belongs_to_them(gcs: GcsServer, copier: Copier) -> None:
    report = await run_task(copier, "gs://bucket/from/", "gs://bucket/to/")

    assert copies(gcs) == MADE_OF
    assert (came_by(gcs), gcs.count("rewrite")) == (0, 1 + 1 + 3)
    made = gcs.bucket.objects["to/sub/large"]
    assert (made.content_type, made.metadata) == ("text/plain", {"of": "test"})
    assert report.progress.bytes_moved == sum(map(len, TREE.values()))


async def test_what_must_not_be_replaced_is_carried(gcs: GcsServer, copier: Copier) -> None:
    await run_task(copier, "gs://bucket/from/", "gs://bucket/to/", compare=Compare.NEVER)

    assert (copies(gcs), gcs.count("rewrite")) == (MADE_OF, 0)


async def test_who_may_not_copy_may_carry(gcs: GcsServer, copier: Copier) -> None:
    gcs.fail("rewrite", *[Refuse(403)] * 5)

    await run_task(copier, "gs://bucket/from/", "gs://bucket/to/")

    assert copies(gcs) == MADE_OF


async def test_a_copy_that_makes_no_headway_is_given_up(gcs: GcsServer, copier: Copier, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lading.testing.gcs_server_calls.REWRITTEN", 0)

    await run_task(copier, "gs://bucket/from/sub/large", "gs://bucket/to/")

    assert copies(gcs) == {"to/large": LARGE}
    assert gcs.count("rewrite") == 2


@pytest.mark.parametrize("fault", [Refuse(503), Drop(), LoseAnswer()], ids=repr)
async def test_what_goes_wrong_for_a_moment_is_healed(gcs: GcsServer, copier: Copier, fault: Fault) -> None:
    gcs.fail("rewrite", fault)

    await run_task(copier, "gs://bucket/from/", "gs://bucket/to/")

    assert (copies(gcs), came_by(gcs), gcs.unused) == (MADE_OF, 0, [])


async def test_an_object_that_is_replaced_meanwhile_is_named(gcs: GcsServer, copier: Copier) -> None:
    gcs.fail("rewrite", Meanwhile(lambda: gcs.bucket.insert("from/sub/large", LARGE[::-1])))

    with pytest.raises(ObjectChangedError, match=r"from/.* was replaced"):
        await run_task(copier, "gs://bucket/from/sub/large", "gs://bucket/to/")

    assert copies(gcs) == {}
