"""Receipts: one small file per version beside the objects, from which a lost catalogue can be rebuilt."""

import re
from typing import Any

import msgspec

from ..errors import FormatNewerError, InvalidValueError, ManifestError
from .digest import digest_label
from .keys import receipt_key
from .metadata import metadata
from .names import alias_list, collection_name, entity_name, project_name, tag_list, type_name

FORMAT = 1
_WORD = re.compile(r"[0-9A-Za-z_-]{1,128}").fullmatch
_MAX_SIZE, _MAX_INDEX, _MAX_TIME = 1 << 63, 10**18, 253402300800.0  # what a catalogue, a version's name and a date can hold


class Receipt(msgspec.Struct, frozen=True):
    """`versions/<entity>/<project>/<collection>/v<index>.json`, format 1. Times in seconds since 1970, UTC. It says what the
    version was when it was committed; later edits of names are the catalogue's alone."""

    format: int
    entity: str
    project: str
    collection: str
    index: int
    type: str
    version_id: str
    entity_id: str
    digest: str
    tree_digest: str
    digest_algorithm: str
    document: str
    size: int
    file_count: int
    description: str | None
    metadata: dict[str, Any]
    aliases: list[str]
    tags: list[str]
    created_at: float

    @property
    def key(self) -> str:
        return receipt_key(self.entity, self.project, self.collection, self.index)


class _Head(msgspec.Struct):
    format: int


def encode_receipt(receipt: Receipt) -> bytes:
    """As it lies in a store: indented, for people."""
    return msgspec.json.format(msgspec.json.encode(receipt), indent=2) + b"\n"


def decode_receipt(data: bytes, name: str) -> Receipt:
    """Raise `FormatNewerError` for a later format, `ManifestError` for what is no receipt, or has names that nothing could have
    been logged under; both name it."""
    try:
        head = msgspec.json.decode(data, type=_Head)
        if head.format > FORMAT:
            raise FormatNewerError(f"{name} has format {head.format}; this lading reads up to {FORMAT}", hint="upgrade lading")
        receipt = msgspec.json.decode(data, type=Receipt)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ManifestError(f"{name} is no receipt: {error}") from error
    try:
        _check(receipt)
    except InvalidValueError as error:
        raise ManifestError(f"{name} is no receipt: {error.message}") from error
    return receipt


def _check(receipt: Receipt) -> None:
    """Raise `InvalidValueError` for names that become folders, or mean something else, where the version is used, and for what no
    catalogue can hold."""
    entity_name(receipt.entity)
    project_name(receipt.project)
    type_name(receipt.type, name=collection_name(receipt.collection))
    alias_list(receipt.aliases)
    tag_list(receipt.tags)
    digest_label(receipt.digest_algorithm)
    metadata(receipt.metadata)
    for name in ("version_id", "entity_id", "digest", "tree_digest", "document"):  # they become parts of keys and URIs
        if not _WORD(text := getattr(receipt, name)):
            raise InvalidValueError(f"{text[:128]!r} is no {name}")
    for name, number, limit in (
        ("index", receipt.index, _MAX_INDEX),
        ("size", receipt.size, _MAX_SIZE),
        ("file_count", receipt.file_count, _MAX_SIZE),
        ("created_at", receipt.created_at, _MAX_TIME),
    ):
        if not 0 <= number < limit:
            raise InvalidValueError(f"its {name} is {str(number)[:40]}")
