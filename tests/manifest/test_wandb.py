"""W&B's digests and documents, as its published client makes them (SEMANTICS 2.1, 2.2)."""

import base64
import hashlib
import json
from typing import Any

import pytest

from lading.errors import ManifestError
from lading.manifest.entry import Entries, Entry, has_tree_digest, shown_digest
from lading.manifest.wandb import from_manifest_json, md5_label, to_manifest_json, wandb_digest

HEX = "0" * 64
TABLE = (
    b'{"_type": "table", "column_types": {"params": {"type_map": {"a": {"params": {"allowed_types": [{"wb_type": "none"}, '
    b'{"wb_type": "number"}]}, "wb_type": "union"}, "b": {"params": {"allowed_types": [{"wb_type": "none"}, '
    b'{"wb_type": "string"}]}, "wb_type": "union"}}}, "wb_type": "typedDict"}, "columns": ["a", "b"], '
    b'"data": [[1, "x"], [2.5, null]], "log_mode": "IMMUTABLE", "ncols": 2, "nrows": 2}'
)
CLASSES = b'{"_type": "classes", "class_set": [{"id": 0, "name": "person"}]}'
GREY = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAAAAABX3VL4AAAADklEQVR4nGNsYGBiYAAAApIAhPd8o1gAAAAASUVORK5CYII=")
IMAGE = (
    b'{"_type": "image-file", "classes": {"digest": "eG00DqdCcCBqphilriLNfw==", '
    b'"path": "media/classes/65347c6442e21b09b198d62e080e46ce_cls.classes.json", "type": "classes-file"}, "format": "png", '
    b'"height": 2, "path": "media/images/641e917f31888a48f546/2x2.png", '
    b'"sha256": "641e917f31888a48f54688c2dec6c93487a23008db71fbabf48bd855c7e2dbe2", "width": 2}'
)
PARTITIONED = b'{"_type": "partitioned-table", "parts_path": "dataset_parts"}'


def label(content: bytes) -> str:
    return md5_label(hashlib.md5(content).digest())


HELLO = label(b"hello")
ETAG = "1234567890abcde"
OF_IMAGE = {
    "media/classes/65347c6442e21b09b198d62e080e46ce_cls.classes.json": label(CLASSES),
    "media/images/641e917f31888a48f546/2x2.png": label(GREY),
    "my-image.image-file.json": label(IMAGE),
}
THREE = {"file1.txt": HELLO, "nest/file2.txt": label(b"my"), "nest/nest/file3.txt": label(b"dude")}


@pytest.mark.parametrize(
    ("content", "golden"),
    [
        (b"hello", "XUFAKrxLKna5cZ2REBfFkg=="),
        (TABLE, "CSrOgOQc5xdP3AupUd2BAg=="),
        (PARTITIONED, "uo/SjoAO+O7pcSfg+yhlDg=="),
        (CLASSES, "eG00DqdCcCBqphilriLNfw=="),
        (IMAGE, "IcEgVbPW7fE1a+g577K+VQ=="),
    ],
)
def test_golden_labels(content: bytes, golden: str) -> None:
    """SEMANTICS 2.1: "`base64(md5(bytes))`, 24 chars"."""
    assert label(content) == golden


@pytest.mark.parametrize(
    ("items", "golden"),
    [
        ({}, "64e7c61456b10382e2f3b571ac24b659"),
        ({"file1.txt": HELLO}, "a00c2239f036fb656c1dcbf9a32d89b4"),
        ({"great-file.txt": HELLO}, "585b9ada17797e37c9cbab391e69b8c5"),
        ({"subdir/file1.txt": HELLO}, "a757208d042e8627b2970d72a71bed5b"),
        (THREE, "72414374bfd4b0f60a116e7267845f71"),
        ({f"top/{path}": digest for path, digest in THREE.items()}, "f718baf2d4c910dc6ccd0d9c586fa00f"),
        ({"file1.txt": "abc"}, "48237ccc050a88af9dcd869dd5a7e9f4"),
        ({"ref": "ref://example.com/somefile.txt"}, "410ade94865e89ebe1f593f4379ac228"),
        ({"my_object.pb": ETAG}, "8aec0d6978da8c2b0bf5662b3fd043a4"),
        ({"my_object.pb": ETAG, "my_other_object.pb": ETAG}, "17955d00a20e1074c3bc96c74b724bfe"),
        ({"renamed.pb": ETAG}, "bd85fe009dc9e408a5ed9b55c95f47b2"),
        ({"dataset.partitioned-table.json": label(PARTITIONED)}, "c6a4d80ed84fd68df380425ded894b19"),
        ({"t.table.json": label(TABLE)}, "c89e48a573b31a821a12359e0e70c0ee"),
        (OF_IMAGE, "7772370e2243066215a845a34f3cc42c"),
    ],
)
def test_golden_manifests(items: dict[str, str], golden: str) -> None:
    """SEMANTICS 2.1, the table of golden values."""
    assert wandb_digest(items.items()) == golden
    assert wandb_digest(reversed(items.items())) == golden


def test_a_manifest_digest_by_hand() -> None:
    """SEMANTICS 2.1: "`hex(md5(b"wandb-artifact-manifest-v1\\n" + Σ over entries sorted by path …))`"."""
    by_hand = hashlib.md5(b"wandb-artifact-manifest-v1\n" + f"file1.txt:{HELLO}\n".encode()).hexdigest()

    assert wandb_digest([("file1.txt", HELLO)]) == by_hand


DOCUMENT: dict[str, Any] = {
    "version": 1,
    "storagePolicy": "wandb-storage-policy-v1",
    "storagePolicyConfig": {"storageLayout": "V2"},
    "contents": {
        "file1.txt": {"digest": HELLO, "birthArtifactID": "QXJ0aWZhY3Q6MQ==", "size": 5},
        "s3obj": {"digest": "e", "ref": "s3://b/k", "size": 10, "extra": {"etag": "e", "versionID": "v"}},
        "zero": {"digest": label(b""), "size": 0},
    },
}


def test_a_document_is_read_and_written_as_it_was() -> None:
    """SEMANTICS 2.2: "Defaults omitted; `path`, `local_path`, `skip_cache` never written"."""
    entries = from_manifest_json(json.loads(json.dumps(DOCUMENT)))

    assert to_manifest_json(entries) == DOCUMENT
    assert list(to_manifest_json(entries)["contents"]["file1.txt"]) == ["digest", "birthArtifactID", "size"]
    assert list(to_manifest_json(entries)["contents"]["s3obj"]) == ["digest", "ref", "size", "extra"]


def test_a_document_that_names_a_region_is_read() -> None:
    """SEMANTICS 2.2: "`storageRegion` may be added to the config"."""
    config = {"storageLayout": "V2", "storageRegion": "eu"}

    assert from_manifest_json(DOCUMENT | {"storagePolicyConfig": config}) == from_manifest_json(DOCUMENT)


def test_files_of_a_document_have_no_tree_digest() -> None:
    entries = from_manifest_json(DOCUMENT)

    assert entries["file1.txt"].digest == "md5:" + HELLO
    assert not has_tree_digest(entries["file1.txt"])
    assert shown_digest(entries["file1.txt"]) == HELLO
    assert entries["s3obj"] == Entry("e", size=10, ref="s3://b/k", extra={"etag": "e", "versionID": "v"})


def test_our_entries_are_written_with_their_labels() -> None:
    entries: Entries = {
        "b": Entry(HEX, size=5, md5=HELLO, leaves=HEX * 2),
        "a": Entry("abc", ref="https://x/y", extra={"etag": '"abc"'}),
    }

    document = to_manifest_json(entries)

    assert document["contents"] == {
        "a": {"digest": "abc", "ref": "https://x/y", "extra": {"etag": '"abc"'}},
        "b": {"digest": HELLO, "size": 5},
    }
    assert list(document["contents"]) == ["a", "b"]
    assert {key: document[key] for key in document if key != "contents"} == {key: DOCUMENT[key] for key in list(DOCUMENT)[:3]}


@pytest.mark.parametrize("version", ["1", 1.0, 0, 2, True, None])
def test_other_versions_are_refused(version: object) -> None:
    """SEMANTICS 2.2: "`version` must be the int 1 (`"1"`, `1.0` and 0/2 rejected)"."""
    with pytest.raises(ManifestError, match="version"):
        from_manifest_json(DOCUMENT | {"version": version})


@pytest.mark.parametrize(
    "contents",
    [
        None,
        [],
        {"a": None},
        {"a": {}},
        {"a": {"digest": 5}},
        {"a": {"digest": HELLO, "size": "5"}},
        {"a": {"digest": HELLO, "size": -5}},
        {"a": {"digest": HELLO, "extra": [1]}},
        {"a": {"digest": HEX, "size": 5}},
        {"a": {"digest": HELLO, "size": 5, "extra": {"alg": "XXH128"}}},
        {"a": {"digest": "e\nb:e", "ref": "s3://b/k"}},
        {"a": {"digest": "e", "ref": 5}},
        {"../a": {"digest": HELLO}},
        {"/a": {"digest": HELLO}},
        {"a/../../b": {"digest": HELLO}},
        {"C:a": {"digest": HELLO}},
        {"a//b": {"digest": HELLO}},
        {"": {"digest": HELLO}},
        {"a\nb": {"digest": HELLO}},
        {".lading-a": {"digest": HELLO}},
        {"a": {"digest": HELLO, "size": 1 << 63}},
        {"a": {"digest": HELLO}, "a/b": {"digest": HELLO}},
    ],
    ids=repr,
)
def test_hostile_documents_are_refused(contents: object) -> None:
    with pytest.raises(ManifestError):
        from_manifest_json(DOCUMENT | {"contents": contents})


def test_labels_are_base64() -> None:
    assert base64.b64decode(md5_label(bytes(range(16)))) == bytes(range(16))
