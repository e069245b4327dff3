"""A reader: somebody who types what stands on a page into a shell and into Python, one after the other, in an empty folder."""

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
_SHELLS = {"sh": ("sh", "-e"), "python": (sys.executable, "-P")}


@dataclass(frozen=True, slots=True)
class Example:
    language: str
    text: str


def text_of(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def examples(page: str) -> list[Example]:
    """What can be run of a page, in its order."""
    return [Example(*found) for found in re.findall(r"^```(python|sh)\n(.*?)^```", text_of(page), re.DOTALL | re.MULTILINE)]


@dataclass(frozen=True, slots=True)
class Reader:
    folder: Path
    environment: Mapping[str, str]

    def run(self, example: Example, **variables: str) -> "subprocess.CompletedProcess[str]":
        """What it printed. Fails if it fails."""
        done = subprocess.run(
            [*_SHELLS[example.language], "-c", example.text],
            cwd=self.folder,
            env={**self.environment, **variables},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{example.text}\n{done.stdout}\n{done.stderr}"
        return done

    def follow(self, page: str) -> "list[subprocess.CompletedProcess[str]]":
        """What each example of the page printed; there is one at least."""
        found = examples(page)
        assert found, page
        return [self.run(example) for example in found]


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    """Somebody called `me`. `lading` is on the path and known to fsspec, as where it is installed. It has a home of its own and
    no other setting, and there are none for buckets and proxies."""
    commands, described, folder = tmp_path / "bin", tmp_path / "site/lading_here-0.dist-info", tmp_path / "work"
    for place in (commands, described, folder):
        place.mkdir(parents=True)
    script = commands / "lading"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -P -m lading "$@"\n')
    script.chmod(0o755)
    points = tomllib.loads(text_of("pyproject.toml"))["project"]["entry-points"]["fsspec.specs"]
    (described / "METADATA").write_text("Metadata-Version: 2.1\nName: lading-here\nVersion: 0\n")
    (described / "entry_points.txt").write_text("[fsspec.specs]\n" + "".join(f"{name} = {to}\n" for name, to in points.items()))
    paths = [str(Path(path).absolute()) for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    outside = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("LADING_", "AWS_")) and not name.lower().endswith("_proxy")
    }
    return Reader(
        folder,
        {
            **outside,
            "LADING_HOME": str(tmp_path / "home"),
            "LOGNAME": "me",
            "PATH": f"{commands}:{os.environ['PATH']}",
            "PYTHONPATH": os.pathsep.join([*paths, str(described.parent)]),
            "XDG_CONFIG_HOME": str(tmp_path / "config"),
        },
    )
