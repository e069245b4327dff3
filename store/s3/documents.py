"""S3's XML: what is asked and what is answered, as values. Hostile or broken documents are refused."""

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Generic, TypeVar
from urllib.parse import unquote_plus
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from msgspec import Struct

from ...errors import StoreError
from ..checksum import Checksum

T = TypeVar("T")
F = TypeVar("F")
LARGEST = 32 << 20  # bytes; a page of 1,000 keys of a KiB, each byte of which is written as three or more, has room
_MOST_MARKS = 1 << 19  # of elements, attributes and lines, each of which takes memory; a page of 1,000 keys has a tenth of it
NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
CHECKSUMS = {"ChecksumCRC64NVME": "crc64nvme", "ChecksumCRC32C": "crc32c", "ChecksumCRC32": "crc32"}
TAGS = {name: tag for tag, name in CHECKSUMS.items()}
_NUMBER = re.compile(r"\s*[0-9]{1,18}\s*").fullmatch
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]").search


class Refusal(Struct, frozen=True):
    """An error as S3 says it."""

    code: str
    message: str = ""
    region: str = ""  # the right one, where the wrong one is the error
    key: str = ""
    header: str = ""  # of the request, where that is the error


class Page(Struct, Generic[T, F], frozen=True):
    """A part of a listing; `following` is what the next one is asked for by, if there is one."""

    items: tuple[T, ...]
    following: F | None


class Listed(Struct, frozen=True):
    key: str
    size: int
    etag: str
    modified: float | None = None  # seconds since 1970


class ListedVersion(Struct, frozen=True):
    """One version of an object; `latest`: it is what is read without naming a version."""

    key: str
    size: int
    etag: str
    version: str
    latest: bool


class StoredPart(Struct, frozen=True):
    """A part as the store holds it, or as it is to be held."""

    number: int
    etag: str
    size: int = 0
    checksum: Checksum | None = None


class OpenUpload(Struct, frozen=True):
    """A multipart upload that was neither completed nor aborted; `begun` in seconds since 1970."""

    key: str
    upload: str
    begun: float | None


ListPage = Page[Listed, str]  # by a token
VersionsPage = Page[ListedVersion, tuple[str, str]]  # by the key and the version after which it begins
PartsPage = Page[StoredPart, str]  # by the number after which it begins
UploadsPage = Page[OpenUpload, tuple[str, str]]  # by the key and the upload after which it begins


class _Tree(ElementTree.TreeBuilder):
    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        """Nothing that S3 says has one; entities that grow, or that name files, need one."""
        raise StoreError("the store answered with a document type, which no S3 document has")


def _parsed(data: bytes, *roots: str) -> "_Node":
    if len(data) > LARGEST:
        raise StoreError(f"the store answered with a document of {len(data)} bytes; {LARGEST} at most")
    if (marks := len(data) - len(data.translate(None, b"<=\n"))) > _MOST_MARKS:
        raise StoreError(f"the store answered with a document of {marks} marks; {_MOST_MARKS} at most")
    parser = ElementTree.XMLParser(target=_Tree())
    try:
        parser.feed(data)
        root = _Node(parser.close())
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise StoreError(f"the store answered with what is no XML: {error}") from error
    if root.name not in roots:
        raise StoreError(f"the store answered with <{root.name}> where <{roots[0]}> was expected")
    return root


class _Node:
    """An element by names without namespaces, which not all servers write."""

    def __init__(self, element: "ElementTree.Element[Any]") -> None:
        self.name = str(element.tag).rpartition("}")[2]
        self._element = element

    def each(self, name: str) -> "Iterator[_Node]":
        for child in self._element:
            if (node := _Node(child)).name == name:
                yield node

    def text(self, name: str) -> str:
        return next((node._element.text or "" for node in self.each(name)), "")

    def number(self, name: str) -> int:
        if not _NUMBER(text := self.text(name)):
            raise StoreError(f"the store answered with {text[:40]!r} as <{name}>")
        return int(text)

    def is_true(self, name: str) -> bool:
        return self.text(name) == "true"


# Answers


def parse_refusal(data: bytes) -> Refusal | None:
    """None if the body is no error of S3's: of a proxy, or cut off. Never raises."""
    try:
        root = _parsed(data, "Error", "ErrorResponse")
    except StoreError:
        return None
    node = next(root.each("Error"), root)
    return Refusal(node.text("Code"), node.text("Message"), node.text("Region"), node.text("Key"), node.text("Header"))


def parse_begun(data: bytes) -> str:
    """The id of the upload that CreateMultipartUpload began."""
    if upload := _parsed(data, "InitiateMultipartUploadResult").text("UploadId"):
        return upload
    raise StoreError("the store began an upload and did not name it")


def parse_completed(data: bytes) -> Refusal | None:
    """None if the upload is complete. S3 says 200 first and finds out later, so the body decides."""
    root = _parsed(data.lstrip(), "CompleteMultipartUploadResult", "Error")
    return Refusal(root.text("Code"), root.text("Message")) if root.name == "Error" else None


def parse_copied(data: bytes) -> Refusal | str:
    """The etag of an object or a part that was copied; here, too, the body decides."""
    root = _parsed(data.lstrip(), "CopyObjectResult", "CopyPartResult", "Error")
    return Refusal(root.text("Code"), root.text("Message")) if root.name == "Error" else root.text("ETag")


def parse_parts(data: bytes) -> PartsPage:
    root = _parsed(data, "ListPartsResult", "ListPartsResponse")
    parts = tuple(
        StoredPart(node.number("PartNumber"), node.text("ETag"), node.number("Size"), _checksum(node))
        for node in root.each("Part")
    )
    return PartsPage(parts, root.text("NextPartNumberMarker") or None if root.is_true("IsTruncated") else None)


def _checksum(node: _Node) -> Checksum | None:
    for tag, name in CHECKSUMS.items():
        if text := node.text(tag):
            try:
                return Checksum(name, base64.b64decode(text, validate=True))
            except binascii.Error as error:
                raise StoreError(f"the store answered with {text!r} as <{tag}>") from error
    return None


def parse_list(data: bytes) -> ListPage:
    root = _parsed(data, "ListBucketResult")
    decode = _decoder(root)
    objects = tuple(
        Listed(decode(node.text("Key")), node.number("Size"), node.text("ETag"), _seconds(node.text("LastModified")))
        for node in root.each("Contents")
    )
    return ListPage(objects, root.text("NextContinuationToken") or None if root.is_true("IsTruncated") else None)


def parse_versions(data: bytes) -> VersionsPage:
    """Without the marks that say that an object was deleted."""
    root = _parsed(data, "ListVersionsResult")
    decode = _decoder(root)
    objects = tuple(
        ListedVersion(
            decode(node.text("Key")),
            node.number("Size"),
            node.text("ETag"),
            node.text("VersionId"),
            node.is_true("IsLatest"),
        )
        for node in root.each("Version")
    )
    following = decode(root.text("NextKeyMarker")), root.text("NextVersionIdMarker")
    return VersionsPage(objects, following if root.is_true("IsTruncated") else None)


def parse_versioning(data: bytes) -> bool:
    """Whether objects of the bucket have versions, or had."""
    return bool(_parsed(data, "VersioningConfiguration", "GetBucketVersioningResponse").text("Status"))


def parse_uploads(data: bytes) -> UploadsPage:
    root = _parsed(data, "ListMultipartUploadsResult")
    decode = _decoder(root)
    uploads = tuple(
        OpenUpload(decode(node.text("Key")), node.text("UploadId"), _seconds(node.text("Initiated")))
        for node in root.each("Upload")
    )
    following = decode(root.text("NextKeyMarker")), root.text("NextUploadIdMarker")
    return UploadsPage(uploads, following if root.is_true("IsTruncated") else None)


def _decoder(root: _Node) -> Callable[[str], str]:
    """Keys are asked for in the encoding of URLs, since XML cannot hold them all; some servers ignore that, and say so."""
    return unquote_plus if root.text("EncodingType").lower() == "url" else str


def _seconds(text: str) -> float | None:
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return None


def parse_deleted(data: bytes) -> tuple[Refusal, ...]:
    """What could not be deleted. What was missing counts as deleted."""
    root = _parsed(data, "DeleteResult")
    found = (Refusal(node.text("Code"), node.text("Message"), key=node.text("Key")) for node in root.each("Error"))
    return tuple(refusal for refusal in found if refusal.code != "NoSuchKey")


# Requests


def complete_request(parts: Iterable[StoredPart]) -> bytes:
    """The parts, by number, with the checksums that were sent with them."""
    lines: list[str] = []
    for part in parts:
        checksum = ""
        if part.checksum and (tag := TAGS.get(part.checksum.name)):
            checksum = f"<{tag}>{part.checksum.base64}</{tag}>"
        lines.append(f"<Part><PartNumber>{part.number}</PartNumber><ETag>{escape(part.etag)}</ETag>{checksum}</Part>")
    return f'<CompleteMultipartUpload xmlns="{NAMESPACE}">{"".join(lines)}</CompleteMultipartUpload>'.encode()


def delete_request(keys: Sequence[str]) -> bytes:
    """At most 1,000 keys, all of which XML can hold."""
    named = "".join(f"<Object><Key>{escape(key, _ALSO)}</Key></Object>" for key in keys)
    return f'<Delete xmlns="{NAMESPACE}"><Quiet>true</Quiet>{named}</Delete>'.encode()


_ALSO = {"\r": "&#13;", "\n": "&#10;", "\t": "&#9;"}  # as they stand, a parser would turn them into others


def fits_xml(key: str) -> bool:
    """Whether a document can name this key at all: there is no way to write most control characters."""
    return _NOT_XML(key) is None
