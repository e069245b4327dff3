"""Trees of files with seeded content, and the plans to send and to fetch them, made without the engine."""

import os
import random
from collections.abc import Iterable, Mapping
from pathlib import Path

from ..manifest.digest import Algorithm, leaf_count, leaf_digest, leaf_range, root_digest
from ..transfer.hashing import Hashed
from ..transfer.local import local_file
from ..transfer.plan import FetchItem, SendItem, object_key


def seeded(size: int, seed: int = 0) -> bytes:
    """The same bytes for the same seed."""
    return random.Random(seed).randbytes(size)


def write_tree(root: Path, contents: Mapping[str, bytes]) -> None:
    """Make a file of each content below `root`."""
    for path, content in contents.items():
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)


def read_tree(root: Path) -> dict[str, bytes]:
    """What regular files hold below `root`, temporary ones included; links are not followed."""
    found: dict[str, bytes] = {}
    for folder, _, names in os.walk(root):
        for path in (Path(folder) / name for name in names):
            if not path.is_symlink():
                found[path.relative_to(root).as_posix()] = path.read_bytes()
    return found


def hashed(content: bytes, algorithm: Algorithm = Algorithm.BLAKE3) -> Hashed:
    """What the engine should find, by the definition of tree digests."""
    ranges = [leaf_range(len(content), index) for index in range(leaf_count(len(content)))]
    leaves = [leaf_digest(algorithm, content[start:stop]) for start, stop in ranges]
    return Hashed(root_digest(algorithm, leaves), len(content), b"".join(leaves).hex() if len(leaves) > 1 else None)


def send_items(root: Path, algorithm: Algorithm = Algorithm.BLAKE3) -> list[SendItem]:
    """How to send every file below `root`, in order of path."""
    items: list[SendItem] = []
    for path, content in sorted(read_tree(root).items()):
        what = hashed(content, algorithm)
        items.append(SendItem(local_file(str(root / path)), what, object_key("e", algorithm, what.digest)))
    return items


def fetch_items(
    contents: Mapping[str, bytes], algorithm: Algorithm = Algorithm.BLAKE3, *, executable: Iterable[str] = ()
) -> list[FetchItem]:
    """How to fetch these files, in order of path."""
    items: list[FetchItem] = []
    for path, content in sorted(contents.items()):
        what = hashed(content, algorithm)
        key = object_key("e", algorithm, what.digest)
        items.append(FetchItem(path, what.digest, what.size, key, path in set(executable), what.leaves))
    return items
