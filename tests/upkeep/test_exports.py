"""A project becomes plain files, and they become the project again, here or elsewhere."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import lading
from lading.api.exporting import Exported, export_project
from lading.api.importing import Imported, import_project
from lading.api.portal import blocking
from lading.api.session import workspace_here
from lading.api.workspace import close_workspaces
from lading.errors import FormatNewerError, LadingError, ManifestError, UnknownNameError, UsageError
from lading.manifest.digest import LEAF_SIZE
from lading.manifest.entry import Entry
from lading.manifest.targets import artifact_uri
from lading.transfer.progress import Meter
from lading.upkeep.exports import Export

from .conftest import Log

Go = Callable[..., None]


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Go]:
    """From here on it is another lading, of another person."""

    def go(entity: str = "you") -> None:
        if lading.run is not None:
            lading.run.finish()
        monkeypatch.setenv("LADING_HOME", str(tmp_path / "other"))
        monkeypatch.setenv("LADING_ENTITY", entity)

    yield go
    blocking(close_workspaces)()


def exported(folder: Path, *names: str) -> Exported:
    async def work() -> Exported:
        return await export_project(await workspace_here(), "me", "p", str(folder), names, Meter())

    return blocking(work)()


def imported(folder: Path, project: str | None = None, *, dry_run: bool = False) -> Imported:
    async def work() -> Imported:
        return await import_project(await workspace_here(), str(folder), None, project, Meter(), dry_run=dry_run)

    return blocking(work)()


def shown(path: str) -> dict[str, dict[str, Any]]:
    """What people see of all versions of a project, by name."""
    found: dict[str, dict[str, Any]] = {}
    for type_ in lading.Api().artifact_types(path):
        for collection in type_.collections():
            for version in collection.artifacts():
                what = ("type", "digest", "size", "file_count", "description", "metadata", "tags", "aliases", "created_at")
                found[version.name] = {name: getattr(version, name) for name in what}
                found[version.name]["files"] = {path: entry.digest for path, entry in version.manifest.entries.items()}
    return found


def fill(log: Log) -> None:
    log({"a/deep.txt": "a", "b": "b"}, aliases=["best"], tags=["t", "s"])
    log({"b": "b", "large": bytes(LEAF_SIZE) + b"large"})
    log({"x": "x"}, "other")
    edited = lading.Api().artifact("ds:v1")
    edited.description, edited.metadata = "what it is", {"rows": 3}
    edited.save()


def test_versions_are_plain_files_with_their_receipts(log: Log, tmp_path: Path) -> None:
    fill(log)

    done = exported(tmp_path / "out")

    files = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert done == Exported(3, 0)
    assert {name for name in files if name.startswith("ds/v0")} == {"ds/v0/a/deep.txt", "ds/v0/b", "ds/v0.entries", "ds/v0.json"}
    assert (tmp_path / "out/ds/v0/a/deep.txt").read_text() == "a"
    receipt = json.loads((tmp_path / "out/ds/v1.json").read_text())
    assert (receipt["description"], receipt["metadata"], receipt["aliases"]) == ("what it is", {"rows": 3}, ["latest"])


@pytest.mark.parametrize("digest", ["BLAKE3", "SHA256", "MD5"])
def test_an_import_elsewhere_is_the_same_project(
    log: Log, tmp_path: Path, elsewhere: Go, monkeypatch: pytest.MonkeyPatch, digest: str
) -> None:
    monkeypatch.setenv("LADING_DIGEST", digest)
    fill(log)
    before = shown("me/p")
    exported(tmp_path / "out")

    elsewhere()
    done = imported(tmp_path / "out")

    assert (len(done.versions), done.known, done.problems) == (3, [], [])
    assert shown("you/p") == before
    assert done.versions[0] == "you/p/ds:v0"
    found = lading.Api().artifact("p/ds:v1")
    found.verify(found.download(str(tmp_path / "down")))


def test_an_import_beside_the_original_is_another_project(log: Log, tmp_path: Path) -> None:
    fill(log)
    exported(tmp_path / "out")

    done = imported(tmp_path / "out", "copy")

    assert done.problems == []
    assert shown("me/copy") == shown("me/p")


def test_numbers_and_latest_stay_where_they_were(log: Log, tmp_path: Path, elsewhere: Go) -> None:
    versions = [log({"n": str(number)}) for number in range(4)]
    versions[1].delete()
    older = lading.Api().artifact("ds:v2")
    older.aliases.append("latest")
    older.save()
    exported(tmp_path / "out")

    elsewhere()
    imported(tmp_path / "out")

    found = {name: each["aliases"] for name, each in shown("you/p").items()}
    assert found == {"ds:v0": [], "ds:v2": ["latest"], "ds:v3": []}


def test_both_can_be_repeated_and_only_what_is_new_is_done(log: Log, tmp_path: Path, elsewhere: Go) -> None:
    log({"a": "a"})
    exported(tmp_path / "out")
    before = (tmp_path / "out/ds/v0/a").stat().st_mtime_ns
    log({"a": "b"})
    (tmp_path / "out/ds/v0.json").unlink()  # as if it had been cut short
    exported(tmp_path / "out")
    after = (tmp_path / "out/ds/v0/a").stat().st_mtime_ns

    elsewhere()
    (tmp_path / "out/ds/v1.json").rename(tmp_path / "v1.json")
    first = imported(tmp_path / "out")
    (tmp_path / "v1.json").rename(tmp_path / "out/ds/v1.json")
    forecast = imported(tmp_path / "out", dry_run=True)
    second = imported(tmp_path / "out")

    assert before == after
    assert (first.versions, second.versions, second.known) == (["you/p/ds:v0"], ["you/p/ds:v1"], ["you/p/ds:v0"])
    assert (forecast.versions, forecast.known) == (second.versions, second.known)


def test_references_to_other_artifacts_stay_what_they_are(log: Log, tmp_path: Path, elsewhere: Go) -> None:
    source = log({"a": "a"}, "source")
    outside = log({"o": "o"}, "outside")
    with lading.run or lading.init() as run:
        made = lading.Artifact("made", "dataset")
        for name, path, other in (("kept", "a", source), ("lost", "o", outside)):
            (entry,) = other.manifest.entries.values()
            made.draft.manifest.add_entry(name, Entry(entry.digest, 1, artifact_uri(other.logged_version("x").id, path)))
        run.log_artifact(made).wait()
    exported(tmp_path / "out", "made", "source")

    elsewhere()
    done = imported(tmp_path / "out")

    entries = lading.Api().artifact("p/made:v0").manifest.entries
    assert done.problems == ["you/p/made:v0: lost was a reference to another artifact, and is a file now"]
    assert (entries["kept"].ref is None, entries["lost"].ref) == (False, None)
    down = Path(lading.Api().artifact("p/made:v0").download(str(tmp_path / "down")))
    assert [(down / name).read_text() for name in ("kept", "lost")] == ["a", "o"]


def test_the_execute_bit_is_kept(log: Log, tmp_path: Path, elsewhere: Go) -> None:
    script = tmp_path / "run.sh"
    script.write_text("true")
    script.chmod(0o755)
    artifact = lading.Artifact("tools", "code")
    artifact.add_file(str(script))
    lading.log_artifact(artifact).wait()
    exported(tmp_path / "out")

    elsewhere()
    imported(tmp_path / "out")

    assert os.access(Path(lading.Api().artifact("p/tools:v0").download(str(tmp_path / "down"))) / "run.sh", os.X_OK)


# What is wrong with an export


def test_files_that_were_changed_are_not_imported_and_the_others_are(log: Log, tmp_path: Path, elsewhere: Go) -> None:
    fill(log)
    exported(tmp_path / "out")
    (tmp_path / "out/ds/v0/b").write_text("c")
    (tmp_path / "out/other/v0/x").unlink()

    elsewhere()
    done = imported(tmp_path / "out")

    assert done.versions == ["you/p/ds:v1"]
    assert [line.partition(": ")[0] for line in done.problems] == ["you/p/ds:v0", "you/p/other:v0"]
    assert "b: expected" in done.problems[0]
    assert shown("you/p").keys() == {"ds:v1"}


def test_entries_that_were_changed_are_not_imported(log: Log, tmp_path: Path, elsewhere: Go) -> None:
    log({"a": "a", "b": "b"})
    exported(tmp_path / "out")
    lines = (tmp_path / "out/ds/v0.entries").read_text().splitlines(keepends=True)
    (tmp_path / "out/ds/v0.entries").write_text(lines[0])

    elsewhere()

    assert "Digest mismatch for its entries" in imported(tmp_path / "out").problems[0]


@pytest.mark.parametrize("path", ["../../secret", "/etc/passwd", "a/../../b"])
def test_paths_that_climb_out_are_refused(log: Log, tmp_path: Path, elsewhere: Go, path: str) -> None:
    log({"a": "a"})
    exported(tmp_path / "out")
    file = tmp_path / "out/ds/v0.entries"
    file.write_text(file.read_text().replace('"path":"a"', f'"path":"{path}"'))

    elsewhere()
    done = imported(tmp_path / "out")

    assert (done.versions, len(done.problems)) == ([], 1)


def test_links_are_not_followed(log: Log, tmp_path: Path, elsewhere: Go) -> None:
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret/b").write_text("b")
    log({"a/b": "b", "c": "b"})
    exported(tmp_path / "out")
    (tmp_path / "out/ds/v0/a/b").unlink()
    (tmp_path / "out/ds/v0/a").rmdir()
    (tmp_path / "out/ds/v0/a").symlink_to(tmp_path / "secret")

    elsewhere()

    assert "is a link, or lies below one" in imported(tmp_path / "out").problems[0]


def _link(path: Path) -> None:
    path.rename(path.with_suffix(".away"))
    path.symlink_to(path.with_suffix(".away"))


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _endless(path: Path) -> None:
    os.truncate(path, 1 << 40)


@pytest.mark.parametrize(
    ("name", "plant"),
    [
        ("lading-export.json", _link),
        ("ds/v0.json", _pipe),
        ("ds/v0.json", _endless),
        ("ds/v0.entries", _link),
        ("ds/v0.entries", _endless),
        ("ds/v0/a", _pipe),
    ],
)
def test_its_own_files_are_plain_and_end(
    log: Log, tmp_path: Path, elsewhere: Go, name: str, plant: Callable[[Path], None]
) -> None:
    """Else who made it has us read what lies elsewhere, wait for ever, or hold what is larger than memory."""
    log({"a": "a"})
    exported(tmp_path / "out")
    plant(tmp_path / "out" / name)

    elsewhere()

    with pytest.raises(LadingError, match=name):
        raise LadingError(imported(tmp_path / "out").problems[0])


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("lading-export.json", '{"format": 1, "entity": "me", "project": "../p"}'),
        ("lading-export.json", '{"format": 1, "entity": "me", "project": "p", "x": ' + "[" * 100_000),
        ("ds/v0.entries", '{"path":"a","entry":{"digest":"x","extra":{"x":' + "[" * 100_000 + "\n"),
    ],
    ids=["project", "deep head", "deep entry"],
)
def test_documents_that_cannot_be_are_refused_by_name(log: Log, tmp_path: Path, elsewhere: Go, name: str, data: str) -> None:
    log({"a": "a"})
    exported(tmp_path / "out")
    (tmp_path / "out" / name).write_text(data)

    elsewhere()

    with pytest.raises(LadingError, match=name.rpartition("/")[2]):
        raise LadingError(imported(tmp_path / "out").problems[0])


def test_a_number_that_is_taken_is_not_overwritten(log: Log, tmp_path: Path, elsewhere: Go) -> None:
    log({"a": "a"})
    exported(tmp_path / "out")
    elsewhere()
    with lading.init(project="p") as run:
        artifact = lading.Artifact("ds", "dataset")
        with artifact.new_file("other", "w") as file:
            file.write("other")
        run.log_artifact(artifact).wait()

    done = imported(tmp_path / "out")
    lading.Api().artifact("p/ds:v0").delete(delete_aliases=True)
    again = imported(tmp_path / "out")

    assert done.problems == ["you/p/ds:v0: there is another version of this number (import into another project)"]
    (line,) = again.problems
    assert line.startswith("you/p/ds:v0: v0 of you/p/ds is, or was, another version: numbers are never used twice")


def test_folders_with_anything_else_are_left_alone(log: Log, tmp_path: Path) -> None:
    log({"a": "a"})
    (tmp_path / "full").mkdir()
    (tmp_path / "full/mine").touch()
    Export(str(tmp_path / "theirs")).begin("me", "another")

    for folder in ("full", "theirs"):
        with pytest.raises(UsageError, match="export"):
            exported(tmp_path / folder)
    with pytest.raises(UsageError, match="is no export"):
        imported(tmp_path / "full")
    with pytest.raises(UnknownNameError):
        exported(tmp_path / "new", "nothing")
    assert not (tmp_path / "new").exists()


def test_a_later_format_is_refused(tmp_path: Path) -> None:
    Export(str(tmp_path / "out")).begin("me", "p")
    (tmp_path / "out/lading-export.json").write_text('{"format": 2, "entity": "me", "project": "p"}')

    with pytest.raises(FormatNewerError):
        imported(tmp_path / "out")


def test_a_receipt_in_the_wrong_place_is_refused(log: Log, tmp_path: Path) -> None:
    log({"a": "a"})
    exported(tmp_path / "out")
    (tmp_path / "out/ds/v0.json").rename(tmp_path / "out/ds/v1.json")

    with pytest.raises(ManifestError, match="is the receipt of ds:v0"):
        imported(tmp_path / "out")
