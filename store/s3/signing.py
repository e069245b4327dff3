"""AWS Signature Version 4: the proof, in a header or in a URL, that a request comes from the holder of a secret key."""

import functools
import hashlib
import hmac
import time
from collections.abc import Iterable, Mapping
from urllib.parse import quote

from msgspec import Struct

ALGORITHM = "AWS4-HMAC-SHA256"
UNSIGNED = "UNSIGNED-PAYLOAD"  # of bulk bytes: what binds them is the signed header with their checksum
NOTHING = hashlib.sha256(b"").hexdigest()
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
    return quote(key, safe="/")


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
    signature = _signature(who, scope, stamp, f"{method}\n{path}\n{query}\n{lines}\n{names}\n{payload}")
    credential = f"{who.access}/{stamp[:8]}/{scope.region}/{scope.service}/aws4_request"
    extra["authorization"] = f"{ALGORITHM} Credential={credential}, SignedHeaders={names}, Signature={signature}"
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
    every = [
        *pairs,
        ("X-Amz-Algorithm", ALGORITHM),
        ("X-Amz-Credential", f"{who.access}/{stamp[:8]}/{scope.region}/{scope.service}/aws4_request"),
        ("X-Amz-Date", stamp),
        ("X-Amz-Expires", str(expires)),
        ("X-Amz-SignedHeaders", names),
    ]
    if who.token:
        every.append(("X-Amz-Security-Token", who.token))
    query = encode_query(every)
    signature = _signature(who, scope, stamp, f"{method}\n{path}\n{query}\n{lines}\n{names}\n{UNSIGNED}")
    return f"{query}&X-Amz-Signature={signature}"


def _canonical_headers(headers: Mapping[str, str]) -> tuple[str, str]:
    """The names, and the lines with an empty one after them."""
    found = sorted((name.lower(), value) for name, value in headers.items())
    signed = [(name, " ".join(value.split())) for name, value in found if name not in UNSIGNED_HEADERS]
    return ";".join(name for name, _ in signed), "".join(f"{name}:{value}\n" for name, value in signed)


def _signature(who: Credentials, scope: Scope, stamp: str, request: str) -> str:
    day = stamp[:8]
    digest = hashlib.sha256(request.encode()).hexdigest()
    text = f"{ALGORITHM}\n{stamp}\n{day}/{scope.region}/{scope.service}/aws4_request\n{digest}"
    return hmac.digest(_key(who.secret, day, scope.region, scope.service), text.encode(), "sha256").hex()


@functools.lru_cache(maxsize=64)
def _key(secret: str, day: str, region: str, service: str) -> bytes:
    """Four of the five rounds of a signature depend on nothing that changes within a day."""
    key = f"AWS4{secret}".encode()
    for part in (day, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


@functools.lru_cache(maxsize=4)
def _stamp(second: int) -> str:
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(second))
