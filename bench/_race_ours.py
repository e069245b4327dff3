"""The contestant that is ours: lading's engine, every leaf verified. Run by race.py.

python _race_ours.py plan FOLDER PREFIX PLAN     hashes the files of a folder
python _race_ours.py down PLAN URL OUT           as root of `URL` the bucket
python _race_ours.py up PLAN URL PREFIX
python _race_ours.py lag PLAN URL OUT            down, beside a service that ticks every millisecond
python _race_ours.py idle SECONDS                that service alone
python _race_ours.py sink URL KEY SIZE           zeros, hashed, verified and thrown away
"""

import asyncio
import contextlib
import json
import math
import sys
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from pathlib import Path

from _race_material import Plan, PlannedFile, read_plan
from blake3 import blake3

from lading.errors import DigestMismatchError
from lading.manifest.digest import LEAF_SIZE, Algorithm
from lading.store.memory import MemoryStore
from lading.store.opening import open_store
from lading.transfer.driver import drive
from lading.transfer.engine import Engine, local_limits
from lading.transfer.fetch import fetch
from lading.transfer.hashing import Hashed
from lading.transfer.leaves import read_leaves
from lading.transfer.local import local_file
from lading.transfer.plan import FetchItem, Run, SendItem, cut
from lading.transfer.progress import Meter
from lading.transfer.send import send

TICK = 0.001


@contextlib.asynccontextmanager
async def remote(url: str) -> AsyncGenerator[Engine]:
    store = open_store(url)
    engine = Engine(store)
    try:
        yield engine
    finally:
        engine.close()
        await store.close()


async def plan(folder: str, prefix: str, target: str) -> None:
    paths = files_below(Path(folder))
    engine = Engine(MemoryStore(), limits=local_limits())
    hashed = await engine.hash([local_file(f"{folder}/{path}") for path in paths], Algorithm.BLAKE3)
    engine.close()
    files = tuple(PlannedFile(path, each.size, each.digest, each.leaves) for path, each in zip(paths, hashed, strict=True))
    Plan(folder, prefix, files).write(Path(target))


async def down(source: str, url: str, out: str) -> None:
    items = fetch_items(source)
    async with remote(url) as engine:
        await fetch(engine, items, out, Algorithm.BLAKE3, meter=Meter())


async def up(source: str, url: str, prefix: str) -> None:
    plan = read_plan(Path(source))
    items = [
        SendItem(local_file(f"{plan.folder}/{file.path}"), Hashed(file.digest, file.size, file.leaves), f"{prefix}/{file.path}")
        for file in plan.files
    ]

    async def landed(items: Sequence[SendItem]) -> None:
        """Nobody waits for it."""

    async with remote(url) as engine:
        await send(engine, items, Algorithm.BLAKE3, meter=Meter(), landed=landed)
        await engine.store.flush([item.key for item in items])


async def lag(source: str, url: str, out: str) -> None:
    items = fetch_items(source)
    async with remote(url) as engine:
        await beside(fetch(engine, items, out, Algorithm.BLAKE3, meter=Meter()))


async def idle(seconds: str) -> None:
    await beside(asyncio.sleep(float(seconds)))


async def sink(url: str, key: str, size: str) -> None:
    zeros = blake3(bytes(LEAF_SIZE)).digest()
    async with remote(url) as engine:
        etag = (await engine.store.head(key)).etag

        async def execute(run: Run) -> float:
            job = engine.store.read(key, run.start_byte, run.stop_byte, etag=etag)
            if set(await engine.lanes.run(lambda halt: read_leaves(job, Algorithm.BLAKE3, halt))) != {zeros}:
                raise DigestMismatchError(key, expected="zeros", actual="other bytes")
            return run.stop_byte - run.start_byte

        await drive(execute, bulk=cut(int(size)), limits=engine.gates.parts(), retry=engine.retry, meter=Meter())


def files_below(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def fetch_items(source: str) -> list[FetchItem]:
    plan = read_plan(Path(source))
    return [FetchItem(file.path, file.digest, file.size, plan.key(file), leaves=file.leaves) for file in plan.files]


async def beside(work: Coroutine[None, None, None]) -> None:
    """Do the work and print how late a service on the same loop was: as JSON, in seconds."""
    late: list[float] = []
    service = asyncio.create_task(tick(late))
    try:
        await work
    finally:
        service.cancel()
        await asyncio.wait([service])
    late.sort()
    print(json.dumps({"ticks": len(late), "p99": late[math.ceil(len(late) * 0.99) - 1], "max": late[-1]}))


async def tick(late: list[float]) -> None:
    loop = asyncio.get_running_loop()
    while True:
        began = loop.time()
        try:
            await asyncio.sleep(TICK)
        finally:  # also the tick that was due when the work ended
            late.append(max(0.0, loop.time() - began - TICK))


COMMANDS: dict[str, Callable[..., Coroutine[None, None, None]]] = {
    "plan": plan,
    "down": down,
    "up": up,
    "lag": lag,
    "idle": idle,
    "sink": sink,
}

if __name__ == "__main__":
    asyncio.run(COMMANDS[sys.argv[1]](*sys.argv[2:]))
