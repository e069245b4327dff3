"""Gates: the slots of an endpoint, shared by all that goes on with it in this process, and remembered while it lives."""

import contextlib
import os
import threading
import weakref
from collections.abc import Generator
from urllib.parse import parse_qs, urlsplit

from msgspec import Struct

from .bridged import bridged
from .limiter import MAXIMUM, Fixed, Limiter
from .scheduler import Gates, Limits, Wake
from .trace import Seldom, logger

# To begin with, at an endpoint that nobody knows yet. Few: where answers come at once, more lanes only fight for the interpreter
# (20,000 small objects over loopback cost one lane 2 CPU-s and eight of them 5), and where they do not, doubling finds out soon.
FIRST_SMALL, FIRST_BULK = 1, 2


class GateStatistics(Struct, frozen=True):
    """How many slots there are, how many are taken, and how many wait for one."""

    limit: int
    in_flight: int
    waiting: int


class SharedGate:
    """The slots of one limiter, for any thread. Who had to wait goes first; a free slot that somebody ahead was told of is not
    taken from him, but the others need not wait until he comes. What is `bridged` may have one slot whoever has the others."""

    def __init__(self, limiter: Limiter, name: str = "") -> None:
        self.name = name
        self._limiter = limiter
        self._debugs, self._warns = Seldom(1.0), Seldom(10.0)
        self.reset()
        _gates.add(self)

    def reset(self) -> None:
        """Forget who holds and who waits: in a forked child, nobody does. What was learned stays."""
        self._limiter.forget()
        self._lock = threading.Lock()
        self._waiting: dict[Wake, bool] = {}  # whether it is bridged
        self._bridged = 0  # slots
        self._watching: dict[Wake, None] = {}

    @property
    def limit(self) -> int:
        return self._limiter.limit

    @property
    def not_before(self) -> float:
        return self._limiter.not_before

    def statistics(self) -> GateStatistics:
        with self._lock:
            return GateStatistics(self._limiter.limit, self._limiter.in_flight, len(self._waiting))

    def take(self, now: float, wake: Wake) -> bool:
        with self._lock:
            if not self._may_take(now, wake):
                self._waiting.setdefault(wake, bridged.get())
                return False
            self._waiting.pop(wake, None)
            self._bridged += bridged.get()
            self._limiter.started(now)
            return True

    def may_take(self, now: float, wake: Wake) -> bool:
        with self._lock:
            return self._may_take(now, wake)

    def is_idle(self, now: float, wake: Wake) -> bool:
        """Whether there are slots that nobody wants; if not, `wake` is called when there may be some."""
        with self._lock:
            if self._limiter.may_start(now) and self._free > len(self._waiting):
                return True
            self._watching.setdefault(wake)
            return False

    @contextlib.contextmanager
    def widened(self, by: int) -> Generator[None]:
        """Have so many slots more while the block runs. Only for a limit that stays: another is being found."""
        self._widen(by)
        try:
            yield
        finally:
            self._widen(-by)

    def _widen(self, by: int) -> None:
        with self._lock:
            self._limiter.limit += by
        self._tell()

    def leave(self, wake: Wake) -> None:
        with self._lock:
            self._waiting.pop(wake, None)
            self._watching.pop(wake, None)
        self._tell()

    def succeeded(self, now: float, amount: float, seconds: float) -> None:
        with self._lock:
            before = self._limiter.limit
            self._limiter.succeeded(now, amount, seconds)
            self._bridged -= bridged.get()
            after = self._limiter.limit
        if before != after and self._debugs():
            logger.debug("%s: %d at the same time, before %d", self.name, after, before)
        self._tell()

    def throttled(self, now: float, retry_after: float | None) -> None:
        with self._lock:
            before = self._limiter.limit
            self._limiter.throttled(now, retry_after)
            self._bridged -= bridged.get()
            after = self._limiter.limit
        if before != after and self._warns():
            logger.warning("%s is busy or does not answer: only %d at the same time, before %d", self.name, after, before)
        self._tell()

    def ended(self, now: float) -> None:
        with self._lock:
            self._limiter.ended(now)
            self._bridged -= bridged.get()
        self._tell()

    @property
    def _free(self) -> int:
        return self._limiter.limit - self._limiter.in_flight

    def _may_take(self, now: float, wake: Wake) -> bool:
        if bridged.get() and not self._bridged:
            return now >= self._limiter.not_before
        ahead = 0
        for other in self._waiting:
            if other == wake:
                break
            ahead += 1
        return self._free > ahead and self._limiter.may_start(now)

    def _tell(self) -> None:
        with self._lock:
            free = max(0, self._free)
            told = [wake for wake, _ in zip(self._waiting, range(free), strict=False)]
            if not self._bridged:
                told += [wake for wake, is_bridged in self._waiting.items() if is_bridged][:1]
            if free > len(self._waiting):
                told += self._watching
                self._watching.clear()
        for wake in told:
            wake()


class Opening:
    """A gate for work that holds no slot itself, but has parts that do: such work begins while there are slots that no part
    wants, and never more of it than there are slots. For one loop."""

    def __init__(self, parts: SharedGate) -> None:
        self._parts, self._count = parts, 0

    @property
    def limit(self) -> int:
        return self._parts.limit

    @property
    def not_before(self) -> float:
        return self._parts.not_before

    def take(self, now: float, wake: Wake) -> bool:
        if not self.may_take(now, wake):
            return False
        self._count += 1
        return True

    def may_take(self, now: float, wake: Wake) -> bool:
        return not self._count or (self._count < self.limit and self._parts.is_idle(now, wake))

    def leave(self, wake: Wake) -> None:
        self._parts.leave(wake)

    def succeeded(self, now: float, amount: float, seconds: float) -> None:
        self.ended(now)

    def throttled(self, now: float, retry_after: float | None) -> None:
        self.ended(now)

    def ended(self, now: float) -> None:
        self._count -= 1


class SharedGates(Struct, frozen=True):
    """Small and bulk work at one endpoint."""

    small: SharedGate
    bulk: SharedGate

    def opening(self) -> Gates:
        """For work whose bulk is made of parts that ask for slots themselves."""
        return Gates(self.small, Opening(self.bulk))

    def parts(self) -> Gates:
        return Gates(self.small, self.bulk)

    @property
    def limits(self) -> Limits:
        return Limits(self.small.limit, self.bulk.limit)


def fixed_gates(limits: Limits) -> SharedGates:
    """Gates whose limits stay, of nobody else."""
    return SharedGates(SharedGate(Fixed(limits.small)), SharedGate(Fixed(limits.bulk)))


_gates: "weakref.WeakSet[SharedGate]" = weakref.WeakSet()
_known: dict[tuple[str, str, int], SharedGates] = {}  # by URL, by the endpoint in its options, by maximum
MOST_KNOWN = 500  # the oldest are forgotten: a crawler meets many hosts
_lock = threading.Lock()


def gates_of(url: str, maximum: int | None = None) -> SharedGates:
    """The gates of the endpoint that this store's URL names: of its scheme and host, one bucket apart from another. Never more
    than `maximum` of each kind at the same time."""
    parts, most = urlsplit(url), MAXIMUM if maximum is None else Limits(maximum, maximum).bulk
    with _lock:
        key = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}", "".join(parse_qs(parts.query).get("endpoint", [])), most
        if key not in _known:
            if len(_known) >= MOST_KNOWN:
                del _known[next(iter(_known))]
            _known[key] = SharedGates(
                SharedGate(Limiter(FIRST_SMALL, most), f"{key[0]} (small files)"),
                SharedGate(Limiter(FIRST_BULK, most), f"{key[0]} (parts)"),
            )
        return _known[key]


def _after_fork() -> None:
    global _lock
    _lock = threading.Lock()  # another thread of the parent may have held it, as the gates' own
    for gate in list(_gates):
        gate.reset()


os.register_at_fork(after_in_child=_after_fork)
