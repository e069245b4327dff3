"""obstore as a contestant: as its users would tune it. Run by race.py: PLAN down|up ENDPOINT OUT|PREFIX."""

import asyncio
import importlib
import json
import os
import sys
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

obstore: Any = importlib.import_module("obstore")  # not among our own dependencies: the race has an environment for peers
stores: Any = importlib.import_module("obstore.store")

PART, LARGE = 16 << 20, 64 << 20
LARGE_AT_ONCE, SMALL_AT_ONCE = 8, 64


def main(plan_path: str, way: str, endpoint: str, target: str) -> None:
    plan = json.loads(Path(plan_path).read_bytes())
    store = stores.S3Store(
        "bkt",
        endpoint=endpoint,
        virtual_hosted_style_request=False,
        client_options={"allow_http": True, "allow_invalid_certificates": True},
    )
    large = [file for file in plan["files"] if file["size"] > LARGE]
    small = [file for file in plan["files"] if file["size"] <= LARGE]
    for file in large:
        if way == "down":
            download(store, f"{plan['prefix']}/{file['path']}", Path(target, file["path"]), file["size"])
        else:
            source = Path(plan["folder"], file["path"])
            obstore.put(store, f"{target}/{file['path']}", source, chunk_size=PART, max_concurrency=LARGE_AT_ONCE)
    if small:
        asyncio.run((download_all if way == "down" else upload_all)(store, plan, small, target))


def download(store: Any, key: str, path: Path, size: int) -> None:
    """Ranges side by side: twice as fast as its `stream`, which is one connection."""
    path.parent.mkdir(parents=True, exist_ok=True)
    target = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)

    def fetch(start: int) -> None:
        os.pwrite(target, obstore.get_range(store, key, start=start, end=min(start + PART, size)), start)

    with ThreadPoolExecutor(LARGE_AT_ONCE) as pool:
        list(pool.map(fetch, range(0, size, PART)))
    os.close(target)


def read(path: str) -> bytes:
    return Path(path).read_bytes()


def write(path: str, data: Any) -> None:
    Path(path).write_bytes(data)


async def download_all(store: Any, plan: Any, files: list[Any], out: str) -> None:
    for folder in {Path(out, file["path"]).parent for file in files}:
        folder.mkdir(parents=True, exist_ok=True)

    async def fetch(file: Any) -> None:
        answer = await obstore.get_async(store, f"{plan['prefix']}/{file['path']}")
        write(f"{out}/{file['path']}", await answer.bytes_async())

    await side_by_side(fetch, files)


async def upload_all(store: Any, plan: Any, files: list[Any], prefix: str) -> None:
    async def send(file: Any) -> None:
        data = read(f"{plan['folder']}/{file['path']}")
        await obstore.put_async(store, f"{prefix}/{file['path']}", data, use_multipart=False)

    await side_by_side(send, files)


async def side_by_side(work: Callable[[Any], Awaitable[None]], files: list[Any]) -> None:
    waiting = iter(files)

    async def worker() -> None:
        for file in waiting:
            await work(file)

    await asyncio.gather(*(worker() for _ in range(SMALL_AT_ONCE)))


if __name__ == "__main__":
    main(*sys.argv[1:])
    os._exit(0)  # all is done; its threads sometimes abort a Python that is ending
