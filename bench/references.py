"""100,000 references under one S3 prefix: what they cost in requests and in time.

    python bench/references.py [--count N] [--folder DIR]

The server is that of the tests, in a process of its own on this machine: the requests are counted there, the seconds are mostly
its own. Bars: at most one list request for each 1,000 objects and ten more, and no request per object.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from _measure import heading, timed, verdict

PAGE = 1000


def serve(count: int) -> None:
    """Serve until the input ends; then print how many calls of each kind came."""
    from lading.testing.s3_server import S3Server
    from lading.testing.s3_server_bucket import Rules

    with S3Server(rules=Rules(page=PAGE)) as server:
        for number in range(count):
            server.bucket.put(f"data/{number // 1000:04}/{number:07}.bin", b"x", {})
        print(server.url, flush=True)
        sys.stdin.read()
        print(server.count("list"), len(server.calls), flush=True)


def measure(count: int) -> bool:
    server = subprocess.Popen(
        [sys.executable, str(Path(__file__).resolve()), "--serve", "--count", str(count)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdout is not None
    os.environ |= {
        "AWS_ENDPOINT_URL_S3": server.stdout.readline().strip(),
        "AWS_ACCESS_KEY_ID": "AKIA",
        "AWS_SECRET_ACCESS_KEY": "secret",
    }
    import lading

    with lading.init(project="bench") as run:
        artifact = lading.Artifact("references", "dataset")
        began = time.process_time()
        added = timed(lambda: artifact.add_reference("s3://bucket/data"))
        worked = time.process_time() - began
        logged = timed(lambda: run.log_artifact(artifact).wait())
    told, _ = server.communicate()
    lists, calls = map(int, told.split())
    most = -(-count // PAGE) + 10
    assert len(artifact.manifest.entries) == count
    heading(f"{count:,} references under one prefix")
    print(f"add   {added:8.2f} s ({worked:.2f} CPU-s of ours)   log {logged:.2f} s")
    print(f"list requests          {lists:6}  {verdict(lists, most)}")
    print(f"requests of any kind   {calls:6}  {verdict(calls, most)}")
    return calls <= most


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        serve(given.count)
        return
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        os.environ |= {"LADING_HOME": f"{folder}/home", "LADING_QUIET": "1"}
        good = measure(given.count)
    sys.exit(not good)


if __name__ == "__main__":
    main()
