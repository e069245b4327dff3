"""Making a connection: the name, the address, the proxy, TLS. Every wait ends at its deadline, or when the work is given up."""

import random
import re
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

from msgspec import Struct

from ...errors import StoreDeniedError, StoreError, StoreUnavailableError
from ..halt import Halt
from .request import Request
from .route import Proxy, no_way, proxy_for, trust

_Address = tuple[socket.AddressFamily, Any]

_NAMES_LAST = 30.0  # seconds; object stores move their names about
_ASIDE = 3.0  # an address that does not answer for so long gives way to the next, if there is one
_names: dict[tuple[str, int], tuple[float, list[_Address]]] = {}


class Dialed(Struct, frozen=True):
    """A connection that is ready for requests. `proxy` is set where these must name the whole URL."""

    sock: socket.socket
    proxy: Proxy | None


def dial(request: Request, patience: float, halt: Halt, hold: Callable[[socket.socket], None]) -> Dialed:
    """Connect to where the request goes, within `patience` seconds. `hold` is given each socket before it is waited for, so that
    somebody else can shut it down. Raise `StoreUnavailableError`, `StoreError`, `Halted`."""
    proxy = proxy_for(request.scheme, request.host, request.port)
    deadline = time.monotonic() + patience
    sock: socket.socket | None = None
    try:
        known = () if proxy else request.addresses
        sock = _connect(proxy.host if proxy else request.host, proxy.port if proxy else request.port, known, deadline, halt, hold)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if request.scheme != "https":
            return Dialed(sock, proxy)
        if proxy:
            _tunnel(sock, request, proxy, deadline)
        sock = trust().wrap_socket(sock, server_hostname=request.host, do_handshake_on_connect=False)
        hold(sock)
        sock.settimeout(_left(deadline))
        sock.do_handshake()
    except OSError as error:
        if sock:
            sock.close()
        if isinstance(error, StoreError):
            raise
        raise no_way(request.shown, error, proxy) from error
    except BaseException:
        if sock:
            sock.close()
        raise
    return Dialed(sock, None)


def _connect(
    host: str, port: int, known: tuple[str, ...], deadline: float, halt: Halt, hold: Callable[[socket.socket], None]
) -> socket.socket:
    addresses = [_numeric(address, port) for address in known] or _resolve(host, port, deadline, halt)
    failure: OSError = OSError("the name has no address")
    for number, (family, address) in enumerate(addresses, 1):
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            hold(sock)
            left = _left(deadline)
            sock.settimeout(left if number == len(addresses) else min(left, _ASIDE))
            sock.connect(address)
            halt.check()  # a socket that is shut down while it connects may look as if it had succeeded
        except OSError as error:
            failure = error
            sock.close()
            halt.check()
        except BaseException:
            sock.close()
            raise
        else:
            return sock
    _names.pop((host, port), None)
    raise failure


def _numeric(address: str, port: int) -> _Address:
    """Of an address in figures: nobody is asked."""
    found = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)[0]
    return found[0], found[4]


def _resolve(host: str, port: int, deadline: float, halt: Halt) -> list[_Address]:
    """The addresses in a random order: large stores have many servers. Asked in a thread of its own, because nothing can
    interrupt the system's resolver."""
    known = _names.get((host, port))
    if known is None or known[0] < time.monotonic():
        found: list[_Address] = []
        failed: list[OSError] = []
        done = threading.Event()

        def ask() -> None:
            try:
                found.extend((info[0], info[4]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
            except (OSError, UnicodeError) as error:
                failed.append(error if isinstance(error, OSError) else socket.gaierror(socket.EAI_NONAME, str(error)))
            finally:
                done.set()

        threading.Thread(target=ask, name=f"lading-resolve-{host}", daemon=True).start()
        while not done.wait(min(0.05, _left(deadline))):
            halt.check()
        if failed:
            raise failed[0]
        known = (time.monotonic() + _NAMES_LAST, found)
        _names[host, port] = known
    first = known[1][0][0] if known[1] else None  # the system knows best whether IPv6 or IPv4 is to come first
    preferred = [address for address in known[1] if address[0] == first]
    return random.sample(preferred, len(preferred)) + [address for address in known[1] if address[0] != first]


def _tunnel(sock: socket.socket, request: Request, proxy: Proxy, deadline: float) -> None:
    target = f"{f'[{request.host}]' if ':' in request.host else request.host}:{request.port}"
    lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}"]
    if proxy.authorization:
        lines.append(f"Proxy-Authorization: {proxy.authorization}")
    sock.settimeout(_left(deadline))
    sock.sendall("\r\n".join((*lines, "", "")).encode("latin-1"))
    answer = b""
    while not answer.endswith(b"\r\n\r\n"):  # byte by byte, once in a connection: what follows is TLS and not ours to take
        sock.settimeout(_left(deadline))
        byte = sock.recv(1)
        if not byte or len(answer) > 16 << 10:
            raise StoreUnavailableError(f"the proxy {proxy.url} opened no way to {target}", hint="check HTTPS_PROXY")
        answer += byte
    status = re.match(rb"HTTP/1\.[01] ([0-9]{3})", answer)
    code = int(status[1]) if status else 0
    if code in (401, 403, 407):
        raise StoreDeniedError(
            f"the proxy {proxy.url} refuses to connect to {target} ({code})", hint="name a user and a password in HTTPS_PROXY"
        )
    if not 200 <= code < 300:
        raise StoreUnavailableError(f"the proxy {proxy.url} could not connect to {target} ({code or 'no status'})")


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("timed out")
    return left
