"""What a manifest of a million entries costs: built, encoded, decoded, one entry changed, diffed.

    python bench/manifest_million.py [--count 1000000] [--max-rss-mb 600]

Exits with an error when the peak memory is above the limit or a change of one entry rewrites more than one page.
"""

import argparse
import hashlib
import resource
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from lading.manifest.diff import Change, diff_entries, diff_spans
from lading.manifest.digest import Algorithm
from lading.manifest.document import Index, build_document, decode_index
from lading.manifest.encoded import Encoded
from lading.manifest.entry import Entries, Entry
from lading.manifest.manifest import Manifest
from lading.manifest.pages import PageRef, decode_page

T = TypeVar("T")
Pages = dict[str, Encoded]


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--max-rss-mb", type=int, default=600)
    options = parser.parse_args(argv)
    count: int = options.count

    manifest = _timed("build (validated paths)", lambda: build(count))
    _timed("artifact digest", manifest.tree_digest)
    pages: Pages = {}
    index = _timed("encode", lambda: encode(manifest, pages))
    known = set(pages)
    decoded = _timed("decode and check", lambda: decode(index, pages))
    assert decoded == count == index.count
    path = sample_path(count // 2)
    _timed("change one entry", lambda: manifest.add_entry(path, Entry("0" * 64, size=1), overwrite=True))
    newer = _timed("encode again", lambda: encode(manifest, pages))
    rewritten = pages.keys() - known
    assert len(rewritten) == 1, f"{len(rewritten)} pages rewritten"
    changes = _timed("diff", lambda: [change.path for change in diff(index, newer, pages)])
    assert changes == [path]
    return _report(index, pages, options.max_rss_mb)


def sample_path(number: int) -> str:
    return f"train/class_{number % 1000:04}/img_{number:08}.jpg"


def build(count: int) -> Manifest:
    manifest = Manifest()
    for number in range(count):
        digest = hashlib.sha256(number.to_bytes(8, "big")).hexdigest()
        manifest.add_entry(sample_path(number), Entry(digest, size=100_000 + number))
    return manifest


def encode(manifest: Manifest, pages: Pages) -> Index:
    document = build_document(manifest.entries, Algorithm.BLAKE3)
    for page in document.pages:
        pages.setdefault(page.digest, page)
    encoded = document.index_encoded
    return decode_index(encoded.data, encoded.digest)


def decode(index: Index, pages: Pages) -> int:
    return sum(len(_page(index, ref, pages)) for ref in index.pages)


def diff(old: Index, new: Index, pages: Pages) -> Iterator[Change]:
    for span in diff_spans(old, new):
        yield from diff_entries(_items(old, span.old, pages), _items(new, span.new, pages))


def _items(index: Index, refs: Sequence[PageRef], pages: Pages) -> Iterator[tuple[str, Entry]]:
    for ref in refs:
        yield from _page(index, ref, pages).items()


def _page(index: Index, ref: PageRef, pages: Pages) -> Entries:
    return decode_page(pages[ref.digest].data, ref, index.algorithm)


def _timed(what: str, call: Callable[[], T]) -> T:
    start = time.perf_counter()
    result = call()
    print(f"{what:<28}{time.perf_counter() - start:9.3f} s   peak {_peak_mb():5.0f} MB")
    return result


def _peak_mb() -> float:
    # Not ru_maxrss alone: on Linux that starts with the peak of whoever started this process.
    status = Path("/proc/self/status")
    if status.exists():
        return next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM:")) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def _report(index: Index, pages: Pages, limit: int) -> int:
    raw, stored = sum(ref.size for ref in index.pages), sum(len(pages[ref.digest].data) for ref in index.pages)
    print(f"{index.count} entries in {len(index.pages)} pages: {raw / 1e6:.1f} MB, {stored / 1e6:.1f} MB gzipped")
    if _peak_mb() > limit:
        print(f"peak memory is above {limit} MB", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
