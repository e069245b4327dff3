"""Processes for tests. `collecting.py die after:doom`: a collection that is killed at that call; `collecting.py loop`: one
collection after the other; `collecting.py log NAME SEED`: versions of few contents, most of them deleted again."""

import asyncio
import os
import random
import signal
import sys
from typing import Any, cast

import lading
from lading.api.keeping import keeper_of
from lading.api.session import workspace_here
from lading.catalog import Catalog
from lading.errors import CatalogBusyError
from lading.store.store import Store
from lading.upkeep.garbage import Manner, collect
from lading.upkeep.keeper import Keeper


class Dying:
    """Kills this process before or after a call, or in its middle: when half of what it was given is done."""

    def __init__(self, inner: Any, point: str) -> None:
        self.inner = inner
        self.when, _, self.call = point.partition(":")

    def __getattr__(self, name: str) -> Any:
        inner: Any = getattr(self.inner, name)
        if name != self.call:
            return inner

        async def call(*arguments: Any, **named: Any) -> Any:
            if self.when == "before":
                os.kill(os.getpid(), signal.SIGKILL)
            if self.when == "in":
                await inner(arguments[0][: len(arguments[0]) // 2])
            else:
                await inner(*arguments, **named)
            os.kill(os.getpid(), signal.SIGKILL)

        return call


async def die(point: str) -> None:
    workspace = await workspace_here()
    store, catalog = Dying(workspace.store, point), Dying(workspace.catalog, point)
    await collect(Keeper(cast("Catalog", catalog), cast("Store", store), workspace.persist), Manner(0.0, 0.0))
    sys.exit(3)  # the point was not reached


async def loop() -> None:
    keeper = keeper_of(await workspace_here())
    while True:
        try:
            freed = await collect(keeper, Manner(0.0, 0.0))
            sys.stdout.write(f"{freed.objects}\n")
            sys.stdout.flush()
        except CatalogBusyError:
            await asyncio.sleep(0.01)


def log(name: str, seed: int) -> None:
    choice = random.Random(seed)
    with lading.init():
        for _ in range(12):
            artifact = lading.Artifact(name, "dataset")
            for content in choice.sample(range(6), 3):
                with artifact.new_file(f"{content}.bin", "wb") as file:
                    file.write(bytes([content]) * 10_000)
            logged = lading.log_artifact(artifact).wait()
            if choice.random() < 0.7:
                logged.delete(delete_aliases=True)


if __name__ == "__main__":
    if sys.argv[1] == "log":
        log(sys.argv[2], int(sys.argv[3]))
    else:
        asyncio.run(loop() if sys.argv[1] == "loop" else die(sys.argv[2]))
