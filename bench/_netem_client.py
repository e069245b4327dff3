"""The client of netem.py: fetches the files of a plan again and again, every leaf verified, through one engine for each limit.

python _netem_client.py PLAN URL OUT TIMES LIMIT…     LIMIT 0: what is in flight is found by trying

The engines take turns, so that whatever else the machine does hits all of them. Prints a list in JSON: for each limit the
seconds that each time took, and the limit at the end.
"""

import asyncio
import json
import shutil
import sys
import time

from _race_ours import fetch_items

from lading.manifest.digest import Algorithm
from lading.store.opening import open_store
from lading.transfer.engine import Engine
from lading.transfer.fetch import fetch
from lading.transfer.progress import Meter
from lading.transfer.scheduler import Limits


async def main(plan: str, url: str, out: str, times: int, *limits: int) -> None:
    items, store = fetch_items(plan), open_store(url)
    engines = [Engine(store, limits=Limits(limit, limit) if limit else None) for limit in limits]
    seconds = [list[float]() for _ in limits]
    for _ in range(times):
        for engine, taken in zip(engines, seconds, strict=True):
            began = time.perf_counter()
            await fetch(engine, items, out, Algorithm.BLAKE3, meter=Meter())
            taken.append(time.perf_counter() - began)
            shutil.rmtree(out)
    print(
        json.dumps(
            [(limit, taken, engine.gates.limits.bulk) for limit, taken, engine in zip(limits, seconds, engines, strict=True)]
        )
    )
    for engine in engines:
        engine.close()
    await store.close()


if __name__ == "__main__":
    plan, url, out, *numbers = sys.argv[1:]
    asyncio.run(main(plan, url, out, *map(int, numbers)))
