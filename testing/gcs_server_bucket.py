"""What a bucket of Google Cloud Storage does with a call: generations, preconditions, checksums, compose, pages. No network."""

import base64
import bisect
import hashlib
import itertools
import random
import re
import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from ..store.checksum import checksum

MOST_SOURCES = 32  # of one compose
LARGEST_PAGE = 1000


class Refusal(Exception):  # noqa: N818  # an answer of the server, not an error of this program
    """The call is answered with `status`; `reason` is the word that Google's error document carries."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(f"{status} {reason}: {message}")
        self.status, self.reason, self.message = status, reason, message


class GcsObject(Struct, frozen=True):
    """One generation of an object. `md5` is None for one that was composed."""

    name: str
    data: bytes
    generation: int
    content_type: str
    crc32c: str
    md5: str | None
    components: int | None = None
    metadata: Mapping[str, str] | None = None

    def resource(self, bucket: str) -> dict[str, Any]:
        """The document that describes it. Whole numbers of 64 bits are texts, as in all of Google's JSON."""
        found: dict[str, Any] = {
            "kind": "storage#object",
            "id": f"{bucket}/{self.name}/{self.generation}",
            "name": self.name,
            "bucket": bucket,
            "generation": str(self.generation),
            "metageneration": "1",
            "contentType": self.content_type,
            "storageClass": "STANDARD",
            "size": str(len(self.data)),
            "crc32c": self.crc32c,
            "etag": self.etag,
            "timeCreated": self.created,
            "updated": self.created,
        }
        if self.md5 is not None:
            found["md5Hash"] = self.md5
        if self.components is not None:
            found["componentCount"] = self.components
        if self.metadata:
            found["metadata"] = dict(self.metadata)
        return found

    @property
    def created(self) -> str:
        """As Google's, a generation is the microsecond in which it was made."""
        return datetime.fromtimestamp(self.generation / 1e6, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

    @property
    def etag(self) -> str:
        """Opaque, and another one for each generation."""
        return base64.b64encode(b"\x08" + self.generation.to_bytes(8, "big")).decode()


class Conditions(Struct, frozen=True):
    """The preconditions of a call, as its query gives them. A generation of 0 stands for "there is none"."""

    generation_match: int | None = None
    generation_not_match: int | None = None
    metageneration_match: int | None = None
    metageneration_not_match: int | None = None

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "Conditions":
        return cls(
            _number(query, "ifGenerationMatch"),
            _number(query, "ifGenerationNotMatch"),
            _number(query, "ifMetagenerationMatch"),
            _number(query, "ifMetagenerationNotMatch"),
        )

    def check(self, current: GcsObject | None, *, reading: bool) -> None:
        """Raise the `Refusal` that follows: 412, or 304 where a read found what the reader has already."""
        generation, metageneration = (current.generation, 1) if current else (0, 0)
        for wanted, found in ((self.generation_match, generation), (self.metageneration_match, metageneration)):
            if wanted is not None and wanted != found:
                raise _condition_not_met()
        for unwanted, found in ((self.generation_not_match, generation), (self.metageneration_not_match, metageneration)):
            if unwanted is not None and unwanted == found:
                raise Refusal(304, "notModified", "Not Modified") if reading else _condition_not_met()


class Source(Struct, frozen=True):
    """One source of a compose, pinned to a generation if the caller says so."""

    name: str
    generation: int | None = None
    generation_match: int | None = None


class Page(Struct, frozen=True):
    """What a list call returns: objects, the prefixes that stand for many, and where to go on."""

    objects: Sequence[GcsObject]
    prefixes: Sequence[str]
    token: str | None


class Bucket:
    """Objects by name. Each call happens whole and at one moment, as Google promises."""

    def __init__(self, name: str, seed: int = 0) -> None:
        self.name = name
        self.objects: dict[str, GcsObject] = {}
        self._lock = threading.RLock()
        random_numbers = random.Random(seed)
        steps = (random_numbers.randrange(1, 1_000_000) for _ in itertools.count())
        self._generations = itertools.accumulate(steps, initial=1_700_000_000_000_000 + random_numbers.randrange(1_000_000))

    def get(self, name: str, query: Mapping[str, str]) -> GcsObject:
        """The live object, if the query's `generation` and preconditions allow."""
        with self._lock:
            found, pinned = self.objects.get(name), _number(query, "generation")
            if found is None or pinned not in (None, found.generation):
                raise self._missing(name)
            Conditions.of(query).check(found, reading=True)
            return found

    def insert(
        self,
        name: str,
        data: bytes,
        query: Mapping[str, str] | None = None,
        *,
        hashes: Mapping[str, str] | None = None,
        content_type: str = "application/octet-stream",
        metadata: Mapping[str, str] | None = None,
    ) -> GcsObject:
        """Make the object, or its next generation. `hashes` ("crc32c", "md5", in base64) must be those of the data."""
        if not 1 <= len(name.encode()) <= 1024:
            raise Refusal(400, "invalid", f"Invalid object name: {name!r}")
        crc32c = checksum("crc32c", data).base64
        md5 = base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()
        for kind, actual in (("crc32c", crc32c), ("md5", md5)):
            said = (hashes or {}).get(kind, actual)
            if said != actual:
                raise Refusal(400, "invalid", f'Provided {kind.upper()} "{said}" doesn\'t match calculated "{actual}".')
        with self._lock:
            Conditions.of(query or {}).check(self.objects.get(name), reading=False)
            made = GcsObject(name, data, next(self._generations), content_type, crc32c, md5, None, metadata)
            self.objects[name] = made
            return made

    def compose(
        self, name: str, sources: Sequence[Source], query: Mapping[str, str], *, content_type: str | None = None
    ) -> GcsObject:
        """Concatenate. The result has a CRC32C and a count of components, and no MD5."""
        if not sources:
            raise Refusal(400, "required", "You must provide at least one source component.")
        if len(sources) > MOST_SOURCES:
            raise Refusal(
                400, "invalid", f"The number of source components provided ({len(sources)}) exceeds the maximum ({MOST_SOURCES})"
            )
        with self._lock:
            found = [self._source(source) for source in sources]
            Conditions.of(query).check(self.objects.get(name), reading=False)
            data = b"".join(one.data for one in found)
            made = GcsObject(
                name,
                data,
                next(self._generations),
                content_type or "application/octet-stream",
                checksum("crc32c", data).base64,
                None,
                sum(one.components or 1 for one in found),
            )
            self.objects[name] = made
            return made

    def _source(self, source: Source) -> GcsObject:
        found = self.objects.get(source.name)
        if found is None or source.generation not in (None, found.generation):
            raise self._missing(source.name)
        if source.generation_match not in (None, found.generation):
            raise _condition_not_met()
        return found

    def delete(self, name: str, query: Mapping[str, str]) -> None:
        with self._lock:
            found, pinned = self.objects.get(name), _number(query, "generation")
            if found is None or pinned not in (None, found.generation):
                raise self._missing(name)
            Conditions.of(query).check(found, reading=False)
            del self.objects[name]

    def list(self, query: Mapping[str, str], most: int = LARGEST_PAGE) -> Page:
        """The next page: at most `maxResults` objects and prefixes, `most` if that is fewer, by the bytes of their names."""
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
        limit = min(_number(query, "maxResults") or LARGEST_PAGE, LARGEST_PAGE, most)
        if query.get("pageToken"):
            try:
                after = base64.b64decode(query["pageToken"], validate=True)
            except ValueError:
                raise Refusal(400, "invalid", "Invalid argument: pageToken") from None
        else:
            after = b""
        with self._lock:
            live = dict(self.objects)
        matches = _glob(query["matchGlob"]).fullmatch if query.get("matchGlob") else bool
        names = sorted(name.encode() for name in live if name.startswith(prefix) and matches(name))
        objects, prefixes, last = list[GcsObject](), list[str](), after
        for name in itertools.islice(names, bisect.bisect_right(names, after) if after else 0, None):
            text = name.decode()
            end = text.find(delimiter, len(prefix)) if delimiter else -1
            group = text[: end + len(delimiter)] if end >= 0 else None
            if group is not None and (last == group.encode() or group in prefixes):
                continue  # stands on this page or the one before already
            if len(objects) + len(prefixes) == limit:
                return Page(objects, prefixes, base64.b64encode(last).decode())
            if group is None:
                objects.append(live[text])
                last = name
            else:
                prefixes.append(group)
                last = group.encode()
        return Page(objects, prefixes, None)

    def _missing(self, name: str) -> Refusal:
        return Refusal(404, "notFound", f"No such object: {self.name}/{name}")


def _glob(pattern: str) -> re.Pattern[str]:
    """`**` stands for anything, `*` and `?` for anything but slashes. Google's other signs are not known here."""
    if set(pattern) & set("[]{}\\"):
        raise Refusal(501, "notImplemented", f"matchGlob={pattern}")
    parts = ({"**": ".*", "*": "[^/]*", "?": "[^/]"}.get(part) or re.escape(part) for part in re.split(r"(\*\*|\*|\?)", pattern))
    return re.compile("".join(parts), re.DOTALL)


def _number(query: Mapping[str, str], name: str) -> int | None:
    text = query.get(name)
    if text is None:
        return None
    if not text.isdigit():
        raise Refusal(400, "invalid", f"Invalid value for {name}: {text!r}")
    return int(text)


def _condition_not_met() -> Refusal:
    return Refusal(412, "conditionNotMet", "At least one of the pre-conditions you specified did not hold.")
