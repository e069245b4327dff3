"""Sending small files: a batch of them in one trip to a lane."""

import contextlib

from msgspec import Struct, field

from ..errors import AlreadyExistsError, LadingError
from ..manifest.digest import Algorithm
from ..store.halt import Halt
from ..store.store import Store
from ..store.wholes import Wholes, wholes
from .batches import Refusals
from .lanes import PIECE
from .outgoing import outgoing, whole
from .plan import Run, SendItem


class Sent(Struct, frozen=True):
    """What came of a batch: items whose object was made, items whose key was taken, items that are to be tried again and why."""

    made: list[SendItem] = field(default_factory=list[SendItem])
    taken: list[SendItem] = field(default_factory=list[SendItem])
    failed: list[tuple[SendItem, LadingError]] = field(default_factory=list[tuple[SendItem, LadingError]])


def send_small(store: Store, items: list[SendItem], algorithm: Algorithm, halt: Halt) -> Sent:
    """Make the objects. Raise what no retry would heal."""
    with wholes(store) as many:
        return _send_small(store, many, items, algorithm, halt)


def _send_small(store: Store, many: Wholes | None, items: list[SendItem], algorithm: Algorithm, halt: Halt) -> Sent:
    sent, refusals = Sent(), Refusals()
    for number, item in enumerate(items):
        halt.check()
        try:
            if item.size < PIECE:
                content = whole(item, algorithm)
                if many is not None:
                    many.write(item.key, content)
                else:
                    store.put(item.key, item.size).write((content,))
            else:
                job = store.put(item.key, item.size)
                with contextlib.closing(outgoing(item, Run(0, 1, item.size), algorithm, halt)) as pieces:
                    job.write(pieces)
            sent.made.append(item)
        except AlreadyExistsError:
            sent.taken.append(item)
        except LadingError as error:
            if not error.retryable:
                raise
            sent.failed.append((item, error))
            if refusals.enough(error):
                sent.failed.extend((item, error) for item in items[number + 1 :])
                break
        else:
            refusals.enough(None)
    return sent
