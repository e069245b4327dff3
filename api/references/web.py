"""`http://` and `https://`: one file under each URL, known by its ETag."""

import asyncio
import ipaddress
import secrets
import socket
from collections.abc import Awaitable, Callable
from urllib.parse import unquote, urlsplit

from msgspec import structs

from ...errors import StoreDeniedError, StoreError
from ...manifest.entry import Entry
from ...store.http.answers import MOST_REASON, Answer, date, object_size, refusal
from ...store.http.jobs import HttpRead
from ...store.http.redirects import MOST_REDIRECTS, redirected, redirects, too_many
from ...store.http.request import Request, shown_url
from ...store.http.session import call
from ...store.http.store import HttpStore
from .handler import Context, Listed, Opened, Pages, changed, check_size

_NO_HEAD = (400, 401, 403, 405, 501)  # a URL that is signed for GET alone refuses HEAD, each server in its own way


class Web:
    """What the server says of a URL. Redirects are followed."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._public = False
        self._checked = dict[tuple[str, int], tuple[str, ...]]()

    def name(self, uri: str) -> str:
        return unquote(urlsplit(uri).path).rpartition("/")[2]

    def unchecked(self, uri: str) -> Entry:
        return Entry(uri, ref=uri)

    async def one(self, uri: str) -> Listed | None:
        _, answer = await self._ask(uri)
        etag = answer.headers.get("etag")
        size = object_size(answer)
        return Listed(self.name(uri), Entry(_bare(etag), size, uri, extra={"etag": etag}) if etag else Entry(uri, size, uri))

    async def below(self, uri: str) -> Pages:
        none: list[Listed] = []
        for _ in none:  # nobody can ask a web server for its files
            yield none

    async def find(self, uri: str, entry: Entry, *, look: bool) -> Opened:
        request, answer = await self._ask(uri)
        etag, expected = answer.headers.get("etag", ""), entry.extra.get("etag")
        if expected and etag != expected:
            raise changed(shown_url(uri), expected, etag or "none")
        size = object_size(answer)
        if size is None:
            raise StoreError(f"{shown_url(uri)} does not say its size", hint="download it by other means, and add the file")
        check_size(shown_url(uri), entry, size)
        store = HttpStore(f"{request.scheme}://{request.authority}")
        # Where a redirect leads may be a signature that soon ends: it is asked for anew, unless each step is to be looked at.
        asked = structs.replace(request, method="GET") if self._public else Request.of("GET", uri)
        job = HttpRead(asked, "", asked.shown, 0, size, etag or None, follow=not self._public)
        # What nothing pins comes in one stream, and is not gone on with: it could become a mixture.
        ranges = bool(etag) and (answer.status == 206 or answer.headers.get("accept-ranges") == "bytes")
        modified, pin = date(answer.headers.get("last-modified", "")), etag or secrets.token_hex(8)
        return Opened(store, size, lambda start, stop: structs.replace(job, start=start, stop=stop), pin, modified, ranges)

    async def check_public(self, uri: str) -> None:
        self._public = True  # and so must be all to which it redirects
        await self._check(Request.of("HEAD", uri))

    async def _check(self, request: Request) -> Request:
        """The same to the addresses that were looked at: what the name means a moment later, a stranger may decide."""
        if (request.host, request.port) not in self._checked:
            self._checked[request.host, request.port] = await public_addresses(request)
        return structs.replace(request, addresses=self._checked[request.host, request.port])

    async def _ask(self, uri: str) -> tuple[Request, Answer]:
        """Where it leads to in the end, and what is said there."""
        request, answer = await self._follow(Request.of("HEAD", uri))
        if answer.status in _NO_HEAD or (answer.ok and "content-length" not in answer.headers):
            first = Request.of("GET", uri).with_headers(("Range", "bytes=0-0"))
            try:
                request, answer = await self._follow(first)
                request = structs.replace(request, headers=tuple(one for one in request.headers if one[0] != "Range"))
            except StoreError as error:
                if not answer.ok or type(error) is not StoreError:
                    raise  # else it sends all of itself whatever it is asked for: that it is there is all it says
        if not answer.ok and answer.status != 416:  # an empty file has no first byte
            raise refusal(answer, shown_url(uri), shown_url(uri))
        return request, answer

    async def _follow(self, request: Request) -> tuple[Request, Answer]:
        for _ in range(MOST_REDIRECTS + 1):
            if self._public:
                request = await self._check(request)
            answer = await self._context.persist(_asking(request))
            if not redirects(answer.status):
                return request, answer
            request = redirected(request, answer.status, answer.headers)
        raise too_many(request)


def _asking(request: Request) -> Callable[[], Awaitable[Answer]]:
    async def ask() -> Answer:
        answer = await call(request, limit=MOST_REASON)
        if answer.status == 429 or answer.status in (502, 503, 504):
            raise refusal(answer, request.shown, request.shown)
        return answer

    return ask


def _bare(etag: str) -> str:
    return etag.removeprefix("W/").strip('"')


async def public_addresses(request: Request) -> tuple[str, ...]:
    """The addresses of its host. Raise `StoreDeniedError` unless every one belongs to the public Internet."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(request.host, request.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise StoreError(f"{request.shown}: {request.host} has no address: {error}") from error
    addresses = tuple(str(address[0]) for *_, address in found)
    for address in addresses:
        if not is_public(address):
            raise StoreDeniedError(f"{request.shown} leads to {address}, an address of this machine or a private network")
    return addresses


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public Internet."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ipaddress.IPv4Address(ip.packed[-4:]) if ip in _NAT64 else None)
        if inner is not None:
            return is_public(str(inner))
    return ip.is_global and not ip.is_multicast


_NAT64 = ipaddress.ip_network("64:ff9b::/96")
