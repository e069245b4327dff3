"""What it costs to start: `import lading`, `lading --help`, and which modules embedded commands load. Median of five.

    python bench/startup.py [--runs N]

Bars: import 0.1 s beyond the interpreter's own start, --help 0.25 s, never aiohttp.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from _measure import Cost, heading, lading, median, row, run, verdict


def many(command: Sequence[str], runs: int) -> Cost:
    return median([run(command) for _ in range(runs)])


def modules_of(home: Path, *arguments: str) -> set[str]:
    """The top-level modules that a command loads."""
    command = [sys.executable, "-P", "-X", "importtime", "-m", "lading", *arguments]
    output = run(command, {"LADING_HOME": str(home), "LADING_QUIET": "1"}).output
    lines = [line.rpartition("|")[2].strip() for line in output.splitlines() if line.startswith("import time:")]
    return {name.partition(".")[0] for name in lines}


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args(argv)
    heading(f"start-up, median of {options.runs}, whole processes")
    bare = many([sys.executable, "-P", "-c", "pass"], options.runs)
    imported = many([sys.executable, "-P", "-c", "import lading"], options.runs)
    helped = many(lading("--help"), options.runs)
    row("python -c pass", bare)
    row(
        "import lading",
        imported,
        f"beyond the interpreter {imported.wall - bare.wall:.3f} s, {verdict(imported.wall - bare.wall, 0.1)}",
    )
    row("lading --help", helped, verdict(helped.wall, 0.25))
    with tempfile.TemporaryDirectory() as folder:
        home, data = Path(folder) / "home", Path(folder) / "data"
        data.mkdir()
        (data / "file").write_text("content")
        for arguments in (
            ("put", str(data), "--name", "a/b"),
            ("get", "a/b", "--root", f"{folder}/out"),
            ("ls", "a"),
            ("info", "a/b:v0"),
        ):
            loaded = modules_of(home, *arguments)
            assert "sqlalchemy" in loaded, f"lading {arguments[0]} did not run"
            heavy = sorted(loaded & {"aiohttp", "alembic", "rich", "aiobotocore"})
            print(f"lading {arguments[0]:37} loads of the heavy ones: {', '.join(heavy) or 'none'}")
            assert "aiohttp" not in heavy
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
