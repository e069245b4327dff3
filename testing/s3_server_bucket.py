"""What a bucket of S3 does with a call: conditions, checksums that are compared, versions, parts, pages. No network."""

import base64
import hashlib
import itertools
import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from urllib.parse import unquote

from msgspec import Struct, field, structs

from ..store.checksum import Checksum, checksum

SUMS = ("crc64nvme", "crc32c", "crc32")
_CUSTOMER = "x-amz-server-side-encryption-customer-"
_KEPT = ("content-type", "x-amz-server-side-encryption", "x-amz-storage-class", f"{_CUSTOMER}algorithm", f"{_CUSTOMER}key-md5")

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
    copies: str = "kept"  # of objects and parts: "kept", "refused", or "empty", as some make them without a word
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
        _check_customer(found.kept, headers)
        if headers.get("if-match", found.etag) != found.etag:
            raise Refusal(412, "PreconditionFailed", "The etag is another one", Condition="If-Match")
        return found

    def put(self, key: str, data: bytes, headers: Headers) -> S3Object:
        etag = _etag_of(data, headers)
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

    def source(self, headers: Headers) -> S3Object:
        """What `x-amz-copy-source` names, as it is to be copied; all of it, or the range that is named, too."""
        if self.rules.copies == "refused":
            raise Refusal(501, "NotImplemented", "A header implies what is not implemented", Header="x-amz-copy-source")
        where, _, version = unquote(headers["x-amz-copy-source"]).partition("?versionId=")
        bucket, _, key = where.removeprefix("/").partition("/")
        if bucket != self.name:
            raise Refusal(404, "NoSuchBucket", "The specified bucket does not exist", BucketName=bucket)
        wanted = headers.get("x-amz-copy-source-if-match")
        found = self.get(key, {"versionId": version} if version else {}, {"if-match": wanted} if wanted else {})
        data = found.data
        if span := headers.get("x-amz-copy-source-range"):
            first, _, last = span.removeprefix("bytes=").partition("-")
            data = data[int(first) : int(last) + 1]
        return structs.replace(found, data=data if self.rules.copies == "kept" else b"")

    def copy(self, key: str, headers: Headers) -> S3Object:
        found = self.source(headers)
        value = checksum(found.sum.name, found.data) if found.sum else None
        return self._create(key, found.data, _etag_of(found.data, headers), headers, value, {**found.kept, **headers})

    def copy_part(self, key: str, upload: str, number: int, headers: Headers) -> Part:
        data = self.source(headers).data
        sums = self.upload(key, upload).sums
        said = {f"x-amz-checksum-{sums}": checksum(sums, data).base64} if sums else {}
        return self.part(key, upload, number, data, {**headers, **said})

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
        _check_customer(found.headers, headers)
        said = value.name if value else None
        if said != found.sums and self.rules.checksums:
            raise Refusal(400, "InvalidRequest", f"Checksum Type mismatch: expected {found.sums}, actual {said}")
        part = Part(data, _etag_of(data, headers), value)
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


def _etag_of(data: bytes, headers: Headers) -> str:
    """An MD5; of what is encrypted with a key of the customer's, it is not that of the data."""
    key = _customer(headers)
    return f'"{hashlib.md5(data + key.encode(), usedforsecurity=False).hexdigest()}"'


def _customer(headers: Headers) -> str:
    """By what the customer's key is known that comes along; nothing if none does."""
    said = headers.get(f"{_CUSTOMER}key-md5", "")
    if key := headers.get(f"{_CUSTOMER}key"):
        digest = hashlib.md5(base64.b64decode(key, validate=True), usedforsecurity=False).digest()
        if base64.b64encode(digest).decode() != said or headers.get(f"{_CUSTOMER}algorithm") != "AES256":
            raise Refusal(400, "InvalidArgument", "The calculated MD5 hash of the key did not match the hash that was provided.")
    return said


def _check_customer(stored: Headers, asked: Headers) -> None:
    was, now = stored.get(f"{_CUSTOMER}key-md5", ""), _customer(asked)
    if was and not now:
        told = "The object was stored using a form of Server Side Encryption. The correct parameters must be provided"
        raise Refusal(400, "InvalidRequest", told)
    if now and not was:
        raise Refusal(400, "InvalidRequest", "The encryption parameters are not applicable to this object.")
    if was != now:
        raise Refusal(403, "AccessDenied", "Access Denied")
