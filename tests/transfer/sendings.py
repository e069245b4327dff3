"""What tests of sending share: the files that are sent, and what a store should hold and holds of them."""

from collections.abc import Callable, Sequence
from pathlib import Path

from lading.errors import StoreUnavailableError
from lading.manifest.digest import LEAF_SIZE, Algorithm
from lading.store.folder import FolderStore
from lading.store.memory import MemoryStore
from lading.store.store import Store
from lading.testing.trees import read_tree, seeded, send_items, write_tree
from lading.testing.wrappers import StoreAround
from lading.transfer.engine import Engine
from lading.transfer.plan import SendItem

A = Algorithm.BLAKE3
LARGE = 2 * LEAF_SIZE + 12345
CONTENTS = {
    "empty": b"",
    "a/one": b"1",
    "a/leaf": seeded(LEAF_SIZE),
    "large": seeded(LARGE),
    "huge": seeded(3 * LEAF_SIZE + 1, 2),
}
SMALL = {f"{number % 3}/{number}": seeded(100 + number, number) for number in range(300)}
MakeEngine = Callable[..., Engine]
BUSY = StoreUnavailableError("busy")


async def objects(store: Store) -> dict[str, bytes]:
    """All objects, read past wrappers."""
    while isinstance(store, StoreAround):
        store = store.inner
    if isinstance(store, MemoryStore):
        assert store.open_writes == 0
        return {key: data for key, (data, _) in store.objects.items()}
    assert isinstance(store, FolderStore)
    found = read_tree(Path(store.root))
    assert [key for key in found if key.startswith("tmp/")] == []
    return found


def made(root: Path, contents: dict[str, bytes], algorithm: Algorithm = A) -> list[SendItem]:
    write_tree(root, contents)
    return send_items(root, algorithm)


def right(items: Sequence[SendItem]) -> dict[str, bytes]:
    """What the store should hold."""
    return {item.key: Path(item.file.path).read_bytes() for item in items}
