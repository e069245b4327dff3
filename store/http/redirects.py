"""Redirects: where they may lead, and what may go along. Pure."""

from collections.abc import Mapping
from urllib.parse import urljoin

from msgspec.structs import replace

from ...errors import InvalidValueError, StoreError
from .request import Request, shown_url

MOST_REDIRECTS = 10
_PERSONAL = ("authorization", "cookie", "proxy-authorization")


def redirects(status: int) -> bool:
    """Whether an answer of this status sends us elsewhere."""
    return status in (301, 302, 303, 307, 308)


def redirected(request: Request, status: int, headers: Mapping[str, str]) -> Request:
    """The request that the redirect asks for. To another server go only headers that say nothing of who we are. Raise
    `StoreError` if it may not be followed: only GET and HEAD are, and never from https to http."""
    location = headers.get("location", "")
    if request.method not in ("GET", "HEAD"):
        raise StoreError(
            f"{request.shown} redirects a {request.method} ({status}), which is not followed", hint="name the final URL"
        )
    try:
        # In latin-1, because headers are read so; servers send UTF-8 where they should percent-encode.
        target = Request.of(request.method, urljoin(request.url, location.encode("latin-1").decode("utf-8", "replace")))
    except (InvalidValueError, ValueError) as error:
        raise StoreError(
            f"{request.shown} redirects ({status}) to {shown_url(location) or 'nowhere'}, which is no URL"
        ) from error
    if (request.scheme, target.scheme) == ("https", "http"):
        raise StoreError(
            f"{request.shown} redirects to {target.shown}, from https to http, which is not followed", hint="name the final URL"
        )
    same = (request.scheme, request.host, request.port) == (target.scheme, target.host, target.port)
    kept = request.headers if same else tuple(pair for pair in request.headers if _impersonal(pair[0].lower()))
    return replace(target, headers=kept)


def too_many(request: Request) -> StoreError:
    """The error after `MOST_REDIRECTS` of them."""
    return StoreError(f"{request.shown}: more than {MOST_REDIRECTS} redirects", hint="the server sends us round in circles")


def _impersonal(name: str) -> bool:
    return name not in _PERSONAL and not name.startswith(("x-amz-", "x-goog-", "x-ms-"))
