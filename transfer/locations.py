"""Locations: what the two sides of a copy name, taken apart. Pure."""

import re
from urllib.parse import unquote, urlsplit

from msgspec import Struct

from ..errors import InvalidValueError

WILD = re.compile(r"[*?]").search
_OPTIONS = re.compile(r"\?((?:(?:[a-z_]+|versionId)=[^&]*)(?:&(?:[a-z_]+|versionId)=[^&]*)*)\Z").search
_VERSION = re.compile(r"(?:(?<=&)|\A)versionId(?==)")  # as AWS writes it
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://").match
BUCKETS = {"s3", "gs"}


class Location(Struct, frozen=True):
    """A place on this machine (`store` is empty, `key` is a path) or in a store (`store` is its URL with its options, `key` what
    follows the bucket; nothing for a web address, which is the store of one object). A `wild` key is a pattern."""

    store: str
    key: str
    wild: bool = False

    @property
    def is_local(self) -> bool:
        return not self.store

    @property
    def is_listed(self) -> bool:
        """What lies there can be enumerated. Nobody can ask a web server for its files."""
        return not self.store.lower().startswith(("http://", "https://"))

    @property
    def is_folder(self) -> bool:
        """Its own spelling says that it is one: a store as a whole, or a name with a slash at the end."""
        if not self.is_listed:
            return False
        return not self.key or self.key.endswith("/") or (self.is_local and self.name in (".", ".."))

    @property
    def name(self) -> str:
        """What stands after the last slash; of a web address without its query."""
        if not self.is_listed:
            return unquote(urlsplit(self.store).path).rpartition("/")[2]
        return self.key.rpartition("/")[2]

    @property
    def pattern(self) -> str:
        """What names below the root of a wild location must match; empty for any other."""
        return self.key[len(self.root) :] if self.wild else ""

    @property
    def literal(self) -> str:
        """The key up to its first wildcard."""
        found = WILD(self.key) if self.wild else None
        return self.key[: found.start()] if found else self.key

    @property
    def root(self) -> str:
        """The key up to its last slash before any wildcard."""
        return self.literal[: len(self.literal) - len(self.literal.rpartition("/")[2])]

    @property
    def folder(self) -> str:
        """The key as a folder: with a slash at its end, or empty for all there is."""
        return self.key if not self.key or self.key.endswith("/") else f"{self.key}/"

    def __str__(self) -> str:
        return self.address(self.key)

    def address(self, key: str) -> str:
        """A key in the same store, as people may see it: without options, and without what may be a secret in a web address."""
        if self.is_local:
            return key
        place = self.store.partition("?")[0]
        if self.is_listed:
            return f"{place}/{key}"
        scheme, _, rest = place.partition("://")
        host, slash, path = rest.partition("/")
        return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"


def parse_location(text: str, *, raw: bool = False) -> Location:
    """A path, `file:///path`, `s3://bucket/key`, `gs://bucket/key` or `https://host/path`. Where things can be listed, `*` and
    `?` are wildcards unless it is `raw`. Options of a store may follow: `s3://bucket/key?endpoint=…&versionId=…`. Raise
    `InvalidValueError`."""
    if not text or "\0" in text:
        raise InvalidValueError(
            f"{text!r} names no file and no object", hint="PATH, s3://BUCKET/KEY, gs://BUCKET/KEY or an https:// URL"
        )
    found = _SCHEME(text)
    scheme = found[1].lower() if found else ""
    if not scheme:
        return _local(text, raw)
    if scheme == "file":
        parts = urlsplit(text)
        if parts.netloc not in ("", "localhost") or not parts.path.startswith("/"):
            raise InvalidValueError(f"{text!r} names no file of this machine", hint="write file:///absolute/path")
        return _local(unquote(parts.path), True)
    if scheme in ("http", "https"):
        return Location(text, "")
    if scheme in BUCKETS:
        return _bucket(scheme, text[len(scheme) + 3 :], text, raw)
    raise InvalidValueError(f"{scheme}:// is no kind of place that lading knows", hint="PATH, s3://, gs://, http:// or https://")


def _local(path: str, raw: bool) -> Location:
    return Location("", path, not raw and WILD(path) is not None)


def _bucket(scheme: str, rest: str, text: str, raw: bool) -> Location:
    options = ""
    if found := _OPTIONS(rest):
        rest, options = rest[: found.start()], f"?{_VERSION.sub('version_id', found[1])}"
    bucket, _, key = rest.partition("/")
    if not bucket or WILD(bucket):
        raise InvalidValueError(f"{text!r} names no bucket", hint=f"{scheme}://BUCKET/KEY; wildcards may stand in the key only")
    return Location(f"{scheme}://{bucket}{options}", key, not raw and WILD(key) is not None)
