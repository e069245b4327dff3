"""docs/from-wandb.md."""

import json
import re
import shutil
from typing import Any

import pytest

import lading
from lading.api.settings import TABLE

from .conftest import Example, Reader, examples, text_of

PAGE = "docs/from-wandb.md"
HEADS = ("import lading as wandb", "import lading")  # what stands above each column

# Everything that a column leaves in its catalogue, but for ids and times.
INVENTORY = """
import json, lading
api = lading.Api()
print(json.dumps([
    [each.qualified_name, each.type, each.aliases, each.tags, each.digest, each.metadata, str(each.ttl), each.source_name]
    for project in ("pets", "shelter", "model-registry", "wandb-registry-zoo")
    for collection in api.artifact_collections(project)
    for each in collection.artifacts()
]))
"""

# Of W&B's own client that what the page uses, with digests of W&B's (SEMANTICS 2.1).
WANDB = """
from pathlib import Path
from types import SimpleNamespace as Facts

class Version(Facts):
    def download(self):
        for name, text in self.files.items():
            path = Path(f"from-wandb/{self.version}/{name}")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return f"from-wandb/{self.version}"

def version(number, digest, aliases, **files):
    return Version(name=f"cats:{number}", version=number, digest=digest, aliases=aliases, tags=["old"], description=number,
                   metadata={"number": number}, files=files, manifest=Facts(entries={name: Facts(ref=None) for name in files}))

class Api:
    def artifacts(self, type, path):
        assert (type, path) == ("dataset", "team/pets/cats")
        nested = {"nest/file2.txt": "my", "nest/nest/file3.txt": "dude"}
        yield version("v10", "72414374bfd4b0f60a116e7267845f71", ["latest", "best"], **{"file1.txt": "hello"}, **nested)
        yield version("v9", "585b9ada17797e37c9cbab391e69b8c5", [], **{"great-file.txt": "hello"})
        yield version("v2", "a00c2239f036fb656c1dcbf9a32d89b4", ["first"], **{"file1.txt": "hello"})
"""


def columns() -> tuple[str, str]:
    """The tables line by line: what stands on the left as one script, and what stands in the middle."""
    scripts = [["import os", "from datetime import timedelta", head] for head in HEADS]
    rows = re.findall(r"^\| `(.+?)` \| (`.+?`|the same) \|", section("Line by line"), re.MULTILINE)
    assert len(rows) == section("Line by line").count("\n| `")
    for left, middle in rows:
        scripts[0].append(left)
        scripts[1].append(left.replace("wandb.", "lading.") if middle == "the same" else middle.strip("`"))
    return "\n".join(scripts[0]), "\n".join(scripts[1])


def section(title: str) -> str:
    return text_of(PAGE).partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def test_both_columns_run_and_come_to_the_same(reader: Reader) -> None:
    setup, *_ = examples(PAGE)
    left: list[Any] = []

    for number, script in enumerate(columns()):
        home = f"{reader.environment['LADING_HOME']}-{number}"
        shutil.rmtree(reader.folder)
        reader.folder.mkdir()
        reader.run(setup, LADING_HOME=home)
        told = reader.run(Example("python", script + INVENTORY), LADING_HOME=home)
        left.append((json.loads(told.stdout), sorted(str(path.relative_to(reader.folder)) for path in reader.folder.rglob("*"))))

    inventory, files = left[0]
    assert left[0] == left[1]
    assert [row[0] for row in inventory if row[1] == "dataset"] == [
        "me/pets/cats:v1",
        "me/pets/cats:v0",
        "me/wandb-registry-zoo/cats:v0",
    ]
    assert {"some/raw/cat.txt", "exactly/weights.table.json", "artifacts/cats:v0/shared/old/cat.txt"} <= set(files)
    assert "some/labels" not in files


def test_both_command_lines_run(reader: Reader) -> None:
    rows = re.findall(r"^\| `(wandb artifact .+?)` \| `(lading .+?)` \|", text_of(PAGE), re.MULTILINE)
    reader.run(examples(PAGE)[0])

    told = [
        [reader.run(Example("sh", line)).stdout for line in (theirs.replace("wandb", "lading", 1), ours)] for theirs, ours in rows
    ]

    put, got, listed, _ = told
    assert put == ["me/pets/dogs:v0\n"] * 2
    assert got == [f"Artifact downloaded to {reader.folder}/dogs\n", f"{reader.folder}/dogs\n"]
    assert [each.splitlines()[1].split()[:3] for each in listed] == [["dogs", "dataset", "1"]] * 2


def test_the_other_examples_run(reader: Reader) -> None:
    setup, in_async_code, carry, manifest, compare = examples(PAGE)
    (reader.folder / "wandb.py").write_text(WANDB)

    for example in (setup, in_async_code, manifest, compare):
        reader.run(example)
    told = reader.run(carry, PYTHONPATH=f"{reader.environment['PYTHONPATH']}:{reader.folder}")

    assert told.stdout.splitlines() == [f"cats:v{theirs} is me/pets/cats:v{ours}" for theirs, ours in ((2, 0), (9, 1), (10, 2))]
    (told,) = [reader.run(Example("sh", "lading info pets/cats:v2 --json"))]
    info = json.loads(told.stdout)
    assert (sorted(info["aliases"]), sorted(info["tags"])) == (["best", "latest"], ["old", "wandb-v10"])
    assert (info["description"], info["metadata"]) == ("v10", {"number": "v10"})


def test_the_settings_are_those_of_the_code() -> None:
    assert set(re.findall(r"LADING_[A-Z_]+", text_of(PAGE))) <= {setting.variable for setting in TABLE}


def test_what_is_said_not_to_be_there_is_not_there() -> None:
    names = re.findall(r"`wandb\.(\w+)`", section("What is not there"))

    assert len(names) > 5
    assert [name for name in names if hasattr(lading, name)] == []
    with pytest.raises(ValueError, match="XXH128"):
        lading.Artifact("cats", "dataset", digest_algorithm="XXH128")
