"""Giving up: heard between pieces, and in the middle of a wait."""

import asyncio
import socket
import threading
import time

import pytest

from lading.store.halt import Halt, Halted, current_halt, halting
from lading.store.threads import in_thread


def test_a_wait_in_a_socket_ends_when_its_work_is_given_up() -> None:
    ours, theirs = socket.socketpair()
    halt = Halt()
    threading.Timer(0.02, halt.ask).start()

    def wait() -> None:
        with halt.closing(lambda: ours.shutdown(socket.SHUT_RDWR)):
            if not ours.recv(1):
                raise ConnectionError("closed under us")

    with ours, theirs, pytest.raises(Halted):
        wait()


def test_what_was_given_up_before_does_not_begin_to_wait() -> None:
    halt = Halt()
    halt.ask()

    with pytest.raises(Halted), halt.closing(lambda: None):
        raise AssertionError("began")


def test_after_the_block_nothing_is_closed() -> None:
    halt, closed = Halt(), list[int]()
    with halt.closing(lambda: closed.append(1)):
        pass

    halt.ask()

    assert not closed


def test_an_error_that_no_halt_caused_stays_itself() -> None:
    with pytest.raises(ValueError, match="mine"), Halt().closing(lambda: None):
        raise ValueError("mine")


def test_the_current_halt_is_that_of_this_threads_work() -> None:
    halt, elsewhere = Halt(), list[Halt]()

    with halting(halt):
        thread = threading.Thread(target=lambda: elsewhere.append(current_halt()))
        thread.start()
        thread.join()

        assert current_halt() is halt
    assert current_halt() is not halt
    assert elsewhere[0] is not halt


async def test_a_cancelled_call_halts_the_work_in_its_thread() -> None:
    heard = threading.Event()

    def work() -> None:
        halt = current_halt()
        while not halt.asked:
            time.sleep(0.001)
        heard.set()

    call = asyncio.create_task(in_thread(work))
    await asyncio.sleep(0.01)
    call.cancel()

    with pytest.raises(asyncio.CancelledError):
        await call
    assert heard.is_set()
