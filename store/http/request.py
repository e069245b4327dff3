"""Requests as values: what is to be sent, unsigned, and who signs it at the moment of sending."""

import base64
import functools
import re
from typing import Protocol
from urllib.parse import quote, unquote, urlsplit

from msgspec import Struct

from ...errors import InvalidValueError

Headers = tuple[tuple[str, str], ...]

_PORTS = {"http": 80, "https": 443}
_PLAIN = "/%:@!$&'()*+,;=~-._"  # what a path may hold as it is; `%` because it may be encoded already
# A user and a password with a `/`, `?` or `#` that should be encoded: what comes before the first of them is no host with a port.
_SPILT = re.compile(r"(?<=://)[^/?#@:\[]*:(?![0-9]+(?:[/?#]|\Z))[^/?#@]*[/?#].*@", re.DOTALL)
# Parameters whose values are no secret. Of all others a message shows the name only: nobody can list every kind of token.
_HARMLESS = frozenset(
    (
        *("alt", "delimiter", "generation", "ifGenerationMatch", "list-type", "max-keys", "name", "partNumber", "prefix"),
        *("uploadType", "uploads", "versionId", "versions"),
    )
)


class Request(Struct, frozen=True):
    """One request without its body. `target` is the path and query as they go over the wire. `addresses` are those of the host,
    if they were looked up and judged before: it goes to one of these, whatever the name means by then (a proxy looks the name up
    itself). Its `repr` tells no secret."""

    method: str
    scheme: str
    host: str
    port: int
    target: str
    headers: Headers = ()
    addresses: tuple[str, ...] = ()

    @classmethod
    def of(cls, method: str, url: str, headers: Headers = ()) -> "Request":
        """A request of an http(s) URL; a user and password in it become a header. Raise `InvalidValueError`."""
        try:
            parts = urlsplit(url)
            port, host = parts.port, (parts.hostname or "").encode("idna").decode()
        except ValueError as error:
            raise InvalidValueError(f"{shown_url(url)} is no URL: {error}") from error
        if parts.scheme not in _PORTS or not host or re.search(r"[\x00-\x20\x7f]", parts.netloc):
            raise InvalidValueError(f"{shown_url(url)} is no http(s) URL with a host")
        target = quote(parts.path or "/", safe=_PLAIN)
        if parts.query:
            target += "?" + quote(parts.query, safe=_PLAIN + "?")
        if parts.username is not None:
            headers = (*headers, ("Authorization", basic(parts.username, parts.password or "")))
        return cls(method, parts.scheme, host, port or _PORTS[parts.scheme], target, headers)

    @property
    def authority(self) -> str:
        """What the header `Host` says."""
        return _authority(self.scheme, self.host, self.port)

    @property
    def url(self) -> str:
        """Where it goes; it may hold secrets and is never to be printed."""
        return f"{self.scheme}://{self.authority}{self.target}"

    @property
    def shown(self) -> str:
        """The URL for people: values in the query are left out unless they are known to be harmless."""
        return shown_url(self.url)

    def header(self, name: str) -> str | None:
        """The value of the header, whatever the case of its name."""
        name = name.lower()
        return next((value for key, value in self.headers if key.lower() == name), None)

    def with_headers(self, *headers: tuple[str, str]) -> "Request":
        """The same with these headers; they take the place of earlier ones of the same names."""
        names = {name.lower() for name, _ in headers}
        kept = [pair for pair in self.headers if pair[0].lower() not in names]
        return Request(self.method, self.scheme, self.host, self.port, self.target, (*kept, *headers), self.addresses)

    def __repr__(self) -> str:
        return f"Request({self.method} {self.shown})"


class Signer(Protocol):
    """Signs requests: a small picklable value. Jobs call it in their lane, at the moment of sending, so that no signature grows
    old in a queue; control calls before `call`."""

    def sign(self, request: Request) -> Request:
        """The request as the server wants it. It may block for fresh credentials. Raise `StoreDeniedError`."""
        ...


@functools.lru_cache(maxsize=64)
def _authority(scheme: str, host: str, port: int) -> str:
    named = f"[{host}]" if ":" in host else host
    return named if port == _PORTS.get(scheme) else f"{named}:{port}"


def basic(user: str, password: str) -> str:
    """The header value that names a user, both still percent-encoded as in a URL."""
    return "Basic " + base64.b64encode(f"{unquote(user)}:{unquote(password)}".encode()).decode()


def shown_url(url: str) -> str:
    """Any URL without its secrets."""
    rest, _, query = _SPILT.sub("", url).partition("#")[0].partition("?")
    scheme, separator, rest = rest.rpartition("://")
    authority, slash, path = rest.partition("/")
    shown = f"{scheme}{separator}{authority.rpartition('@')[2]}{slash}{path}"
    if not query:
        return shown
    pairs = (pair.partition("=") for pair in query.split("&"))
    return (
        shown + "?" + "&".join(name + (f"={value if name in _HARMLESS else '…'}" if sign else "") for name, sign, value in pairs)
    )
