"""Encryption with a key of the customer's: S3 needs it with each request for an object, and forgets it after each."""

import base64
import hashlib
from pathlib import Path

from msgspec import Struct

from ...errors import SettingsError
from ..http.request import Headers

_SIZE = 32  # bytes; AES-256


class CustomerKey(Struct, frozen=True):
    """The key. Never shown."""

    key: bytes

    def __repr__(self) -> str:
        return "CustomerKey(…)"

    @property
    def headers(self) -> Headers:
        """What goes along with a request."""
        digest = hashlib.md5(self.key, usedforsecurity=False).digest()
        return (
            ("x-amz-server-side-encryption-customer-algorithm", "AES256"),
            ("x-amz-server-side-encryption-customer-key", base64.b64encode(self.key).decode()),
            ("x-amz-server-side-encryption-customer-key-md5", base64.b64encode(digest).decode()),
        )


def read_customer_key(path: str) -> CustomerKey:
    """Of a file with 32 bytes, or with their base64 in one line. Raise `SettingsError`."""
    try:
        found = Path(path).expanduser().read_bytes()
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}", hint="sse_customer_key_file=PATH names a file with a key") from error
    if len(found) != _SIZE:
        try:
            found = base64.b64decode(found.strip(), validate=True)
        except ValueError:
            found = b""
    if len(found) != _SIZE:
        raise SettingsError(f"{path} holds no key of {_SIZE} bytes", hint=f"make one: openssl rand {_SIZE} > {path}")
    return CustomerKey(found)
