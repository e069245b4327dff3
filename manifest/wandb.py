"""W&B's forms: its MD5 labels, its manifest digest, and its manifest documents of version 1."""

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping
from operator import itemgetter
from typing import Any

import msgspec

from ..errors import ManifestError
from .digest import Algorithm
from .entry import FOREIGN, Entries, Entry, EntryMap, check_entry, shown_digest
from .paths import check_path, find_clash

VERSION = 1
BIRTH = "birthArtifactID"
_HEADER = b"wandb-artifact-manifest-v1\n"
_MD5 = re.compile(r"[A-Za-z0-9+/]{22}==").fullmatch


class _Item(msgspec.Struct, rename={"birth": BIRTH}):
    digest: str
    size: int | None = None
    ref: str | None = None
    birth: str | None = None
    extra: dict[str, Any] = {}


def md5_label(md5: bytes) -> str:
    """W&B's spelling of an MD5: base64."""
    return base64.b64encode(md5).decode()


def wandb_digest(items: Iterable[tuple[str, str]]) -> str:
    """W&B's manifest digest of (path, shown digest), in any order."""
    lines = "".join(f"{path}:{digest}\n" for path, digest in sorted(items, key=itemgetter(0)))
    return hashlib.md5(_HEADER + lines.encode(), usedforsecurity=False).hexdigest()


def to_manifest_json(entries: EntryMap) -> dict[str, Any]:
    """W&B's manifest document of version 1, with the digests that are shown. Leaves and places have no room in it."""
    return {
        "version": VERSION,
        "storagePolicy": "wandb-storage-policy-v1",
        "storagePolicyConfig": {"storageLayout": "V2"},
        "contents": {path: _item(entries[path]) for path in sorted(entries)},
    }


def from_manifest_json(document: Mapping[str, Any]) -> Entries:
    """The entries of a W&B document: references, and foreign files known by their MD5. Raise `ManifestError` for any other."""
    version = document.get("version")
    if type(version) is not int or version != VERSION:
        raise ManifestError(f"W&B manifest: version {version!r} is not the number {VERSION}")
    try:
        items = msgspec.convert(document.get("contents"), dict[str, _Item])
    except msgspec.ValidationError as error:
        raise ManifestError(f"W&B manifest: {error}") from error
    entries = {path: _entry(path, item) for path, item in items.items()}
    if clash := find_clash(entries):
        raise ManifestError(f"W&B manifest: {clash[0]!r} is a file, and a folder in {clash[1]!r}")
    return entries


def _item(entry: Entry) -> dict[str, Any]:
    extra = {key: value for key, value in entry.extra.items() if key != BIRTH}
    item = {BIRTH: entry.extra.get(BIRTH), "ref": entry.ref, "size": entry.size, "extra": extra or None}
    return {"digest": shown_digest(entry)} | {key: value for key, value in item.items() if value is not None}


def _entry(path: str, item: _Item) -> Entry:
    check_path(path, md5=True)
    extra = item.extra if item.birth is None else item.extra | {BIRTH: item.birth}
    if item.ref is not None:
        entry = Entry(item.digest, size=item.size, ref=item.ref, extra=extra)
        check_entry(path, entry, Algorithm.BLAKE3)
        return entry
    if item.extra.get("alg", "MD5") != "MD5":
        raise ManifestError(f"W&B manifest: {path!r} has a digest of kind {item.extra['alg']!r}, not MD5")
    if not _MD5(item.digest):
        raise ManifestError(f"W&B manifest: the digest {item.digest!r} of {path!r} is no MD5")
    if item.size is not None and not 0 <= item.size < 1 << 63:
        raise ManifestError(f"W&B manifest: {item.size} is not the size of {path!r}")
    return Entry(FOREIGN + item.digest, size=item.size, md5=item.digest, extra=extra)
