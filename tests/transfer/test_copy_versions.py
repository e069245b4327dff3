"""Copies from a bucket that keeps versions: what is read is one of them, whatever happens to the object meanwhile."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing
from pathlib import Path

import pytest

from lading.errors import InvalidValueError, NotFoundError, ObjectChangedError
from lading.manifest.digest import LEAF_SIZE
from lading.store.http.connection import close_idle
from lading.testing.buckets import run_task
from lading.testing.s3_server import Meanwhile, S3Server
from lading.testing.s3_server_bucket import Rules
from lading.testing.trees import read_tree, seeded
from lading.transfer.copier import Copier

OLD = {"large": seeded(4 * LEAF_SIZE + 5), "small": b"first"}
NEW = {name: data[::-1] for name, data in OLD.items()}


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Server]:
    monkeypatch.setattr("lading.store.s3.facts._facts", {})
    with S3Server(rules=Rules(versioned=True)) as server:
        yield server
        close_idle()


@pytest.fixture
async def copier(s3: S3Server) -> AsyncIterator[Copier]:
    async with aclosing(Copier(concurrency=1, options={"endpoint": s3.url, "anonymous": "1"})) as copier:
        yield copier


def replacing(s3: S3Server, name: str) -> Callable[[], object]:
    """Puts another version in the place of the object."""
    return lambda: s3.bucket.put(name, NEW[name], {})


@pytest.mark.parametrize("name", list(OLD))
async def test_a_version_that_is_named_comes_whole_although_the_object_is_replaced(
    copier: Copier, s3: S3Server, tmp_path: Path, name: str
) -> None:
    version = s3.bucket.put(name, OLD[name], {}).version
    s3.fail("get", *[Meanwhile(replacing(s3, name))] * (2 if name == "large" else 1))

    await run_task(copier, f"s3://bucket/{name}?versionId={version}", f"{tmp_path}/", verify=True)

    assert read_tree(tmp_path) == {name: OLD[name]}
    assert s3.bucket.objects[name].data == NEW[name]
    assert {call.query.get("versionId") for call in s3.calls} == {version}
    assert s3.unused == []


@pytest.mark.parametrize("name", list(OLD))
async def test_without_one_a_replaced_object_is_an_error_and_leaves_nothing(
    copier: Copier, s3: S3Server, tmp_path: Path, name: str
) -> None:
    s3.bucket.put(name, OLD[name], {})
    s3.fail("get", Meanwhile(replacing(s3, name)))

    with pytest.raises(ObjectChangedError):
        await run_task(copier, f"s3://bucket/{name}", f"{tmp_path}/")

    assert read_tree(tmp_path) == {}
    await run_task(copier, f"s3://bucket/{name}", f"{tmp_path}/")
    assert read_tree(tmp_path) == {name: NEW[name]}


async def test_a_version_that_is_gone_is_named(copier: Copier, s3: S3Server, tmp_path: Path) -> None:
    s3.bucket.put("small", b"there", {})

    with pytest.raises(NotFoundError, match="small"):
        await run_task(copier, "s3://bucket/small?versionId=v999", f"{tmp_path}/")

    assert read_tree(tmp_path) == {}


@pytest.mark.parametrize("size", [1, 2 * LEAF_SIZE])
async def test_a_version_is_not_written_to(copier: Copier, s3: S3Server, tmp_path: Path, size: int) -> None:
    (tmp_path / "a").write_bytes(bytes(size))

    with pytest.raises(InvalidValueError, match="a version, which nothing can change"):
        await run_task(copier, tmp_path / "a", "s3://bucket/a?versionId=v1")

    assert s3.bucket.objects == {}
