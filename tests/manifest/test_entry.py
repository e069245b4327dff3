"""Entries: a digest proves its leaf list."""

import base64
import hashlib

import msgspec
import pytest

from lading.errors import ManifestError
from lading.manifest.digest import LEAF_SIZE, Algorithm, leaf_digest, root_digest
from lading.manifest.entry import Entry, Place, check_entry, has_tree_digest, leaf_digests, shown_digest

HEX = "0" * 64
LEAVES = [leaf_digest(Algorithm.BLAKE3, b"a"), leaf_digest(Algorithm.BLAKE3, b"b")]
LONG = Entry(root_digest(Algorithm.BLAKE3, LEAVES), size=LEAF_SIZE + 1, leaves=b"".join(LEAVES).hex())
LABEL = base64.b64encode(hashlib.md5(b"hello").digest()).decode()


@pytest.mark.parametrize(
    "entry",
    [
        Entry(HEX, size=0),
        Entry(HEX, size=LEAF_SIZE, md5=LABEL, extra={"executable": True}),
        LONG,
        Entry("etag", ref="s3://b/k"),
        Entry("s3://b/k", ref="s3://b/k", size=0, extra={"versionID": "1"}),
        Entry(HEX, size=3, place=Place(HEX, 4, 7)),
    ],
    ids=repr,
)
def test_good_entries(entry: Entry) -> None:
    check_entry("p", entry, Algorithm.BLAKE3)


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        (Entry(HEX, size=-1), "not a size"),
        (Entry(HEX, size=1 << 63), "not a size"),
        (Entry("etag", size=-1, ref="s3://b/k"), "not a size"),
        (Entry(HEX), "without a size"),
        (Entry(HEX[:-1], size=0), "not a tree digest"),
        (Entry("A" * 64, size=0), "not a tree digest"),
        (Entry(HEX + "\n", size=0), "not a tree digest"),
        (Entry("md5:" + LABEL, size=5, md5=LABEL), "not a tree digest"),
        (Entry(HEX, size=5, md5="evil\nline"), "not an MD5 label"),
        (Entry(HEX, size=LEAF_SIZE + 1), "does not fit"),
        (Entry(HEX, size=5, leaves=HEX), "does not fit"),
        (msgspec.structs.replace(LONG, size=2 * LEAF_SIZE + 1), "does not fit"),
        (msgspec.structs.replace(LONG, digest=HEX), "does not hash to"),
        (msgspec.structs.replace(LONG, leaves=b"".join(reversed(LEAVES)).hex()), "does not hash to"),
        (msgspec.structs.replace(LONG, leaves=b"".join(LEAVES).hex().upper()), "lowercase hex"),
        (msgspec.structs.replace(LONG, leaves="zz" * 64), "lowercase hex"),
        (msgspec.structs.replace(LONG, leaves=b"".join(LEAVES).hex()[:-2] + " 0"), "lowercase hex"),
        (Entry("etag", ref="s3://b/k", leaves=HEX * 2), "no leaves"),
        (Entry("e\ntag", ref="s3://b/k"), "control characters"),
        (Entry(HEX, size=3, place=Place(HEX, 4, 8)), "place"),
        (Entry(HEX, size=3, place=Place(HEX, -3, 0)), "place"),
        (Entry(HEX, size=3, place=Place("../x", 0, 3)), "place"),
    ],
    ids=repr,
)
def test_bad_entries_are_refused_by_name(entry: Entry, why: str) -> None:
    with pytest.raises(ManifestError, match=why) as caught:
        check_entry("some/path", entry, Algorithm.BLAKE3)

    assert "some/path" in str(caught.value)


def test_leaves_of_another_algorithm_are_refused() -> None:
    with pytest.raises(ManifestError):
        check_entry("p", LONG, Algorithm.SHA256)


def test_leaf_digests() -> None:
    assert leaf_digests(LONG) == tuple(LEAVES)
    assert leaf_digests(Entry(HEX, size=5)) == (bytes(32),)
    assert leaf_digests(Entry("etag", ref="s3://b/k")) == ()
    assert leaf_digests(Entry("md5:" + LABEL, md5=LABEL)) == ()


def test_people_see_the_label_where_there_is_one() -> None:
    assert shown_digest(Entry(HEX, size=5, md5=LABEL)) == LABEL
    assert shown_digest(Entry(HEX, size=5)) == HEX


def test_only_stored_content_has_a_tree_digest() -> None:
    assert has_tree_digest(Entry(HEX, size=5, md5=LABEL))
    assert not has_tree_digest(Entry(HEX, ref="s3://b/k"))
    assert not has_tree_digest(Entry("md5:" + LABEL, md5=LABEL))


def test_entries_do_not_share_their_extra() -> None:
    assert Entry(HEX).extra is not Entry(HEX).extra
