"""What a logged artifact holds, looked up without downloading it all."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

import lading
from lading.api.workspace import Workspace
from lading.errors import EntryNotFoundError, InvalidValueError, StoreUnavailableError, UsageError
from lading.testing.s3_server import S3Server
from lading.testing.wrappers import FaultyStore, TracedStore
from lading.transfer.scheduler import Retry

Make = Callable[..., lading.Artifact]
Fill = Callable[..., Path]


def looked_up(name: str = "p/ds") -> lading.Artifact:
    """As somebody finds it who did not log it: the manifest is not in memory."""
    return lading.Api().artifact(name)


def test_an_entry_is_found_by_its_path(dataset: Make) -> None:
    """Seed 000, "get_path"; SEMANTICS 1.1, `get_entry`."""
    dataset({"a": "1", "sub/b": "22"})
    artifact = looked_up()

    entry = artifact.get_path("sub/b")

    assert (entry.path, entry.name, entry.size, entry.ref, entry.extra) == ("sub/b", "sub/b", 2, None, {})
    assert entry == artifact.get_entry(Path("sub/b")) == artifact.get_entry("sub/b")
    assert entry.parent_artifact() is artifact
    assert repr(entry) == f"<ArtifactManifestEntry sub/b (2 bytes, {entry.digest})>"


@pytest.mark.parametrize("path", ["gone", "sub", "sub/", "", "zzz", "../a"])
def test_a_path_that_is_not_in_it_is_a_key_error_that_names_it(dataset: Make, path: str) -> None:
    """SEMANTICS 1.1, "KeyError when missing"."""
    dataset({"a": "1", "sub/b": "22"})

    with pytest.raises(KeyError, match=f"Path not contained in artifact: {path}") as caught:
        looked_up().get_entry(path)
    assert isinstance(caught.value, EntryNotFoundError)


def test_entries_that_differ_are_not_equal(dataset: Make) -> None:
    artifact = dataset({"a": "1", "b": "2"})

    assert artifact.get_entry("a") != artifact.get_entry("b")
    assert artifact.get_entry("a") != "a"
    with pytest.raises(ValueError, match="reference"):
        artifact.get_entry("a").ref_target()


def test_one_path_costs_one_page(run: lading.Run, fill: Fill, workspace: Workspace) -> None:
    """DESIGN 4: "Readers fetch only the pages they need"."""
    artifact = lading.Artifact("ds", "dataset")
    artifact.add_dir(fill("in", {f"{number:05}": "" for number in range(6000)}))
    run.log_artifact(artifact)
    store = TracedStore(workspace.store)
    workspace.engine.store = store

    looked_up().get_entry("00042")
    few = len(store.ranges("manifests/"))
    store.calls.clear()
    assert len(looked_up().manifest) == 6000

    assert few == 2  # the index and a page
    assert len(store.ranges("manifests/")) > 2


def test_files_come_in_pages_sorted_with_a_length_and_a_cursor(dataset: Make) -> None:
    """Seed 000, "files"; SEMANTICS 1.1, "paginator of File, has `.cursor`, `len()`"."""
    dataset({name: name * 2 for name in "edcba"})
    artifact = looked_up()

    files = artifact.files(per_page=2)

    assert len(files) == 5
    first = files[0]
    assert (first.name, first.path, first.size, repr(first)) == ("a", "a", 2, "<File a (2 bytes)>")
    assert first.digest == artifact.get_entry("a").digest
    rest = artifact.files(per_page=2, start=files.cursor)
    assert [file.name for file in rest] == ["c", "d", "e"]
    assert [file.name for file in files] == ["a", "b", "c", "d", "e"]


def test_files_may_be_named(dataset: Make) -> None:
    dataset({"a": "1", "b": "2", "c": "3"})

    files = looked_up().files(["c", "a", "gone"])

    assert (len(files), [file.name for file in files]) == (2, ["a", "c"])
    assert len(looked_up().files([])) == 0


def test_a_file_says_where_its_bytes_lie_and_what_they_are(run: lading.Run, fill: Fill) -> None:
    """SEMANTICS 1.1, `files()`: W&B's `File` has a url, an md5 and a mimetype."""
    artifact = lading.Artifact("ds", "dataset", digest_algorithm="MD5")
    artifact.add_dir(fill("in", {"file1.txt": "hello"}))
    artifact.add_reference("ref://example.com/a.json", name="theirs.json")
    run.log_artifact(artifact)

    mine, theirs = looked_up().files()

    assert mine.url.startswith("file:///")
    assert Path(mine.url.removeprefix("file://")).read_text() == "hello"
    assert (mine.md5, mine.mimetype) == ("XUFAKrxLKna5cZ2REBfFkg==", "text/plain")
    assert (theirs.url, theirs.md5, theirs.mimetype) == ("ref://example.com/a.json", None, "application/json")


def test_the_url_of_a_file_in_a_bucket_has_the_options_of_its_store(fill: Fill, monkeypatch: pytest.MonkeyPatch) -> None:
    with S3Server() as server:
        options = f"?anonymous=1&endpoint={server.url}"
        monkeypatch.setenv("LADING_STORE", f"s3://bucket/some/prefix{options}")
        with lading.init(project="p") as run:
            artifact = lading.Artifact("ds", "dataset")
            artifact.add_file(fill("in", {"a": "1"}) / "a")
            (file,) = run.log_artifact(artifact).files()

        assert file.url.startswith("s3://bucket/some/prefix/objects/")
        assert file.url.endswith(options)
        assert server.bucket.objects[file.url.removeprefix("s3://bucket/").removesuffix(options)].data == b"1"
        assert file.md5 is None


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.PNG", "image/png"),
        ("sub.csv/t.table.json", "application/json"),
        ("data:text/html,x.txt", "text/plain"),
        *((name, "application/octet-stream") for name in ("a.tar.gz", "a.tgz", "a.json.bz2", "a", ".json", "a.weights-9")),
    ],
)
def test_the_kind_of_a_file_is_what_its_name_tells(dataset: Make, name: str, kind: str) -> None:
    dataset({name: "1"})
    (file,) = looked_up().files()

    assert file.mimetype == kind


def test_a_file_is_downloaded_alone(dataset: Make, tmp_path: Path) -> None:
    dataset({"sub/a": "1", "b": "2"})
    (file,) = looked_up().files(["sub/a"])

    place = file.download(str(tmp_path / "out"))

    assert place == str(tmp_path / "out" / "sub/a")
    assert Path(place).read_text() == "1"
    with pytest.raises(ValueError, match="File already exists"):
        file.download(tmp_path / "out")
    Path(place).write_text("2")
    assert Path(file.download(tmp_path / "out", replace=True)).read_text() == "1"
    assert Path(file.download(tmp_path / "out", exist_ok=True)).read_text() == "1"
    assert not (tmp_path / "out" / "b").exists()


def test_an_entry_is_downloaded_alone(dataset: Make, tmp_path: Path) -> None:
    """Seed 003, `Entry.download`; seed 000, "get_path"."""
    dataset({"sub/a": "1", "b": "2"})
    artifact = looked_up()

    assert artifact.get_path("sub/a").download() == str(tmp_path / "work/artifacts/ds:v0/sub/a")
    assert Path(artifact.get_path("b").download(tmp_path / "out")).read_text() == "2"
    assert not (tmp_path / "work/artifacts/ds:v0/b").exists()


def test_an_entry_got_before_logging_can_be_downloaded_after_it(run: lading.Run, fill: Fill) -> None:
    artifact = lading.Artifact("ds", "dataset")
    entry = artifact.add_file(fill("in", {"a": "1"}) / "a")

    run.log_artifact(artifact)

    assert Path(entry.download()).read_text() == "1"


def test_file_downloads_the_only_one(dataset: Make, tmp_path: Path) -> None:
    """Seed 000, "file": the full path; SEMANTICS 1.1, "ValueError if >1 entry"."""
    dataset({"only.bin": "1"})
    dataset({"a": "1", "b": "2"}, "two")

    assert looked_up().file() == str(tmp_path / "work/artifacts/ds:v0/only.bin")
    assert looked_up().file("out") == str(tmp_path / "work/out/only.bin")
    with pytest.raises(ValueError, match="has 2 files, not one"):
        looked_up("p/two").file()


def test_a_draft_has_its_manifest_at_hand_also_on_a_running_loop(fill: Fill) -> None:
    artifact = lading.Artifact("ds", "dataset")
    artifact.add_dir(fill("in", {"a": "1"}))

    async def main() -> int:
        return len(artifact.manifest) + len(await artifact.manifest_async())

    assert asyncio.run(main()) == 2


def test_on_a_running_loop_the_manifest_is_awaited(dataset: Make) -> None:
    """DESIGN 7: "`artifact.manifest` … on a running loop, says to await `manifest_async()`"."""
    dataset({"a": "1"})
    artifact = looked_up()

    async def main() -> None:
        with pytest.raises(UsageError, match=r"await artifact.manifest_async\(\)"):
            _ = artifact.manifest
        assert list((await artifact.manifest_async()).entries) == ["a"]
        assert artifact.manifest == await artifact.manifest_async()

    asyncio.run(main())


def test_the_manifest_is_finished(dataset: Make) -> None:
    """Seed 000, "manifest": cannot be changed once logged."""
    dataset({"a": "1"})

    with pytest.raises(TypeError):
        looked_up().manifest.entries["b"] = None  # type: ignore[index]  # pyright: ignore


def test_json_encode_is_what_a_config_stores(dataset: Make) -> None:
    """SEMANTICS 1.1, `json_encode`."""
    artifact = dataset({"a": "1"})

    assert artifact.json_encode() == {
        "_type": "artifactVersion",
        "_version": "v0",
        "id": artifact.id,
        "version": "v0",
        "sequenceName": "ds",
        "usedAs": None,
    }


def test_documents_are_asked_for_again(dataset: Make, workspace: Workspace) -> None:
    dataset({"a": "1"})
    store = FaultyStore(workspace.store)
    workspace.engine.store, workspace.engine.retry = store, Retry(base=0.01)
    store.fail("read", StoreUnavailableError("503"), times=2, key="manifests/")

    assert list(looked_up().manifest.entries) == ["a"]
    assert not store.unused


def test_lineage_goes_both_ways(dataset: Make, run: lading.Run) -> None:
    """Seed 000, "traverse the graph"."""
    artifact = dataset({"a": "1"})
    with lading.init(project="q", job_type="train") as user:
        user.use_artifact("p/ds:latest")
        user.use_artifact(artifact)

    maker, users = artifact.logged_by(), artifact.used_by()

    assert maker is not None
    assert maker.path == ["me", "p", run.id]
    assert [each.path for each in users] == [["me", "q", user.id]]
    assert users[0].job_type == "train"
    assert [each.name for each in users[0].used_artifacts()] == ["ds:v0"]
    assert [each.name for each in maker.logged_artifacts()] == ["ds:v0"]


def test_who_logs_the_same_content_again_is_not_its_maker(dataset: Make, run: lading.Run, fill: Fill) -> None:
    artifact = dataset({"a": "1"})
    again = lading.Artifact("ds", "dataset")
    again.add_dir(fill("in", {"a": "1"}))
    with lading.init(project="p") as second:
        second.log_artifact(again)

    maker = artifact.logged_by()

    assert maker is not None
    assert maker.id == run.id
    assert [each.name for each in second.logged_artifacts()] == ["ds:v0"]


def test_arguments_that_cannot_be_are_named(dataset: Make) -> None:
    dataset({"a": "1"})
    with pytest.raises(InvalidValueError, match="order"):
        lading.Api().artifacts("dataset", "p/ds", order="name")
