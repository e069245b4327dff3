"""100 files out of an artifact of 1,000,000: what `download(path_prefix=…)` asks for, and what it takes.

    python bench/prefix_of_million.py [--count N] [--files N] [--runs N] [--folder DIR]

A version of that many entries is committed, its manifest in a store on disk, and the content of `--files` of them, which lie in
one folder. Then a process of its own finds the artifact, downloads that folder and ends; so does one that reads a file through
`lading://`. The median of `--runs`, whole processes (bars: 5 s, 600 MB of memory, no other object, and no other pages than those
that can hold the prefix). Exits with an error where a bar is missed.
"""

import argparse
import asyncio
import hashlib
import json
import os
import random
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from _measure import Cost, heading, median, row, run, verdict

SECONDS, MEMORY = 5.0, 600e6
SIZE = 10_000
PREFIX = "train/wanted/"

# What the process opens below the store is counted: whatever it asks for, it opens.
WATCHED = """
import json, os, sys
store, opened = os.environ["LADING_HOME"] + "/store/", []

def hook(event, arguments):
    if event == "open" and isinstance(arguments[0], str) and arguments[0].startswith(store):
        opened.append(arguments[0].removeprefix(store).partition("/")[0])

sys.addaudithook(hook)
"""
TOLD = """
print(json.dumps({kind: opened.count(kind) for kind in ("objects", "manifests")}))
"""
DOWNLOAD = """
import lading
lading.Api().artifact("bench/million:latest").download(sys.argv[1], path_prefix="train/wanted/")
"""
READ = """
from lading.api.filesystem import LadingFileSystem
fs = LadingFileSystem()
assert len(fs.cat_file(fs.ls("bench/million:latest/train/wanted", detail=False)[0])) == 10_000
"""


async def fill(count: int, files: int) -> int:
    """Commit the version. Returns how many pages hold the prefix."""
    from lading.api.settings import load_settings
    from lading.api.workspace import open_workspace
    from lading.catalog import Content, Labels
    from lading.manifest.digest import Algorithm, tree_digest
    from lading.manifest.document import build_document, pages_for
    from lading.manifest.entry import Entry
    from lading.store.store import write_bytes
    from lading.transfer.plan import manifest_key, object_key

    workspace, algorithm = await open_workspace(load_settings()), Algorithm.BLAKE3
    catalog, entity = workspace.catalog, load_settings().entity
    await workspace.own()
    session = await catalog.open_session(os.urandom(16).hex(), entity, "bench", "million", "dataset")
    entries = {
        f"train/class_{number % 1000:04}/img_{number:08}.jpg": Entry(hashlib.sha256(b"%d" % number).hexdigest(), size=SIZE)
        for number in range(count - files)
    }
    for number in range(files):
        data = random.Random(number).randbytes(SIZE)
        entry = Entry(tree_digest(algorithm, data), size=SIZE)
        entries[f"{PREFIX}{number:04}.jpg"] = entry
        await write_bytes(workspace.store, object_key(session.entity_id, algorithm, entry.digest), data)
    document = build_document(entries, algorithm)
    for page in document.pages:
        await workspace.engine.put_document(manifest_key(session.entity_id, algorithm, page.digest), page.data)
    index = document.index_encoded
    await workspace.engine.put_document(manifest_key(session.entity_id, algorithm, index.digest), index.data)
    content = Content("d", os.urandom(32).hex(), "BLAKE3", index.digest, count * SIZE, count, None, {})
    await catalog.commit(session, content, Labels(), None)
    await workspace.close()
    return len(pages_for(document.index, PREFIX))


def measure(script: str, folder: Path, runs: int) -> tuple[Cost, dict[str, int]]:
    """The cost of the script as a process, and how often it opened what kind of object."""
    costs = list[Cost]()
    for _ in range(runs):
        out = folder / "out"
        costs.append(run([sys.executable, "-P", "-c", WATCHED + script + TOLD, str(out)]))
        shutil.rmtree(out, ignore_errors=True)
    return median(costs), json.loads(costs[-1].output)


def report(name: str, cost: Cost, opened: dict[str, int], *, objects: int, pages: int) -> bool:
    """Print, and say whether all bars were reached. Beside the pages, the index is read."""
    row(name, cost, f"seconds, {verdict(cost.wall, SECONDS)}")
    bars = [
        (cost.wall, SECONDS, ""),
        (cost.rss, MEMORY, f"memory, bytes: {cost.rss:,}"),
        (opened["objects"], objects, f"objects opened: {opened['objects']}"),
        (opened["manifests"], pages + 1, f"pages and index opened: {opened['manifests']}"),
    ]
    for value, bar, told in bars[1:]:
        print(f"  {told}  {verdict(value, bar)}", flush=True)
    return all(value <= bar for value, bar, _ in bars)


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--files", type=int, default=100)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--fill", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.fill:
        print(asyncio.run(fill(options.count, options.files)))
        return 0
    heading(f"{options.files} files of {options.count:,}")
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        os.environ.update(LADING_HOME=f"{folder}/home", LADING_QUIET="1", LADING_ENTITY="bench")
        made = run([sys.executable, __file__, "--fill", "--count", str(options.count), "--files", str(options.files)])
        pages = int(made.output)  # made by another process: the peak of memory is inherited
        cost, opened = measure(DOWNLOAD, folder, options.runs)
        done = report("download(path_prefix=…)", cost, opened, objects=options.files, pages=pages)
        cost, opened = measure(READ, folder, options.runs)
        done &= report("one file through lading://", cost, opened, objects=1, pages=pages)
    return 0 if done else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
