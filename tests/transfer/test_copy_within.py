"""Copies within S3: the server makes them, and no byte of them comes by here; where it does not, they are carried."""

from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from pathlib import Path

import pytest

from lading.errors import ObjectChangedError
from lading.store.http.connection import close_idle
from lading.testing.buckets import run_task
from lading.testing.s3_server import Fault, Late, LoseAnswer, Meanwhile, Refuse, S3Server
from lading.testing.s3_server_auth import Key
from lading.testing.trees import seeded
from lading.transfer.copier import Copier
from lading.transfer.pairs import Compare
from lading.transfer.scheduler import Retry

LARGE = seeded((20 << 20) + 5)  # two parts
TREE = {"a b+é.txt": b"small", "empty": b"", "sub/large": LARGE}
MADE_OF = {f"to/{name}": data for name, data in TREE.items()}


@pytest.fixture
def s3(aws: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Server]:
    (aws / "config").write_text("[profile other]\naws_access_key_id = OTHER\naws_secret_access_key = another\n")
    monkeypatch.setattr("lading.store.s3.copying.MOST_WHOLE", 1 << 20)
    with S3Server(keys={"AKIA": Key("secret"), "OTHER": Key("another")}) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        for name, data in TREE.items():
            server.bucket.put(f"from/{name}", data, {"content-type": "text/plain", "x-amz-meta-of": name.partition(" ")[0]})
        yield server
        close_idle()


@pytest.fixture
async def copier(aws: Path) -> AsyncIterator[Copier]:
    async with aclosing(Copier(retry=Retry(base=0.0))) as copier:
        yield copier


def copies(s3: S3Server) -> dict[str, bytes]:
    """What lies at the destination. Nothing is left in the making."""
    assert s3.bucket.uploads == {}
    return {key: one.data for key, one in s3.bucket.objects.items() if key.startswith("to/")}


def carried(s3: S3Server) -> int:
    """How many bytes came by here, of objects."""
    return sum(len(call.body) for call in s3.calls if call.kind in ("put", "part") and call.key.startswith("to/"))


async def test_the_server_makes_them(s3: S3Server, copier: Copier) -> None:
    report = await run_task(copier, "s3://bucket/from/", "s3://bucket/to/")

    assert copies(s3) == MADE_OF
    assert (carried(s3), s3.count("get")) == (0, 0)
    assert (s3.count("copy"), s3.count("copy part")) == (1, 2)  # of nothing there is nothing to copy
    assert report.progress.bytes_moved == sum(map(len, TREE.values()))


async def test_whole_ones_keep_what_belongs_to_them(s3: S3Server, copier: Copier, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lading.store.s3.copying.MOST_WHOLE", len(LARGE))

    report = await run_task(copier, "s3://bucket/from/", "s3://bucket/to/")

    assert copies(s3) == MADE_OF
    assert (s3.count("copy"), s3.count("begin")) == (2, 0)
    kept = [s3.bucket.objects[f"to/{name}"].kept for name in ("a b+é.txt", "sub/large")]
    assert kept == [{"content-type": "text/plain", "x-amz-meta-of": of} for of in ("a", "sub/large")]
    assert report.progress.bytes_moved == sum(map(len, TREE.values()))


async def test_a_limit_of_the_network_does_not_make_them_come_by(s3: S3Server) -> None:
    async with aclosing(Copier(max_bandwidth=1 << 20)) as copier:
        await run_task(copier, "s3://bucket/from/", "s3://bucket/to/")

    assert (copies(s3), carried(s3)) == (MADE_OF, 0)


@pytest.mark.parametrize("way", ["refused", "empty"])
async def test_a_server_that_does_not_or_only_says_so_is_found_out(s3: S3Server, copier: Copier, way: str) -> None:
    s3.bucket.rules.copies = way

    await run_task(copier, "s3://bucket/from/", "s3://bucket/to/")
    asked = s3.count("copy") + s3.count("copy part")
    await run_task(copier, "s3://bucket/from/", "s3://bucket/to/")

    assert (copies(s3), carried(s3)) == (MADE_OF, 2 * sum(map(len, TREE.values())))
    assert 1 <= asked <= 3  # those that were under way together
    assert s3.count("copy") + s3.count("copy part") == asked


@pytest.mark.parametrize("source", ["s3://bucket/from/?profile=other", "s3://bucket/from/a b+é.txt"])
async def test_what_others_may_read_and_what_must_not_be_replaced_is_carried(s3: S3Server, copier: Copier, source: str) -> None:
    compare = Compare.ALWAYS if "profile" in source else Compare.NEVER

    await run_task(copier, source, "s3://bucket/to/", compare=compare)

    assert copies(s3)["to/a b+é.txt"] == b"small"
    assert s3.count("copy") + s3.count("copy part") == 0


async def test_who_may_not_copy_may_carry(s3: S3Server, copier: Copier) -> None:
    s3.fail("copy", Refuse(403, "AccessDenied"))

    await run_task(copier, "s3://bucket/from/a b+é.txt", "s3://bucket/to/")

    assert copies(s3) == {"to/a b+é.txt": b"small"}


@pytest.mark.parametrize("fault", [Refuse(503, "SlowDown"), Late("InternalError"), LoseAnswer()], ids=repr)
@pytest.mark.parametrize("call", ["copy", "copy part"])
async def test_what_goes_wrong_for_a_moment_is_healed(s3: S3Server, copier: Copier, call: str, fault: Fault) -> None:
    s3.fail(call, fault)

    await run_task(copier, "s3://bucket/from/", "s3://bucket/to/")

    assert (copies(s3), carried(s3), s3.unused) == (MADE_OF, 0, [])


@pytest.mark.parametrize(("call", "name"), [("copy", "a b+é.txt"), ("copy part", "sub/large")])
async def test_an_object_that_is_replaced_meanwhile_is_named(s3: S3Server, copier: Copier, call: str, name: str) -> None:
    s3.fail(call, Meanwhile(lambda: s3.bucket.put(f"from/{name}", TREE[name][::-1], {})))

    with pytest.raises(ObjectChangedError, match=r"from/.* was replaced"):
        await run_task(copier, f"s3://bucket/from/{name}", "s3://bucket/to/")

    assert copies(s3) == {}
