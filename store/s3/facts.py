"""What a store told us while this process lives, and what therefore need not be asked, or tried in vain, again."""

import threading
from dataclasses import dataclass, field


@dataclass(slots=True)
class Facts:
    """Of one bucket at one endpoint. Threads write single values that are right whoever comes last."""

    region: str | None = None  # the right one, where another was assumed
    skew: float = 0.0  # seconds that the server's clock is ahead of ours
    checks: str | None = None  # the checksum that it compares with what arrives; empty: none; None: nobody has tried
    checksums: bool = True  # whether it bears checksums in headers at all
    conditional: bool = True  # whether it creates an object only where there is none
    bulk_delete: bool = True  # whether it deletes many objects by one request
    copies: bool = True  # whether it makes objects of others, without our carrying the bytes
    seen: bool = False  # whether the bucket is known to be there
    lessons: int = 0  # how often something was learned
    lock: threading.Lock = field(default_factory=threading.Lock)  # of those who try, so that only one does


_facts: dict[tuple[str, str], Facts] = {}


def facts_of(endpoint: str, bucket: str) -> Facts:
    """The same for all who ask in this process."""
    return _facts.get((endpoint, bucket)) or _facts.setdefault((endpoint, bucket), Facts())
