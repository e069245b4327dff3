"""AWS Signature Version 4: the proof, in a header or in a URL, that a request comes from the holder of a secret key."""

import functools
import hashlib
import hmac
import re
import time
from collections.abc import Iterable, Mapping
from urllib.parse import quote

from msgspec import Struct

ALGORITHM = "AWS4-HMAC-SHA256"
UNSIGNED = "UNSIGNED-PAYLOAD"  # of bulk bytes: what binds them is the signed header with their checksum
NOTHING = hashlib.sha256(b"").hexdigest()
_AS_IT_IS = re.compile(r"[A-Za-z0-9_.~/-]*").fullmatch
# What those who pass a request on may change, and what proves nothing.
UNSIGNED_HEADERS = frozenset(
    {"accept-encoding", "authorization", "connection", "expect", "te", "transfer-encoding", "user-agent", "x-amzn-trace-id"}
)


class Credentials(Struct, frozen=True):
    """Who asks. Never shown."""

    access: str
    secret: str
    token: str | None = None

    def __repr__(self) -> str:
        return f"Credentials({self.access[:4]}…)"


class Scope(Struct, frozen=True):
    """What a signature is good for, besides the day."""

    region: str
    service: str = "s3"


def encode_path(key: str) -> str:
    """A key as a path, as it is sent and as it is signed: S3 neither encodes twice nor removes dots."""
    return key if _AS_IT_IS(key) else quote(key, safe="/")


def encode_query(pairs: Iterable[tuple[str, str]]) -> str:
    """A query as it is sent and as it is signed: sorted by its encoded names."""
    return "&".join(f"{name}={value}" for name, value in sorted((quote(n, safe=""), quote(v, safe="")) for n, v in pairs))


def payload_of(body: bytes) -> str:
    """How a small body is signed."""
    return hashlib.sha256(body).hexdigest() if body else NOTHING


def sign(
    who: Credentials, scope: Scope, method: str, path: str, query: str, headers: Mapping[str, str], *, payload: str, now: float
) -> dict[str, str]:
    """The headers that prove the request, to be sent besides `headers`, among which is `host`. `path` and `query` are encoded as
    above; `now` is in seconds since 1970, by the clock of the server."""
    stamp = _stamp(int(now))
    extra = {"x-amz-content-sha256": payload, "x-amz-date": stamp}
    if who.token:
        extra["x-amz-security-token"] = who.token
    names, lines = _canonical_headers({**headers, **extra})
    seal = _seal(who, scope, stamp[:8])
    signature = seal.sign(stamp, f"{method}\n{path}\n{query}\n{lines}\n{names}\n{payload}")
    extra["authorization"] = f"{ALGORITHM} Credential={seal.credential}, SignedHeaders={names}, Signature={signature}"
    return extra


def presign(
    who: Credentials,
    scope: Scope,
    method: str,
    path: str,
    pairs: Iterable[tuple[str, str]],
    headers: Mapping[str, str],
    *,
    expires: int,
    now: float,
) -> str:
    """The query of a URL that proves the request by itself for `expires` seconds, at most a week. Whoever uses it sends exactly
    these `headers`, among which is `host`."""
    stamp = _stamp(int(now))
    names, lines = _canonical_headers(headers)
    seal = _seal(who, scope, stamp[:8])
    every = [
        *pairs,
        ("X-Amz-Algorithm", ALGORITHM),
        ("X-Amz-Credential", seal.credential),
        ("X-Amz-Date", stamp),
        ("X-Amz-Expires", str(expires)),
        ("X-Amz-SignedHeaders", names),
    ]
    if who.token:
        every.append(("X-Amz-Security-Token", who.token))
    query = encode_query(every)
    signature = seal.sign(stamp, f"{method}\n{path}\n{query}\n{lines}\n{names}\n{UNSIGNED}")
    return f"{query}&X-Amz-Signature={signature}"


def _canonical_headers(headers: Mapping[str, str]) -> tuple[str, str]:
    """The names, and the lines with an empty one after them."""
    joined, names = _signed_names(tuple(headers))
    return joined, "".join([f"{name.lower()}:{' '.join(headers[name].split())}\n" for name in names])


@functools.lru_cache(maxsize=64)
def _signed_names(names: tuple[str, ...]) -> tuple[str, list[str]]:
    signed = sorted((name.lower(), name) for name in names if name.lower() not in UNSIGNED_HEADERS)
    return ";".join(lower for lower, _ in signed), [name for _, name in signed]


class _Seal:
    """What signatures of a day have in common: all but the last of their five rounds, and of that one what its key decides."""

    __slots__ = ("_inner", "_outer", "_scope", "credential")

    def __init__(self, who: Credentials, scope: Scope, day: str) -> None:
        key = f"AWS4{who.secret}".encode()
        for part in (day, scope.region, scope.service, "aws4_request"):
            key = hmac.digest(key, part.encode(), "sha256")
        self._scope = f"{day}/{scope.region}/{scope.service}/aws4_request"
        self.credential = f"{who.access}/{self._scope}"
        # HMAC, taken apart: copies of two hashes that have seen the key cost a third of a new start.
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in key.ljust(64, b"\0")))
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in key.ljust(64, b"\0")))

    def sign(self, stamp: str, request: str) -> str:
        inner, outer = self._inner.copy(), self._outer.copy()
        digest = hashlib.sha256(request.encode()).hexdigest()
        inner.update(f"{ALGORITHM}\n{stamp}\n{self._scope}\n{digest}".encode())
        outer.update(inner.digest())
        return outer.hexdigest()


class Form:
    """A request that is made again and again, each time with another path, and another value of the one header `varying`. What
    stays the same is put together once. `headers`: all that are to be sent besides that one and `authorization`."""

    __slots__ = ("_after", "_authorization", "_before", "_method", "_seal", "_stamp", "headers")

    def __init__(
        self, who: Credentials, scope: Scope, method: str, headers: Mapping[str, str], varying: str, *, now: float
    ) -> None:
        self._method, self._stamp = method, _stamp(int(now))
        self.headers = {**headers, "x-amz-content-sha256": UNSIGNED, "x-amz-date": self._stamp}
        if who.token:
            self.headers["x-amz-security-token"] = who.token
        names, lines = _canonical_headers({**self.headers, varying: "\0"})
        self._before, _, after = lines.partition("\0")
        self._after = f"{after}\n{names}\n{UNSIGNED}"
        self._seal = _seal(who, scope, self._stamp[:8])
        self._authorization = f"{ALGORITHM} Credential={self._seal.credential}, SignedHeaders={names}, Signature="

    def authorization(self, path: str, value: str) -> str:
        """The header that proves it with this path, encoded, and this value of what varies."""
        request = f"{self._method}\n{path}\n\n{self._before}{value}{self._after}"
        return self._authorization + self._seal.sign(self._stamp, request)


@functools.lru_cache(maxsize=64)
def _seal(who: Credentials, scope: Scope, day: str) -> _Seal:
    return _Seal(who, scope, day)


@functools.lru_cache(maxsize=4)
def _stamp(second: int) -> str:
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(second))
