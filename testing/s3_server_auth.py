"""Who may call the S3 of this process: signatures, computed from what came over the wire and not by the code that made them."""

import hashlib
import hmac
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import parse_qsl

from msgspec import Struct

from .s3_server_bucket import Headers, Refusal
from .s3_server_calls import Call

TOLERANCE = 900  # seconds between two clocks


class Key(Struct):
    """A secret, and the token that must come with it."""

    secret: str
    token: str | None = None
    expired: bool = False


def authorize(call: Call, keys: Mapping[str, Key], region: str, skew: float) -> None:
    """Raise `Refusal` unless the call is signed by one of the keys, for the region, by the clock that is `skew` seconds ahead."""
    said = dict(parse_qsl(call.raw)) if "X-Amz-Signature" in call.query else _authorization(call.headers)
    access, day, signed_for, service, _ = said["X-Amz-Credential"].split("/")
    key, stamp = keys.get(access), said.get("X-Amz-Date") or call.headers.get("x-amz-date", "")
    if key is None:
        raise Refusal(403, "InvalidAccessKeyId", "The access key does not exist")
    made = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    age = time.time() + skew - made
    if "X-Amz-Expires" in said and age > int(said["X-Amz-Expires"]):
        raise Refusal(403, "AccessDenied", "Request has expired")
    if abs(age) > TOLERANCE and "X-Amz-Expires" not in said:
        raise Refusal(403, "RequestTimeTooSkewed", "The difference between the clocks is too large")
    if signed_for != region:
        raise Refusal(400, "AuthorizationHeaderMalformed", f"The region is wrong; expecting '{region}'", Region=region)
    payload = "UNSIGNED-PAYLOAD" if "X-Amz-Expires" in said else call.headers.get("x-amz-content-sha256", "")
    secret, scope = f"AWS4{key.secret}".encode(), f"{day}/{signed_for}/{service}/aws4_request"
    for step in scope.split("/"):
        secret = hmac.new(secret, step.encode(), hashlib.sha256).digest()
    digest = hashlib.sha256(_canonical(call, said["X-Amz-SignedHeaders"], payload).encode()).hexdigest()
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{digest}"
    if hmac.new(secret, text.encode(), hashlib.sha256).hexdigest() != said["X-Amz-Signature"]:
        raise Refusal(403, "SignatureDoesNotMatch", "The signature is another one than calculated")
    token = said.get("X-Amz-Security-Token") or call.headers.get("x-amz-security-token")
    if key.expired or token != key.token:
        raise Refusal(400, "ExpiredToken" if key.expired else "InvalidToken", "The token has expired or is another one")
    if len(payload) == 64 and payload != hashlib.sha256(call.body).hexdigest():
        raise Refusal(400, "XAmzContentSHA256Mismatch", "The body is another one than was signed")


def _authorization(headers: Headers) -> dict[str, str]:
    """The header as the parameters of a presigned URL."""
    kind, _, rest = headers.get("authorization", "").partition(" ")
    if kind != "AWS4-HMAC-SHA256":
        raise Refusal(403, "AccessDenied", "Access Denied")
    return {f"X-Amz-{name}": value for name, _, value in (part.strip().partition("=") for part in rest.split(","))}


def _canonical(call: Call, signed: str, payload: str) -> str:
    names = signed.split(";")
    unsigned = [name for name in call.headers if name.startswith("x-amz-") and name not in names]
    if "host" not in names or unsigned:
        raise Refusal(403, "AccessDenied", f"There were headers present which were not signed: {unsigned}")
    pairs = [pair for pair in call.raw.split("&") if pair and not pair.startswith("X-Amz-Signature=")]
    lines = "".join(f"{name}:{' '.join(call.headers.get(name, '').split())}\n" for name in names)
    query = "&".join(sorted(pair if "=" in pair else f"{pair}=" for pair in pairs))
    return f"{call.method}\n{call.path}\n{query}\n{lines}\n{signed}\n{payload}"
