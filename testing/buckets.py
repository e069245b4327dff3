"""Buckets in memory, opened by their URL: for tests of what copies between them."""

from collections.abc import Mapping
from typing import Any

from ..store.memory import MemoryStore
from ..store.store import Store
from ..transfer.copier import Copier
from ..transfer.copy_task import Report, Task


class Buckets:
    """Opens stores as a `Copier` asks for them: those that were put here, or empty ones."""

    def __init__(self) -> None:
        self.stores: dict[str, Store] = {}
        self.memories: dict[str, MemoryStore] = {}
        self.options: dict[str, dict[str, str]] = {}

    def __call__(self, url: str, options: Mapping[str, str]) -> Store:
        self.options[url] = dict(options)
        if url not in self.stores:
            self.fill(url, {})
        return self.stores[url]

    def fill(self, url: str, contents: Mapping[str, bytes]) -> MemoryStore:
        """A store that holds these objects."""
        store = MemoryStore()
        for key, data in contents.items():
            store.create(key, data)
        self.stores[url] = self.memories[url] = store
        return store

    def held(self, url: str) -> dict[str, bytes]:
        """What lies there. Nothing must be left in the making."""
        store = self.memories[url]
        assert store.open_writes == 0
        return {key: data for key, (data, _) in sorted(store.objects.items())}


async def run_task(copier: Copier, source: object, destination: object, **manner: Any) -> Report:
    """Copy, as a `Task` of these says."""
    return await copier.run(Task(source=str(source), destination=str(destination), **manner))
