"""What W&B writes, byte for byte, in what SEMANTICS 2.1 gives of it, and JSON that is read."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from lading.errors import InvalidTypeError, ManifestError
from lading.media.classes import Classes
from lading.media.document import Rows, read_document, write_document
from lading.media.table import Table

GOLDEN_IMAGE = (
    '{"_type": "image-file", "classes": {"digest": "eG00DqdCcCBqphilriLNfw==", '
    '"path": "media/classes/65347c6442e21b09b198d62e080e46ce_cls.classes.json", "type": "classes-file"}, "format": "png", '
    '"height": 2, "path": "media/images/641e917f31888a48f546/2x2.png", '
    '"sha256": "641e917f31888a48f54688c2dec6c93487a23008db71fbabf48bd855c7e2dbe2", "width": 2}'
)
GOLDEN_CLASSES = "media/classes/65347c6442e21b09b198d62e080e46ce_cls"


def test_the_image_of_semantics_is_read_and_written_again(album: Any) -> None:
    """What lies under the path of the picture does not matter to the document."""
    album.value(Classes([{"id": 0, "name": "person"}]), GOLDEN_CLASSES)
    album.files["media/images/641e917f31888a48f546/2x2.png"] = b"a picture"

    image = album.read(json.loads(GOLDEN_IMAGE))
    stored = album.value(image, "my-image")

    assert album.files["my-image.image-file.json"].decode() == GOLDEN_IMAGE
    assert (len(GOLDEN_IMAGE), stored.digest) == (346, "IcEgVbPW7fE1a+g577K+VQ==")


def test_the_table_of_images_of_semantics(album: Any) -> None:
    album.value(Classes([{"id": 0, "name": "person"}]), GOLDEN_CLASSES)
    album.files["media/images/641e917f31888a48f546/2x2.png"] = b"a picture"
    image = album.read(json.loads(GOLDEN_IMAGE))

    stored = album.value(Table(["examples"], data=[[image], [image]]), "my-table")

    assert (len(album.files["my-table.table.json"]), stored.digest) == (1476, "4cthfS5X+SxpFwajjuhrMw==")


def test_nothing_of_a_document_depends_on_the_order_of_keys(tmp_path: Path) -> None:
    """SEMANTICS 1.5: json.dump(val, f, sort_keys=True), default separators, NaN not blocked."""
    document = {"b": [1, float("nan")], "a": {"d": 1, "c": "é"}}
    with (tmp_path / "document").open("w") as file:
        write_document(document, file)

    written = (tmp_path / "document").read_bytes()
    assert written == json.dumps(document, sort_keys=True).encode() == b'{"a": {"c": "\\u00e9", "d": 1}, "b": [1, NaN]}'
    assert hashlib.md5(json.dumps(read_document(written, "d"), sort_keys=True).encode()).digest() == hashlib.md5(written).digest()


def test_rows_are_written_one_by_one(tmp_path: Path) -> None:
    with (tmp_path / "document").open("w") as file:
        write_document({"empty": Rows([]), "rows": Rows([1, None] for _ in range(2))}, file)

    assert (tmp_path / "document").read_text() == '{"empty": [], "rows": [[1, null], [1, null]]}'


@pytest.mark.parametrize("value", [object(), {1: 2, "a": 3}, b"bytes"])
def test_what_json_cannot_say_is_an_error_of_ours(tmp_path: Path, value: object) -> None:
    with (tmp_path / "document").open("w") as file, pytest.raises(InvalidTypeError, match="JSON cannot say it"):
        write_document([value], file)


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b"[" * 100_000, b"1" * 10_000])
def test_what_is_no_json_names_the_entry(data: bytes) -> None:
    with pytest.raises(ManifestError, match=r"^t\.table\.json: not JSON"):
        read_document(data, "t.table.json")


def test_numbers_of_any_size_stay_what_they_are() -> None:
    assert read_document(str(2**99).encode(), "n") == 2**99
