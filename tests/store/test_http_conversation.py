"""Conversations: one connection held between small exchanges, and let go as it deserves."""

from typing import NamedTuple

import pytest

from lading.errors import StoreUnavailableError
from lading.store.http.connection import exchange
from lading.store.http.conversation import Conversation
from lading.store.http.request import Request
from lading.testing.http_faults import Bye, Cut, Fault, Lost, Raw
from lading.testing.http_server import HttpServer


class Served(NamedTuple):
    """A server with an object, and what is sent to ask for it."""

    server: HttpServer
    request: Request
    head: bytes


@pytest.fixture
def served(server: HttpServer) -> Served:
    server.objects["/a"] = b"0123456789" * 100
    request = Request.of("GET", server.url + "/a")
    return Served(server, request, f"GET /a HTTP/1.1\r\nhost: {request.authority}\r\n\r\n".encode())


def ask(talk: Conversation, served: Served, most: int = 10_000) -> bytes | None:
    incoming = talk.ask(served.request, served.head)
    return None if incoming is None else incoming.read(most)


def test_a_connection_is_held_and_then_left_to_others(served: Served) -> None:
    with Conversation() as talk:
        for _ in range(3):
            assert ask(talk, served) == b"0123456789" * 100
    with exchange(served.request) as incoming:
        incoming.read(1000)

    assert served.server.connections == 1


def test_an_answer_that_was_not_read_to_its_end_is_nobody_elses(served: Served) -> None:
    with Conversation() as talk:
        assert ask(talk, served, most=7) == b"0123456"
        assert ask(talk, served) == b"0123456789" * 100

    assert served.server.connections == 2


def test_another_server_is_asked_over_a_connection_of_its_own(served: Served) -> None:
    with HttpServer() as other:
        other.objects["/a"] = b"other"
        with Conversation() as talk:
            ask(talk, served)
            incoming = talk.ask(Request.of("GET", other.url + "/a"), served.head)
            assert incoming is not None
            assert incoming.read(100) == b"other"


def test_a_connection_that_ends_without_an_answer_gives_none(served: Served) -> None:
    with Conversation() as talk:
        ask(talk, served)
        served.server.fail(Lost())

        assert ask(talk, served) is None
        assert ask(talk, served) is not None


@pytest.mark.parametrize("fault", [Cut(10), Raw(b"HTTP/1.1 2000 ?\r\n\r\n"), Raw(b"HTTP/1.1 200 OK\r\nConte")], ids=repr)
def test_an_answer_that_breaks_off_or_is_none_is_an_error(served: Served, fault: Fault) -> None:
    served.server.fail(fault)

    with Conversation() as talk:
        with pytest.raises(StoreUnavailableError, match="/a"):
            ask(talk, served)

        assert ask(talk, served) == b"0123456789" * 100


def test_a_server_that_closes_after_each_answer_is_dialled_again(served: Served) -> None:
    served.server.fail(Bye(), times=3)

    with Conversation() as talk:
        found = [ask(talk, served) for _ in range(3)]

    assert all(answer is None or len(answer) == 1000 for answer in found)
    assert found[0] is not None
