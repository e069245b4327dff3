"""What a bucket of S3 does with a call: conditions, checksums that are compared, versions, parts, pages. No network."""

import hashlib
import itertools
import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from msgspec import Struct, field

from ..store.checksum import Checksum, checksum

SUMS = ("crc64nvme", "crc32c", "crc32")
_KEPT = ("content-type", "x-amz-server-side-encryption", "x-amz-storage-class")

Headers = Mapping[str, str]


class Refusal(Exception):  # noqa: N818  # an answer of the server, not an error of this program
    """The call is answered with `status`, and a document that carries the code and what else is given."""

    def __init__(self, status: int, code: str, message: str = "", **also: str) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status, self.code, self.message, self.also = status, code, message, also


class S3Object(Struct, frozen=True):
    """One version of an object."""

    key: str
    data: bytes
    etag: str
    version: str
    modified: datetime
    kept: dict[str, str]  # headers that come back
    sum: Checksum | None = None


class Part(Struct, frozen=True):
    data: bytes
    etag: str
    sum: Checksum | None


class Upload(Struct):
    """A multipart upload that is neither complete nor aborted."""

    id: str
    key: str
    headers: dict[str, str]
    sums: str | None  # the checksum that each part must bear
    begun: datetime
    parts: dict[int, Part] = field(default_factory=dict[int, Part])


class Rules(Struct):
    """In what servers differ. The defaults are AWS's."""

    checksums: bool = True  # compared; else taken as they come and forgotten
    conditional: str = "kept"  # `If-None-Match`: "kept", "ignored" or "refused"
    metadata: bool = True
    bulk_delete: bool = True
    versioned: bool = False
    equal_parts: bool = False
    smallest_part: int = 1
    page: int = 1000


class Bucket:
    """Objects by key. Each call happens whole and at one moment, as S3 promises."""

    def __init__(self, name: str, rules: Rules) -> None:
        self.name, self.rules = name, rules
        self.objects: dict[str, S3Object] = {}
        self.versions: dict[tuple[str, str], S3Object] = {}
        self.uploads: dict[str, Upload] = {}
        self._lock = threading.RLock()
        self._numbers = itertools.count(1)

    def get(self, key: str, query: Mapping[str, str], headers: Headers) -> S3Object:
        """The current version, or that of the query, if it is the one that `If-Match` wants."""
        with self._lock:
            version = query.get("versionId")
            found = self.versions.get((key, version)) if version else self.objects.get(key)
        if found is None:
            raise Refusal(404, "NoSuchVersion" if version else "NoSuchKey", "There is no such object", Key=key)
        if headers.get("if-match", found.etag) != found.etag:
            raise Refusal(412, "PreconditionFailed", "The etag is another one", Condition="If-Match")
        return found

    def put(self, key: str, data: bytes, headers: Headers) -> S3Object:
        etag = f'"{hashlib.md5(data, usedforsecurity=False).hexdigest()}"'
        return self._create(key, data, etag, headers, self._checked(data, headers), headers)

    def _create(
        self, key: str, data: bytes, etag: str, conditions: Headers, value: Checksum | None, described: Headers
    ) -> S3Object:
        with self._lock:
            self._check_new(key, conditions)
            version = f"v{next(self._numbers)}" if self.rules.versioned else "null"
            metadata = {
                name: value for name, value in described.items() if name.startswith("x-amz-meta-") and self.rules.metadata
            }
            kept = metadata | {name: described[name] for name in _KEPT if name in described}
            made = S3Object(key, data, etag, version, datetime.now(UTC), kept, value)
            self.objects[key] = self.versions[key, version] = made
            return made

    def _check_new(self, key: str, headers: Headers) -> None:
        if "if-none-match" in headers:
            if self.rules.conditional == "refused":
                raise Refusal(501, "NotImplemented", "A header implies what is not implemented", Header="If-None-Match")
            if self.rules.conditional == "kept" and key in self.objects:
                raise Refusal(412, "PreconditionFailed", "There is an object", Condition="If-None-Match")

    def _checked(self, data: bytes, headers: Headers) -> Checksum | None:
        """The checksum that was sent, if it is that of the data."""
        for name in SUMS:
            said = headers.get(f"x-amz-checksum-{name}")
            if said is not None and self.rules.checksums:
                actual = checksum(name, data)
                if said != actual.base64:
                    raise Refusal(400, "BadDigest", f"The {name.upper()} you specified did not match the calculated checksum.")
                return actual
        return None

    def delete(self, key: str, query: Mapping[str, str]) -> None:
        with self._lock:
            if version := query.get("versionId"):
                gone = self.versions.pop((key, version), None)
                if gone is self.objects.get(key):
                    self.objects.pop(key, None)
            else:
                self.objects.pop(key, None)

    def list(self, prefix: str, after: str) -> tuple[Sequence[S3Object], bool]:
        """The next page, and whether more follow."""
        with self._lock:
            keys = sorted((key for key in self.objects if key.startswith(prefix) and key > after), key=str.encode)
            return [self.objects[key] for key in keys[: self.rules.page]], len(keys) > self.rules.page

    # Uploads

    def begin(self, key: str, headers: Headers) -> Upload:
        sums = headers.get("x-amz-checksum-algorithm", "").lower() if self.rules.checksums else ""
        with self._lock:
            upload = Upload(f"upload-{next(self._numbers)}", key, dict(headers), sums or None, datetime.now(UTC))
            self.uploads[upload.id] = upload
            return upload

    def upload(self, key: str, upload: str) -> Upload:
        found = self.uploads.get(upload)
        if found is None or found.key != key:
            raise Refusal(404, "NoSuchUpload", "The upload was completed or aborted, or never was", UploadId=upload)
        return found

    def part(self, key: str, upload: str, number: int, data: bytes, headers: Headers) -> Part:
        if not 1 <= number <= 10_000:
            raise Refusal(400, "InvalidArgument", "Part number must be between 1 and 10000")
        found, value = self.upload(key, upload), self._checked(data, headers)
        said = value.name if value else None
        if said != found.sums and self.rules.checksums:
            raise Refusal(400, "InvalidRequest", f"Checksum Type mismatch: expected {found.sums}, actual {said}")
        part = Part(data, f'"{hashlib.md5(data, usedforsecurity=False).hexdigest()}"', value)
        with self._lock:
            self.upload(key, upload).parts[number] = part
        return part

    def complete(self, key: str, upload: str, listed: Sequence[tuple[int, str]], headers: Headers) -> S3Object:
        """`listed` are numbers and etags, as the request names them."""
        with self._lock:
            found = self.upload(key, upload)
            parts = [*self._listed(found, listed)]
            self._check_sizes([len(part.data) for part in parts])
            data = b"".join(part.data for part in parts)
            digests = b"".join(bytes.fromhex(part.etag.strip('"')) for part in parts)
            etag = f'"{hashlib.md5(digests, usedforsecurity=False).hexdigest()}-{len(parts)}"'
            value = checksum(found.sums, data) if found.sums else None
            made = self._create(key, data, etag, headers, value, found.headers)
            del self.uploads[upload]
            return made

    def _listed(self, upload: Upload, listed: Sequence[tuple[int, str]]) -> Iterator[Part]:
        numbers = [number for number, _ in listed]
        if not numbers or numbers != sorted(set(numbers)):
            raise Refusal(400, "InvalidPartOrder", "The parts are not in ascending order")
        for number, etag in listed:
            part = upload.parts.get(number)
            if part is None or part.etag.strip('"') != etag.strip('"'):
                raise Refusal(400, "InvalidPart", "A part could not be found, or its etag is another one", PartNumber=str(number))
            yield part

    def _check_sizes(self, sizes: Sequence[int]) -> None:
        if any(size < self.rules.smallest_part for size in sizes[:-1]):
            raise Refusal(400, "EntityTooSmall", "A part is smaller than the minimum")
        if self.rules.equal_parts and (len(set(sizes[:-1])) > 1 or sizes[-1] > sizes[0]):
            raise Refusal(400, "InvalidPart", "All parts but the last must have the same size")

    def abort(self, key: str, upload: str) -> None:
        with self._lock:
            self.upload(key, upload)
            del self.uploads[upload]
