"""Who owns a store: what says so is damaged, or it is an answer."""

import pytest

from lading.errors import StoreForeignError
from lading.store.memory import MemoryStore
from lading.store.ownership import KEY, ownership
from lading.store.store import write_bytes


@pytest.mark.parametrize("data", [b"", b"[]", b'{"format":1}', b'{"format":"\xff"}', b'{"x":' + b"[" * 100_000], ids=range(5))
async def test_bytes_that_name_no_owner_are_refused_by_name(data: bytes) -> None:
    store = MemoryStore()
    await write_bytes(store, KEY, data)

    with pytest.raises(StoreForeignError, match=r"^lading-store\.json in memory:.* is damaged"):
        await ownership(store)
