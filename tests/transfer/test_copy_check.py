"""What a copy is compared with: a digest that was given, or the checksum that the store states."""

from pathlib import Path

import pytest

from lading.errors import (
    DigestMismatchError,
    InvalidValueError,
    StoreError,
)
from lading.manifest.digest import LEAF_SIZE
from lading.store.jobs import WriteJob
from lading.store.store import PART_SIZE, ObjectMeta, Write
from lading.testing.buckets import Buckets, run_task
from lading.testing.trees import read_tree, seeded, write_tree
from lading.testing.wrappers import FaultyStore, TracedStore
from lading.transfer.copier import Copier
from lading.transfer.copy_task import Task

BIG = seeded(2 * LEAF_SIZE + 5)
TREE = {"a.txt": b"a", "empty": b"", "sub/b.txt": b"bb", "sub/deep/big": BIG}


DIGESTS = [
    ("blake3:ea8f163db38682925e4491c5e58d4bb3506ef8c14eb78a86e908c5624a67200f", b"hello"),
    ("sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824", b"hello"),
    ("MD5:5D41402ABC4B2A76B9719D911017C592", b"hello"),
]


@pytest.mark.parametrize(("digest", "data"), DIGESTS)
@pytest.mark.parametrize("way", ["down", "up", "across", "local"])
async def test_a_digest_that_was_given_is_compared(
    copier: Copier, buckets: Buckets, tmp_path: Path, digest: str, data: bytes, way: str
) -> None:
    buckets.stores["s3://from"] = traced = TracedStore(buckets.fill("s3://from", {"a": data, "wrong": b"jello"}))
    buckets.fill("s3://to", {})
    write_tree(tmp_path / "x", {"a": data, "wrong": b"jello"})
    source = "s3://from" if way in ("down", "across") else "x"
    target = "s3://to" if way in ("up", "across") else "out"

    await run_task(copier, f"{source}/a", f"{target}/a", digest=digest)
    with pytest.raises(DigestMismatchError, match=digest.lower()):
        await run_task(copier, f"{source}/wrong", f"{target}/wrong", digest=digest)

    there = buckets.held("s3://to") if target == "s3://to" else read_tree(tmp_path / "out")
    assert there == {"a": data}
    assert len(traced.ranges("wrong")) == (source == "s3://from")


@pytest.mark.parametrize("text", ["sha256:12", "sha1:" + "0" * 40, "0" * 64, "md5:" + "g" * 32])
def test_what_is_no_digest_is_refused(text: str) -> None:
    with pytest.raises(InvalidValueError, match="is no digest"):
        Task(source="a", destination="b", digest=text)


async def test_a_digest_is_that_of_one_object(copier: Copier, buckets: Buckets, tmp_path: Path) -> None:
    write_tree(tmp_path / "x", TREE)

    with pytest.raises(InvalidValueError, match="more than one"):
        await run_task(copier, "x/", "out", digest=DIGESTS[0][0])


class Lying(FaultyStore):
    """It says that it stored what it did not."""

    def put(self, key: str, size: int, *, replace: bool = False) -> WriteJob:
        return super().put(f"lost/{key}", size, replace=True)

    async def begin(self, key: str, size: int, *, part: int = PART_SIZE, replace: bool = False) -> Write:
        return await super().begin(f"lost/{key}", size, part=part, replace=True)


@pytest.mark.parametrize("size", [10, 2 * LEAF_SIZE + 5])
@pytest.mark.parametrize("way", ["down", "up", "across"])
async def test_verify_finds_a_flipped_bit(copier: Copier, buckets: Buckets, tmp_path: Path, way: str, size: int) -> None:
    contents = {"a": seeded(size)}
    for url in ("s3://from", "s3://to"):
        buckets.stores[url] = FaultyStore(buckets.fill(url, contents if url == "s3://from" else {}))
    write_tree(tmp_path / "x", contents)
    source, target = {"down": ("s3://from/", "out"), "up": ("x/", "s3://to"), "across": ("s3://from/", "s3://to")}[way]

    right = await run_task(copier, source, target, verify=True)

    assert right.progress.files_done == 1
    damaged = buckets.stores["s3://from"]
    assert isinstance(damaged, FaultyStore)
    if way == "up":
        (tmp_path / "x/a").write_bytes(contents["a"][::-1])
        buckets.stores["s3://to"] = Lying(buckets.memories["s3://to"])
        copier = Copier(opener=buckets)
    else:
        damaged.flip(times=50)
    with pytest.raises(DigestMismatchError):
        await run_task(copier, source, target, verify=True)
    if way == "up":
        await copier.aclose()
    if way == "down":
        assert read_tree(tmp_path / "out") == contents


async def test_verify_needs_a_checksum_of_the_store(copier: Copier, buckets: Buckets, tmp_path: Path) -> None:
    class Mute(TracedStore):
        async def head(self, key: str) -> ObjectMeta:
            meta = await super().head(key)
            return ObjectMeta(meta.key, meta.size, meta.etag)

    buckets.stores["s3://b"] = Mute(buckets.fill("s3://b", {"a": b"a"}))
    write_tree(tmp_path / "x", {"b": b"b"})

    with pytest.raises(StoreError, match="states no checksum"):
        await run_task(copier, "s3://b/a", "out/", verify=True)
    await run_task(copier, "x/b", "s3://b/", verify=True)  # what was sent is read back

    assert read_tree(tmp_path / "out") == {}
    assert buckets.held("s3://b") == {"a": b"a", "b": b"b"}
