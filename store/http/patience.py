"""How long a connection is waited for, in seconds."""

from msgspec import Struct

LEAST = 64 << 10  # bytes that must move within a window, or the connection is stalled


class Patience(Struct, frozen=True):
    """Deadlines of one exchange. A body has none as a whole: it takes what it takes while `LEAST` moves in each `window`."""

    connect: float = 10.0  # name, connection, proxy and TLS together
    answer: float = 60.0  # from the last byte sent to the end of the answer's head
    window: float = 10.0


PATIENT = Patience()
