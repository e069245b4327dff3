"""The way to a server: which proxy, whose certificates are trusted, and what to say when there is no way."""

import functools
import os
import socket
import ssl
import urllib.request
from urllib.parse import urlsplit

from msgspec import Struct

from ...errors import StoreError, StoreUnavailableError
from .request import basic, shown_url


class Proxy(Struct, frozen=True):
    """An HTTP proxy, and how we name ourselves to it."""

    host: str
    port: int
    authorization: str | None = None

    @property
    def url(self) -> str:
        """Its URL, without a password."""
        return f"http://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"

    def __repr__(self) -> str:
        return f"Proxy({self.url})"


def proxy_for(scheme: str, host: str, port: int) -> Proxy | None:
    """The proxy that the environment asks for (HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY, in either case, and what the system
    is set to where Python knows that). Raise `StoreError` for one that we cannot use."""
    proxies = urllib.request.getproxies()
    url = proxies.get(scheme) or proxies.get("all")
    if not url or urllib.request.proxy_bypass(f"{host}:{port}"):
        return None
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        if parts.scheme == "http" and parts.hostname:
            user = basic(parts.username, parts.password or "") if parts.username is not None else None
            return Proxy(parts.hostname, parts.port or 80, user)
    except ValueError:
        pass
    raise StoreError(
        f"the proxy {shown_url(url)} for {host} cannot be used",
        hint="only http://host:port is; see HTTP_PROXY, HTTPS_PROXY, NO_PROXY",
    )


def trust() -> ssl.SSLContext:
    """Whose certificates are believed: the system's, or those of SSL_CERT_FILE and SSL_CERT_DIR. One for all connections."""
    return _trust(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))


@functools.lru_cache(maxsize=8)
def _trust(file: str | None, folder: str | None) -> ssl.SSLContext:
    del file, folder  # OpenSSL reads them itself; here they tell contexts apart
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


def no_way(shown: str, error: Exception, proxy: Proxy | None) -> StoreError:
    """The error for a connection that could not be made."""
    through = f" through the proxy {proxy.url}" if proxy else ""
    if isinstance(error, ssl.SSLCertVerificationError):
        return StoreError(
            f"{shown}: its certificate is not trusted{through}: {error.verify_message}",
            hint="if it is right so, name a file with the certificate of who signed it in SSL_CERT_FILE",
        )
    if isinstance(error, ssl.SSLError) or (isinstance(error, ConnectionResetError) and shown.startswith("https:")):
        reason = getattr(error, "reason", None) or error.strerror or "the connection was closed"
        return StoreUnavailableError(
            f"{shown}: no TLS connection{through}: {reason}",
            hint="does this port speak TLS? If not, the URL is http://",
        )
    if isinstance(error, socket.gaierror):
        return StoreUnavailableError(
            f"{shown}: the name of the {'proxy' if proxy else 'server'} is not known: {error.strerror}",
            hint="check the URL, the network, and HTTPS_PROXY if a proxy is needed here",
        )
    if isinstance(error, TimeoutError):
        return StoreUnavailableError(
            f"{shown} cannot be reached{through}: no answer to the attempt to connect",
            hint="check the address, the firewall, and HTTPS_PROXY if a proxy is needed here",
        )
    number = error.errno if isinstance(error, OSError) else None
    reason = os.strerror(number) if number else str(error) or type(error).__name__
    return StoreUnavailableError(
        f"{shown} cannot be reached{through}: {reason}", hint="check the address and the port, and that the server runs"
    )
