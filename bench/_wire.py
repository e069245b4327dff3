"""A link between two network namespaces in user space, for kernels without netem: two tun devices and a process between them.

    python _wire.py BITS_PER_SECOND ONE_WAY_SECONDS LOSS

It makes `lading0` and `lading1` in its own namespace, says so, and carries packets between them, wherever they are moved, until
its stdin ends. As netem does, it delays each direction, keeps it to the rate, and loses by chance; what does not fit the queue
(a round trip's worth) is lost, too. The kernel hands over trains of packets of up to 64 KiB, and a train is lost as one.
"""

import contextlib
import fcntl
import os
import random
import select
import struct
import sys
import time
from collections import deque

TUNSETIFF, TUNSETOFFLOAD = 0x400454CA, 0x400454D0
TUN, NO_PACKET_INFORMATION, WITH_HEADER = 0x0001, 0x1000, 0x4000
CHECKSUMS, TRAINS = 0x01, 0x02
MOST = 10 + 65536  # bytes: a train, and what the kernel says about it
SMALLEST_QUEUE = 512 << 10


class Direction:
    """Packets on their way from one device to the other."""

    def __init__(self, source: int, sink: int, rate: float, delay: float, loss: float) -> None:
        self.source, self.sink = source, sink
        self._rate, self._delay, self._loss = rate / 8, delay, loss
        self._room = max(2 * delay * self._rate, SMALLEST_QUEUE) / self._rate  # seconds that the queue may last
        self._sent = 0.0  # when the last byte in the queue has left
        self._flying: deque[tuple[float, bytes]] = deque()

    @property
    def due(self) -> float:
        """When the next packet arrives."""
        return self._flying[0][0] if self._flying else float("inf")

    def collect(self) -> None:
        for _ in range(32):
            try:
                packet = os.read(self.source, MOST)
            except BlockingIOError:
                return
            now = time.monotonic()
            began = max(now, self._sent)
            if began - now <= self._room and random.random() >= self._loss:
                self._sent = began + len(packet) / self._rate
                self._flying.append((self._sent + self._delay, packet))

    def deliver(self, now: float) -> None:
        while self._flying and self._flying[0][0] <= now:
            with contextlib.suppress(OSError):  # the device is down, or full: lost
                os.write(self.sink, self._flying.popleft()[1])


def device(name: str) -> int:
    made = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(made, TUNSETIFF, struct.pack("16sH22x", name.encode(), TUN | NO_PACKET_INFORMATION | WITH_HEADER))
    fcntl.ioctl(made, TUNSETOFFLOAD, CHECKSUMS | TRAINS)
    return made


def main(rate: float, delay: float, loss: float) -> None:
    with contextlib.suppress(OSError):
        os.nice(-10)  # a link does not wait until a processor has time for it
    one, other = device("lading0"), device("lading1")
    there, back = Direction(one, other, rate, delay, loss), Direction(other, one, rate, delay, loss)
    print("ready", flush=True)
    while True:
        wait = min(there.due, back.due) - time.monotonic()
        readable, _, _ = select.select([one, other, 0], [], [], min(max(wait, 0.0), 1.0))
        if 0 in readable:
            return
        for direction in (there, back):
            if direction.source in readable:
                direction.collect()
            direction.deliver(time.monotonic())


if __name__ == "__main__":
    main(*map(float, sys.argv[1:]))
