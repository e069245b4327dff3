"""Receipts are text that reads back, and nothing else is taken for one."""

import json
from typing import Any

import pytest
from msgspec.structs import replace

from lading.errors import FormatNewerError, ManifestError
from lading.manifest.receipt import decode_receipt, encode_receipt
from lading.testing.catalog_upkept import receipt


def test_a_receipt_reads_back_and_says_where_it_lies() -> None:
    one = replace(receipt(3, aliases=("latest",)), metadata={"é": [1, None, {"deep": 1.5}]}, description=None)

    assert decode_receipt(encode_receipt(one), "x") == one
    assert one.key == "versions/e/p/c/v3.json"
    assert encode_receipt(one).count(b"\n") > 15


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"\xff", b'{"format": 1}', encode_receipt(receipt(1))[:-5]])
def test_what_is_no_receipt_is_refused_by_name(data: bytes) -> None:
    with pytest.raises(ManifestError, match=r"^versions/v1 is no receipt"):
        decode_receipt(data, "versions/v1")


@pytest.mark.parametrize(
    "wrong",
    [
        {"collection": ".."},
        {"collection": "a/../evil"},
        {"collection": "a:v0"},
        {"project": ".."},
        {"project": "a/b"},
        {"entity": ""},
        {"type": "wandb-history"},
        {"aliases": ["v7"]},
        {"aliases": ["a:../evil"]},
        {"tags": ["a!"]},
        {"digest_algorithm": "CRC32"},
        {"index": -1},
        {"index": 10**18},
        {"size": 1 << 63},
        {"file_count": -1},
        {"created_at": 1e300},
        {"version_id": "a/../../b"},
        {"entity_id": ".."},
        {"document": ""},
        {"digest": "a\x1b[2J"},
        {"tree_digest": "a" * 129},
        {"metadata": {str(number): number for number in range(101)}},
        {"metadata": {"a": json.loads("[" * 100 + "]" * 100)}},
    ],
    ids=lambda wrong: "-".join(wrong),
)
def test_names_and_numbers_that_cannot_be_are_refused(wrong: dict[str, Any]) -> None:
    """SEMANTICS 1.6: "root name: allows `a:v0`, forbids `a:../evil`". Downloads go to folders of these names."""
    data = encode_receipt(replace(receipt(1), **wrong))

    with pytest.raises(ManifestError, match=r"^versions/v1 is no receipt: "):
        decode_receipt(data, "versions/v1")


def test_a_later_format_is_refused() -> None:
    with pytest.raises(FormatNewerError, match="upgrade lading"):
        decode_receipt(b'{"format": 2}', "x")
