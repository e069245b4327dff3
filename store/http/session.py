"""Control calls: small requests and answers for an event loop. Few at a time go by a thread and its kept connection; more, by
aiohttp on the loop, whose import takes longer than many a process has to live."""

import asyncio
import importlib
import ssl
from collections import Counter
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

from ...errors import LadingError, StoreDeniedError, StoreError, StoreUnavailableError
from ..threads import in_thread
from .answers import Answer
from .body import Bytes
from .connection import IDLE, exchange
from .patience import PATIENT, Patience
from .request import Request
from .route import Proxy, no_way, proxy_for, trust

if TYPE_CHECKING:
    from aiohttp import ClientSession

LIMIT = 64 << 20  # bytes of an answer
TOTAL = 300.0  # seconds for a whole call: the completion of a large upload may take minutes
FEW = 2  # calls under way by threads of the loop that asks, which has others to do with them

_Held = AsyncGenerator["ClientSession"]

_sessions: dict[asyncio.AbstractEventLoop, tuple[_Held, "ClientSession"]] = {}
_by_thread: Counter[asyncio.AbstractEventLoop] = Counter()  # calls under way


async def call(
    request: Request, body: bytes = b"", *, limit: int = LIMIT, patience: Patience = PATIENT, total: float = TOTAL
) -> Answer:
    """The answer to a request that is signed already, whatever its status; redirects are not followed, encodings not undone.
    Raise `StoreUnavailableError`, `StoreDeniedError`, and `StoreError` for an answer of more than `limit` bytes."""
    proxy = proxy_for(request.scheme, request.host, request.port)
    loop = asyncio.get_running_loop()
    pinned = bool(request.addresses) and proxy is None  # aiohttp keeps connections by name, wherever they lead
    if pinned or (_by_thread[loop] < FEW and loop not in _sessions):
        _by_thread[loop] += 1
        try:
            async with asyncio.timeout(total):
                return await in_thread(lambda: _exchanged(request, body, limit, patience))
        except TimeoutError as error:
            raise _late(request) from error
        finally:
            _by_thread[loop] -= 1
            if not _by_thread[loop]:
                del _by_thread[loop]
    return await _by_aiohttp(request, body, limit, patience, total, proxy)


async def _by_aiohttp(request: Request, body: bytes, limit: int, patience: Patience, total: float, proxy: Proxy | None) -> Answer:
    session = await _session()
    import aiohttp
    from yarl import URL

    timeout = aiohttp.ClientTimeout(total=total, connect=patience.connect, sock_read=max(patience.answer, patience.window))
    try:
        async with session.request(
            request.method,
            URL(request.url, encoded=True),  # what was signed is what is sent
            data=body or None,
            headers=_headers(request, body, proxy),
            skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
            allow_redirects=False,
            proxy=proxy.url if proxy else None,
            proxy_headers=_proxy_headers(proxy),
            ssl=trust(),
            timeout=timeout,
        ) as answer:
            found = bytearray()
            async for piece in answer.content.iter_any():
                found += piece
                if len(found) > limit:
                    raise _too_long(request, limit)
            headers: dict[str, str] = {}
            for name, value in answer.headers.items():
                name = name.lower()
                headers[name] = f"{headers[name]}, {value}" if name in headers else value
            return Answer(answer.status, headers, bytes(found))
    except LadingError:
        raise
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise _error(request, error, proxy) from error


def _exchanged(request: Request, body: bytes, limit: int, patience: Patience) -> Answer:
    carried = Bytes(body)
    carried.again = request.method != "POST"  # an upload that is begun twice, or completed, is not the same as once
    with exchange(request, carried, patience=patience) as incoming:
        found = incoming.read(limit + 1)
    if len(found) > limit:
        raise _too_long(request, limit)
    return Answer(incoming.status, incoming.headers, found)


def _too_long(request: Request, limit: int) -> StoreError:
    return StoreError(f"{request.shown}: the answer is longer than {limit} bytes")


def _late(request: Request) -> StoreUnavailableError:
    return StoreUnavailableError(f"{request.shown}: no answer in time")


async def close_session() -> None:
    """Close the session of the running loop, if it has one; the next call makes another. `asyncio.run` does it by itself."""
    if entry := _sessions.get(asyncio.get_running_loop()):
        await entry[0].aclose()


async def _session() -> "ClientSession":
    loop = asyncio.get_running_loop()
    if entry := _sessions.get(loop):
        return entry[1]
    for other in [other for other in _sessions if other.is_closed()]:  # closed without having closed its generators
        del _sessions[other]
    await in_thread(_prepare)
    if entry := _sessions.get(loop):  # another call was faster
        return entry[1]
    held = _hold(loop)
    session = await anext(held)
    _sessions[loop] = held, session
    return session


def _prepare() -> None:
    """What takes a fifth of a second: nobody pays who moves nothing over a network, and no loop stands still for it."""
    importlib.import_module("aiohttp")
    trust()


async def _hold(loop: asyncio.AbstractEventLoop) -> _Held:
    """A session for as long as the loop lives: whoever ends a loop closes its open generators, and so this."""
    import aiohttp

    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=IDLE)
    try:
        async with aiohttp.ClientSession(
            connector=connector, auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False
        ) as session:
            yield session
    finally:
        _sessions.pop(loop, None)


def _headers(request: Request, body: bytes, proxy: Proxy | None) -> list[tuple[str, str]]:
    headers = list(request.headers)
    if request.header("accept-encoding") is None:
        headers.append(("Accept-Encoding", "identity"))
    if not body and request.method in ("PUT", "POST"):
        headers.append(("Content-Length", "0"))
    if request.scheme == "http":  # over TLS the proxy hears it with CONNECT, and nobody else does
        headers.extend(_proxy_headers(proxy).items())
    return headers


def _proxy_headers(proxy: Proxy | None) -> dict[str, str]:
    return {"Proxy-Authorization": proxy.authorization} if proxy and proxy.authorization else {}


def _error(request: Request, error: Exception, proxy: Proxy | None) -> StoreError:
    import aiohttp

    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        cause = error.certificate_error
        return no_way(request.shown, cause if isinstance(cause, ssl.SSLError) else error, proxy)
    if isinstance(error, aiohttp.ClientHttpProxyError):
        if error.status in (401, 403, 407):
            return StoreDeniedError(
                f"{request.shown}: the proxy refuses ({error.status})", hint="name a user and a password in HTTPS_PROXY"
            )
        return StoreUnavailableError(f"{request.shown}: the proxy could not connect ({error.status})")
    if isinstance(error, aiohttp.ClientConnectorError):
        return no_way(request.shown, error.os_error, proxy)
    if isinstance(error, aiohttp.ServerTimeoutError | TimeoutError):
        kind = no_way(request.shown, TimeoutError(), proxy) if isinstance(error, aiohttp.ConnectionTimeoutError) else None
        return kind or _late(request)
    if isinstance(error, aiohttp.ClientResponseError):
        return StoreUnavailableError(f"{request.shown}: the answer is not HTTP ({' '.join(error.message.split())[:80]})")
    if isinstance(error, aiohttp.ClientPayloadError):
        return StoreUnavailableError(f"{request.shown}: the answer broke off")
    if isinstance(error, ValueError):
        return StoreError(f"{request.shown} cannot be asked for: {type(error).__name__}")
    return StoreUnavailableError(f"{request.shown}: the connection was closed before the answer")
