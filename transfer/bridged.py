"""Whether work is done for a blocking call: the thread that waits for it may hold up an event loop and all that goes on there."""

from contextvars import ContextVar

# Work of a loop that is held up keeps its slots and its loans until the call returns. So what is done for the call may always
# have one more of each: else the two would wait for each other.
bridged: ContextVar[bool] = ContextVar("bridged", default=False)
