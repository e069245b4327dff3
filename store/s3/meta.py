"""What S3 says of an object, in headers of an answer or in a listing."""

import base64
import binascii
import email.utils
import re
from collections.abc import Mapping

from ...errors import StoreError
from ..checksum import Checksum
from ..http.answers import Answer, object_size
from ..store import ObjectMeta
from .documents import CHECKSUMS, Listed

ENABLED = ("x-amz-checksum-mode", "ENABLED")  # else S3 does not say it
_MD5 = re.compile(r'"?([0-9a-f]{32})"?').fullmatch


def meta_of(key: str, url: str, answer: Answer) -> ObjectMeta:
    """By the answer to HEAD, or to a GET of the first byte. Raise `StoreError` if it does not say the size."""
    size, headers = object_size(answer), answer.headers
    if size is None:
        raise StoreError(f"{key}: {url} does not say its size")
    try:
        modified = email.utils.parsedate_to_datetime(headers.get("last-modified", "")).timestamp()
    except ValueError:
        modified = None
    return ObjectMeta(key, size, headers.get("etag", ""), modified, _checksum(headers))


def meta_listed(key: str, found: Listed) -> ObjectMeta:
    return ObjectMeta(key, found.size, found.etag, found.modified)


def md5_of(etag: str) -> Checksum | None:
    """The MD5 of what was sent by one request; nothing where the etag is visibly another thing."""
    match = _MD5(etag)
    return Checksum("md5", bytes.fromhex(match[1])) if match else None


def _checksum(headers: Mapping[str, str]) -> Checksum | None:
    """Of the whole content: of an object in parts, S3 may know only the checksum of the parts' checksums."""
    if headers.get("x-amz-checksum-type", "FULL_OBJECT") == "FULL_OBJECT":
        for name in CHECKSUMS.values():
            text = headers.get(f"x-amz-checksum-{name}", "")
            if text and "-" not in text:
                try:
                    return Checksum(name, base64.b64decode(text, validate=True))
                except binascii.Error:
                    pass
    plain = headers.get("x-amz-server-side-encryption", "AES256") == "AES256"
    customer = any(name.startswith("x-amz-server-side-encryption-customer") for name in headers)
    return md5_of(headers.get("etag", "")) if plain and not customer else None
