"""Receipts: one small file per version beside the objects, from which a lost catalogue can be rebuilt."""

from typing import Any

import msgspec

from ..errors import FormatNewerError, ManifestError
from .keys import receipt_key

FORMAT = 1


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
    """Raise `FormatNewerError` for a later format, `ManifestError` for what is no receipt; both name it."""
    try:
        head = msgspec.json.decode(data, type=_Head)
        if head.format > FORMAT:
            raise FormatNewerError(f"{name} has format {head.format}; this lading reads up to {FORMAT}", hint="upgrade lading")
        return msgspec.json.decode(data, type=Receipt)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ManifestError(f"{name} is no receipt: {error}") from error
