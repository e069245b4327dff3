"""A server in front of another one, so that the faults of HTTP befall it, whatever it speaks."""

import http.client

from .http_faults import Reply, Seen
from .http_server import HttpServer

_OF_THE_WAY = ("connection", "content-length", "keep-alive", "transfer-encoding")  # headers of one connection


class HttpRelay(HttpServer):
    """Passes requests on to `port` of this machine, unchanged, and the answers back, unless they meet a fault."""

    def __init__(self, port: int, *, seed: int = 0) -> None:
        super().__init__(seed=seed)
        self._port = port

    def right(self, seen: Seen) -> Reply:
        """What the other server says. Of an answer without a body (to HEAD) the length is kept."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port)
        try:
            connection.putrequest(seen.method, seen.target, skip_host=True, skip_accept_encoding=True)
            for name, value in seen.headers.items():
                connection.putheader(name, value)
            connection.endheaders(seen.body or None)
            answer = connection.getresponse()
            dropped = _OF_THE_WAY if seen.method != "HEAD" else tuple(name for name in _OF_THE_WAY if name != "content-length")
            headers = {name.lower(): value for name, value in answer.getheaders() if name.lower() not in dropped}
            return Reply(answer.status, headers, answer.read())
        except (http.client.HTTPException, OSError):
            return Reply(200, raw=b"", close=True)  # it closed its connection: so do we
        finally:
            connection.close()
