"""Control calls."""

import asyncio
import gc
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from msgspec import structs

from lading.errors import LadingError, StoreDeniedError, StoreError, StoreUnavailableError
from lading.store.http import session
from lading.store.http.connection import exchange
from lading.store.http.patience import PATIENT, Patience
from lading.store.http.request import Request
from lading.store.http.session import call, close_session
from lading.testing.http_faults import ALWAYS, Chunked, Cut, Fault, Header, Lost, Raw, Stall, Status
from lading.testing.http_server import HttpServer, etag_of


@pytest.fixture(params=[session.FEW, 0], ids=["thread", "aiohttp"], autouse=True)
async def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which way calls go; the promise is the same."""
    await close_session()  # a loop that has a session uses it
    monkeypatch.setattr(session, "FEW", request.param)


async def test_a_call_has_an_answer_of_any_status(server: HttpServer) -> None:
    server.objects["/a"] = b"data"

    found = await call(Request.of("GET", f"{server.url}/a"))
    missing = await call(Request.of("GET", f"{server.url}/b"))

    assert (found.status, found.ok, found.body, found.headers["etag"]) == (200, True, b"data", etag_of(b"data"))
    assert (missing.status, missing.ok, missing.body) == (404, False, b"no such object")


async def test_what_is_sent_is_what_was_signed(server: HttpServer) -> None:
    target = "/a%2Fb//c%20d/../e~?x=%2B&y=a+b&z"

    await call(Request.of("PUT", server.url + target, (("X-One", "1"),)), b"data")
    await call(Request.of("PUT", f"{server.url}/empty"))

    seen, empty = server.seen
    assert (seen.target, seen.body) == (target, b"data")
    assert seen.headers == {
        "host": f"127.0.0.1:{server.port}",
        "x-one": "1",
        "accept-encoding": "identity",
        "content-length": "4",
    }
    assert empty.headers["content-length"] == "0"


async def test_what_says_its_addresses_goes_there_whatever_the_name_means(server: HttpServer) -> None:
    server.objects["/a"] = b"data"
    request = structs.replace(Request.of("GET", f"http://unknown.invalid:{server.port}/a"), addresses=("127.0.0.1",))

    found = await call(request)
    lane = await asyncio.to_thread(lambda: read_all(request))

    assert (found.status, found.body, lane) == (200, b"data", b"data")
    assert [each.headers["host"] for each in server.seen] == [f"unknown.invalid:{server.port}"] * 2
    with pytest.raises(StoreError, match="longer than 3 bytes"):
        await call(request, limit=3)


def read_all(request: Request) -> bytes:
    with exchange(request) as incoming:
        return incoming.read(1 << 20)


async def test_connections_are_kept_and_redirects_not_followed(server: HttpServer) -> None:
    server.fail(Status(307, (("Location", "/b"),)), times=20)

    answers = [await call(Request.of("GET", f"{server.url}/a")) for _ in range(20)]

    assert [(answer.status, answer.headers["location"]) for answer in answers] == [(307, "/b")] * 20
    assert server.connections < 10  # a thread that has just answered may not be free yet: then another takes its turn


async def test_a_post_whose_answer_is_lost_is_for_the_caller_to_repeat(server: HttpServer) -> None:
    await asyncio.gather(*(call(Request.of("GET", f"{server.url}/a")) for _ in range(2)))
    await asyncio.sleep(0.05)  # the threads are free again: whichever asks next has a connection
    server.fail(Lost(), times=2)

    with pytest.raises(StoreUnavailableError):
        await call(Request.of("POST", f"{server.url}/a?uploads"))

    assert [seen.method for seen in server.seen] == ["GET", "GET", "POST"]


async def test_encodings_are_left_alone(server: HttpServer) -> None:
    server.objects["/a"] = b"not gzip"
    server.fail(Header("Content-Encoding", "gzip"))

    assert (await call(Request.of("GET", f"{server.url}/a"))).body == b"not gzip"


async def test_an_answer_that_is_too_long_is_refused(server: HttpServer) -> None:
    server.objects["/a"] = bytes(1000)
    server.fail(Chunked(100), skip=1)

    for _ in range(2):
        with pytest.raises(StoreError, match="longer than 999 bytes"):
            await call(Request.of("GET", f"{server.url}/a"), limit=999)

    assert len((await call(Request.of("GET", f"{server.url}/a"), limit=1000)).body) == 1000


@pytest.mark.parametrize(
    ("fault", "says", "patience"),
    [
        (Cut(100), "broke off", PATIENT),
        (Cut(100, reset=True), "broke off|closed", PATIENT),
        (Raw(b"garbage\r\n\r\n"), "not HTTP", PATIENT),
        (Raw(b""), "closed before the answer", PATIENT),
        (Stall(-1), "no answer (in time|within)", Patience(answer=0.2, window=0.1)),
        (Stall(100), "no answer in time|stalled", Patience(answer=1.0, window=0.1)),  # its head does come
    ],
    ids=range(6),
)
async def test_what_is_wrong_has_a_name(server: HttpServer, fault: Fault, says: str, patience: Patience) -> None:
    server.objects["/a"] = bytes(1000)
    server.fail(fault, times=ALWAYS)  # aiohttp asks once again by itself

    with pytest.raises(StoreUnavailableError, match=says) as caught:
        await call(Request.of("GET", f"{server.url}/a?sig=secret"), patience=patience)

    assert "secret" not in str(caught.value)


async def test_nobody_listening_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    with pytest.raises(StoreUnavailableError, match="refused"):
        await call(Request.of("GET", f"http://127.0.0.1:{port}/"))


async def test_an_unknown_name_is_named() -> None:
    with pytest.raises(StoreUnavailableError, match="name of the server is not known"):
        await call(Request.of("GET", "http://nothing.invalid/"))


async def test_tls_is_believed_by_the_file_that_says_so(tls_server: HttpServer) -> None:
    tls_server.objects["/a"] = b"data"

    for _ in range(10):
        assert (await call(Request.of("GET", f"{tls_server.url}/a"))).body == b"data"

    assert tls_server.connections < 10  # of a few threads, as above


async def test_a_certificate_of_nobody_we_know_is_refused(tls_server: HttpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")

    with pytest.raises(StoreError, match="not trusted") as caught:
        await call(Request.of("GET", f"{tls_server.url}/a"))

    assert not caught.value.retryable
    assert "SSL_CERT_FILE" in (caught.value.hint or "")


async def test_tls_where_there_is_none_is_named(server: HttpServer) -> None:
    with pytest.raises(StoreUnavailableError, match="no TLS connection"):
        await call(Request.of("GET", f"https://127.0.0.1:{server.port}/a"))


async def test_a_plain_proxy_is_asked(server: HttpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", server.url.replace("//", "//me:word@"))
    server.objects["http://store.example/a"] = b"data"

    assert (await call(Request.of("GET", "http://store.example/a"))).body == b"data"

    assert server.seen[0].headers["proxy-authorization"] == "Basic bWU6d29yZA=="
    assert server.seen[0].headers["host"] == "store.example"


@pytest.mark.parametrize(("status", "error"), [(407, StoreDeniedError), (502, StoreUnavailableError)])
async def test_a_proxy_that_refuses_a_tunnel_is_named(
    server: HttpServer, monkeypatch: pytest.MonkeyPatch, status: int, error: type[LadingError]
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", server.url.replace("//", "//me:hidden@"))
    server.fail(Status(status), method="CONNECT")

    with pytest.raises(error, match="proxy") as caught:
        await call(Request.of("GET", "https://store.example/a"))

    assert "hidden" not in str(caught.value)


async def test_a_cancelled_call_closes_its_connection(server: HttpServer) -> None:
    server.fail(Stall(-1))
    task = asyncio.create_task(call(Request.of("GET", f"{server.url}/a")))
    while not server.seen:  # noqa: ASYNC110  # it is another thread that sees
        await asyncio.sleep(0.005)

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert (await call(Request.of("GET", f"{server.url}/a"))).status == 404
    assert server.connections == 2


async def test_a_session_can_be_closed_and_comes_again(server: HttpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "FEW", 0)
    await call(Request.of("GET", f"{server.url}/a"))

    await close_session()
    await call(Request.of("GET", f"{server.url}/a"))

    assert server.connections == 2


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_session_ends_with_its_loop(request: pytest.FixtureRequest, scheme: str) -> None:
    server: HttpServer = request.getfixturevalue("server" if scheme == "http" else "tls_server")

    def run() -> None:
        asyncio.run(call(Request.of("GET", f"{server.url}/a")))

    threads = [threading.Thread(target=run) for _ in range(3)]  # each with a loop of its own, at the same time
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert server.connections == 3
    gc.collect()  # a session that was left open would complain now


def test_a_program_that_calls_ends_without_a_word(server: HttpServer) -> None:
    program = f"""
import asyncio
import gc
from lading.store.http.request import Request
from lading.store.http.session import call
print(asyncio.run(call(Request.of("GET", "{server.url}/a"))).status)
"""
    root = Path(session.__file__).parents[2]
    environment = {"PYTHONPATH": str(root / ".src") if (root / ".src").exists() else ""}

    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, env=environment, check=False
    )

    assert (ended.stdout, ended.stderr) == ("404\n", "")


def test_aiohttp_is_imported_for_more_calls_at_once_than_few(server: HttpServer) -> None:
    program = f"""
import asyncio
import sys
from lading.store.http.request import Request
from lading.store.http.session import FEW, call

async def some(count):
    await asyncio.gather(*(call(Request.of("GET", "{server.url}/a")) for _ in range(count)))
    return "aiohttp" in sys.modules

print([asyncio.run(some(count)) for count in (1, FEW, FEW + 1)])
"""

    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert ended.stdout == "[False, False, True]\n"


async def test_a_call_has_a_deadline_as_a_whole(server: HttpServer) -> None:
    server.fail(Stall(-1), times=ALWAYS)

    with pytest.raises(StoreUnavailableError, match="no answer in time"):
        await call(Request.of("GET", f"{server.url}/a"), total=0.05)


async def test_calls_at_once_share_a_session(server: HttpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "FEW", 0)

    await asyncio.gather(*(call(Request.of("GET", f"{server.url}/{number}")) for number in range(5)))
    await asyncio.gather(*(call(Request.of("GET", f"{server.url}/{number}")) for number in range(5)))

    assert server.connections <= 5
