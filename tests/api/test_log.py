"""Logging: what makes a version, what moves, and what stops it."""

import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

import lading
from lading.api import log as log_module
from lading.api.portal import blocking
from lading.api.workspace import Workspace
from lading.errors import (
    ArtifactNotLoggedError,
    FileChangedError,
    InvalidValueError,
    LadingError,
    LocalFileError,
    NameConflictError,
    StoreError,
    StoreForeignError,
    StoreFullError,
    StoreUnavailableError,
    UnknownNameError,
    UsageError,
    WaitTimeoutError,
)
from lading.store.folder import FolderStore
from lading.testing.wrappers import FaultyStore, SlowStore
from lading.transfer.scheduler import Retry

Make = Callable[..., lading.Artifact]
Fill = Callable[..., Path]
Stored = Callable[..., dict[str, int]]

# SEMANTICS 2.1: golden values, recomputed from the published client.
GOLDEN: dict[str, dict[str, str | bytes]] = {
    "64e7c61456b10382e2f3b571ac24b659": {},
    "a00c2239f036fb656c1dcbf9a32d89b4": {"file1.txt": "hello"},
    "585b9ada17797e37c9cbab391e69b8c5": {"great-file.txt": "hello"},
    "a757208d042e8627b2970d72a71bed5b": {"subdir/file1.txt": "hello"},
    "72414374bfd4b0f60a116e7267845f71": {"file1.txt": "hello", "nest/file2.txt": "my", "nest/nest/file3.txt": "dude"},
    "f718baf2d4c910dc6ccd0d9c586fa00f": {"top/file1.txt": "hello", "top/nest/file2.txt": "my", "top/nest/nest/file3.txt": "dude"},
}


def artifact_of(
    folder: Path, name: str = "ds", *, policy: str = "mutable", digest_algorithm: str | None = None
) -> lading.Artifact:
    artifact = lading.Artifact(name, "dataset", digest_algorithm=digest_algorithm)
    artifact.add_dir(folder, policy=policy)
    return artifact


def versions(name: str = "p/ds") -> list[str]:
    """The versions that readers see; none if they see no such collection."""
    try:
        return [artifact.version for artifact in lading.Api().artifacts("dataset", name, order="version_index")]
    except UnknownNameError:
        return []


def open_sessions(workspace: Workspace) -> list[str]:
    """What of write sessions is left in the catalogue: pending versions, and pins."""
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(workspace.catalog.url.removeprefix("sqlite:///"))) as db:
        pending = db.execute("SELECT id FROM versions WHERE state = 'PENDING'").fetchall()
        return [str(row[0]) for row in pending + db.execute("SELECT digest FROM pins").fetchall()]


# -- digests ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("digest", GOLDEN)
def test_with_md5_digests_are_those_of_wandb(run: lading.Run, fill: Fill, digest: str) -> None:
    """SEMANTICS 2.1."""
    artifact = artifact_of(fill("in", GOLDEN[digest]), digest_algorithm="MD5")
    assert artifact.digest == digest

    run.log_artifact(artifact)

    again = run.use_artifact("ds:latest")
    assert (artifact.digest, again.digest, again.manifest.digest()) == (digest, digest, digest)
    assert again.digest_algorithm == "MD5"


def test_with_md5_the_manifest_is_wandbs(run: lading.Run, fill: Fill) -> None:
    """SEMANTICS 2.1 and 2.2: base64 md5 of the files, version 1, defaults left out."""
    run.log_artifact(artifact_of(fill("in", {"file1.txt": "hello"}), digest_algorithm="MD5"))

    manifest = run.use_artifact("ds:latest").manifest

    assert manifest.to_manifest_json() == {
        "version": 1,
        "storagePolicy": "wandb-storage-policy-v1",
        "storagePolicyConfig": {"storageLayout": "V2"},
        "contents": {"file1.txt": {"digest": "XUFAKrxLKna5cZ2REBfFkg==", "size": 5}},
    }


@pytest.mark.parametrize(("label", "digest"), [("BLAKE3", "ea8f163d"), ("SHA256", "2cf24dba"), ("MD5", "XUFAKrxL")])
def test_each_algorithm_makes_the_round_trip(run: lading.Run, fill: Fill, label: str, digest: str) -> None:
    """DESIGN 4; docs/formats.md has the digests of "hello"."""
    big = os.urandom((8 << 20) + 1)
    run.log_artifact(artifact_of(fill("in", {"hello": "hello", "big": big}), digest_algorithm=label))

    artifact = run.use_artifact("ds:latest")
    root = Path(artifact.download())

    assert artifact.get_entry("hello").digest.startswith(digest)
    assert (root / "big").read_bytes() == big
    artifact.verify(root)


def test_the_default_algorithm_is_a_setting(run: lading.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """DESIGN 3, LADING_DIGEST."""
    run.finish()
    monkeypatch.setenv("LADING_DIGEST", "MD5")

    assert lading.Artifact("ds").digest == "64e7c61456b10382e2f3b571ac24b659"
    assert lading.Artifact("ds", digest_algorithm="BLAKE3").digest_algorithm == "BLAKE3"


def test_the_same_content_under_another_label_is_the_same_content(run: lading.Run, fill: Fill) -> None:
    """DESIGN 4: '"Same as `latest`" compares tree digests, whatever the label'; SHA256 differs by nature."""
    folder = fill("in", {"a": "1", "b": "2"})
    first = run.log_artifact(artifact_of(folder))

    labelled = run.log_artifact(artifact_of(folder, digest_algorithm="MD5"))
    other = run.log_artifact(artifact_of(folder, digest_algorithm="SHA256"))

    assert (labelled.version, labelled.digest, labelled.digest_algorithm) == ("v0", first.digest, "BLAKE3")
    assert labelled.get_entry("a").digest == first.get_entry("a").digest == labelled.manifest.entries["a"].digest
    assert other.version == "v1"


# -- what makes a version, and what moves --------------------------------------------------------------------------------------


def test_the_same_content_makes_no_version_and_writes_nothing(dataset: Make, stored: Stored) -> None:
    """Seed 000, "digest": `log_artifact` does nothing if it equals the current `latest`."""
    first = dataset({"a": "1", "b": "2"})
    before = stored()

    again = dataset({"a": "1", "b": "2"}, aliases=["x"], tags=["t"])

    assert (again.id, again.version) == (first.id, "v0")
    assert (sorted(again.aliases), again.tags) == (["latest", "x"], ["t"])
    assert stored() == before


def test_one_changed_file_moves_one_object_and_one_page(run: lading.Run, fill: Fill, stored: Stored) -> None:
    """DESIGN 4: "so that one changed file rewrites one page"."""
    folder = fill("in", {f"{number:04}": str(number) for number in range(200)})
    run.log_artifact(artifact_of(folder))
    before = stored()
    fill("in", {"0007": "changed"})

    run.log_artifact(artifact_of(folder))

    after = stored()
    new = sorted(after.keys() - before.keys())
    assert {key: after[key] for key in before} == before
    assert [key.split("/")[0] for key in new] == ["manifests", "manifests", "objects", "versions"]


def test_projects_of_one_entity_share_objects(run: lading.Run, dataset: Make, stored: Stored) -> None:
    dataset({"a": "1"})
    before = stored("objects/")

    with lading.init(project="q") as other:
        artifact = lading.Artifact("elsewhere", "dataset")
        with artifact.new_file("x") as file:
            file.write("1")
        other.log_artifact(artifact)

    assert stored("objects/") == before
    assert artifact.qualified_name == "me/q/elsewhere:v0"


def test_entities_do_not_share_objects(dataset: Make, stored: Stored) -> None:
    """DESIGN 5 "Trust": "known" is said only of what the asker's entity stores."""
    dataset({"a": "1"})
    with lading.init(project="p", entity="you") as other:
        artifact = lading.Artifact("ds", "dataset")
        with artifact.new_file("x") as file:
            file.write("1")
        other.log_artifact(artifact)

    assert len(stored("objects/")) == 2


def test_latest_moves_and_content_that_comes_back_is_a_new_version(dataset: Make) -> None:
    """SEMANTICS 2.7: only the current `latest` is compared with."""
    first = dataset({"a": "1"})
    dataset({"a": "2"})

    third = dataset({"a": "1"})

    assert (third.version, third.aliases) == ("v2", ["latest"])
    assert lading.Artifact.from_id(first.id or "").aliases == []
    assert versions() == ["v0", "v1", "v2"]


def test_an_artifact_may_be_empty(run: lading.Run) -> None:
    artifact = run.log_artifact(lading.Artifact("ds", "dataset"))

    assert (artifact.version, artifact.size, artifact.file_count) == ("v0", 0, 0)
    assert list(Path(artifact.download()).iterdir()) == []
    assert list(artifact.files()) == []


def test_description_and_metadata_that_differ_on_the_same_content_warn(
    run: lading.Run, fill: Fill, caplog: pytest.LogCaptureFixture
) -> None:
    """DESIGN 5 "Log" (1): "a differing description or metadata warns"."""
    folder = fill("in", {"a": "1"})
    first = lading.Artifact("ds", "dataset", "about", {"k": 1})
    first.add_dir(folder)
    run.log_artifact(first)
    second = lading.Artifact("ds", "dataset", "other", {"k": 2})
    second.add_dir(folder)
    silent = artifact_of(folder)

    with caplog.at_level(logging.WARNING, "lading.log"):
        run.log_artifact(silent)
        assert caplog.records == []
        run.log_artifact(second)

    assert [record.name for record in caplog.records] == ["lading.log"] * 2
    assert "me/p/ds:v0 has this content already and keeps its description" in caplog.text
    assert "keeps its metadata" in caplog.text
    assert (second.description, second.metadata) == ("about", {"k": 1})


def test_a_version_that_is_logged_again_takes_labels(run: lading.Run, dataset: Make) -> None:
    artifact = dataset({"a": "1"})

    again = run.log_artifact(artifact, aliases=["x"], tags=["t"])

    assert again is artifact
    assert (artifact.version, sorted(artifact.aliases), artifact.tags) == ("v0", ["latest", "x"], ["t"])


def test_a_version_of_another_place_is_not_logged_here(dataset: Make) -> None:
    """SEMANTICS 1.2: `ValueError … owned by entity 'e'` / `… exists in project 'p'`."""
    artifact = dataset({"a": "1"})

    with lading.init(project="q") as run, pytest.raises(ValueError, match="exists in project 'p'"):
        run.log_artifact(artifact)
    with lading.init(project="p", entity="you") as run, pytest.raises(ValueError, match="owned by entity 'me'"):
        run.log_artifact(artifact)


def test_another_type_under_the_same_name_is_refused(run: lading.Run, dataset: Make, fill: Fill) -> None:
    """SEMANTICS 1.2, the text."""
    dataset({"a": "1"})
    artifact = lading.Artifact("ds", "model")
    artifact.add_dir(fill("in", {"a": "2"}))

    with pytest.raises(
        NameConflictError, match="Artifact ds already exists with type 'dataset'; cannot create another with type 'model'"
    ):
        run.log_artifact(artifact)
    assert versions() == ["v0"]


@pytest.mark.parametrize(("aliases", "tags"), [(["a/b"], None), (["a:b"], None), ("v3", None), (None, ["a/b"]), (None, "a:b")])
def test_labels_that_cannot_be_are_refused_before_anything_is_logged(
    run: lading.Run, fill: Fill, aliases: list[str] | str | None, tags: list[str] | str | None
) -> None:
    artifact = artifact_of(fill("in", {"a": "1"}))

    with pytest.raises(ValueError, match=r"[Aa]lias|tag"):
        run.log_artifact(artifact, aliases=aliases, tags=tags)
    assert artifact.is_draft()
    assert versions() == []
    run.log_artifact(artifact)


def test_metadata_edited_in_place_is_checked_before_it_is_logged(run: lading.Run, fill: Fill) -> None:
    artifact = artifact_of(fill("in", {"a": "1"}))
    artifact.metadata["f"] = float("inf")

    with pytest.raises(InvalidValueError, match=r"metadata\.f"):
        run.log_artifact(artifact)
    assert versions() == []


@pytest.mark.parametrize("name", ["file.bin", "folder", "folder/"])
def test_a_path_is_logged_under_the_runs_name(run: lading.Run, fill: Fill, name: str) -> None:
    """SEMANTICS 1.2: "path → Artifact named `run-{run_id}-{basename}`, type unspecified"."""
    fill(".", {"file.bin": "1", "folder/a": "2"})

    artifact = run.log_artifact(name)
    other = run.log_artifact(Path(name), name="other", type="dataset")

    assert artifact.qualified_name == f"me/p/run-{run.id}-{name.strip('/')}:v0"
    assert artifact.type == "unspecified"
    assert list(artifact.manifest.entries) == (["file.bin"] if name == "file.bin" else ["a"])
    assert (other.collection, other.type) == ("other", "dataset")
    with pytest.raises(ValueError, match="not a file"):
        run.log_artifact("gone")


def test_the_executable_bit_and_odd_names_are_kept(run: lading.Run, fill: Fill) -> None:
    """DESIGN 4, "Names of files"."""
    folder = fill("in", {"run.sh": "1", "with space": "2", "ünï/ço\ndé": "3", "x" * 255: "4", "-rf": "5", "a%2e": "6"})
    (folder / "run.sh").chmod(0o755)
    artifact = run.log_artifact(artifact_of(folder))

    root = Path(artifact.download("out"))

    assert sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()) == sorted(
        artifact.manifest.entries
    )
    assert os.access(root / "run.sh", os.X_OK)
    assert not (root / "with space").stat().st_mode & 0o111


def test_progress_is_told(run: lading.Run, fill: Fill) -> None:
    told: list[tuple[int, int]] = []

    run.log_artifact(
        artifact_of(fill("in", {"a": "1", "b": "22"})), progress=lambda now: told.append((now.files_done, now.bytes_done))
    )

    assert told[-1] == (2, 3)


# -- immutable ----------------------------------------------------------------------------------------------------------------


def slowed(workspace: Workspace, delay: float) -> None:
    workspace.engine.store = SlowStore(workspace.store, delay=delay)


def test_immutable_returns_at_once_and_wait_waits(run: lading.Run, workspace: Workspace, fill: Fill) -> None:
    """DESIGN 5: "`immutable`: returns at once"; SEMANTICS 1.1: after `log_artifact` it is a draft until `wait()` returns."""
    slowed(workspace, 0.05)
    artifact = artifact_of(fill("in", {str(number): str(number) for number in range(3)}), policy="immutable")

    assert run.log_artifact(artifact) is artifact
    assert artifact.is_draft()
    with pytest.raises(ArtifactNotLoggedError):
        _ = artifact.version
    with pytest.raises(WaitTimeoutError, match=r"0\.001 seconds"):
        artifact.wait(timeout=0.001)
    assert artifact.wait() is artifact

    assert artifact.version == "v0"
    assert artifact.wait(timeout=0) is artifact


def test_finish_waits_for_all_that_is_logged_in_the_background(run: lading.Run, workspace: Workspace, fill: Fill) -> None:
    slowed(workspace, 0.02)
    artifacts = [artifact_of(fill(name, {name: name}), name, policy="immutable") for name in ("a", "b")]
    for artifact in artifacts:
        run.log_artifact(artifact)

    run.finish()

    assert [artifact.version for artifact in artifacts] == ["v0", "v0"]
    assert lading.Api().run(f"p/{run.id}").state == "finished"


def test_a_change_of_an_immutable_file_is_an_error_at_wait_and_at_finish(
    run: lading.Run, workspace: Workspace, fill: Fill
) -> None:
    """DESIGN 5: "a change is an error"."""
    slowed(workspace, 0.02)
    bad, good = fill("bad", {"a": "1"}), fill("good", {"b": "2"})
    changed, fine = artifact_of(bad, "changed", policy="immutable"), artifact_of(good, "fine", policy="immutable")
    fill("bad", {"a": "22"})

    run.log_artifact(changed)
    run.log_artifact(fine)

    with pytest.raises(FileChangedError, match="bad/a: changed"):
        changed.wait()
    with pytest.raises(FileChangedError, match="bad/a: changed"):
        run.finish()
    assert fine.version == "v0"  # the others are waited for
    assert versions("p/changed") == []
    assert lading.Api().run(f"p/{run.id}").state == "failed"


def test_a_draft_in_the_background_may_be_used(run: lading.Run, workspace: Workspace, fill: Fill) -> None:
    slowed(workspace, 0.02)

    artifact = run.use_artifact(artifact_of(fill("in", {"a": "1"}), policy="immutable"))

    assert artifact.version == "v0"


# -- files that change --------------------------------------------------------------------------------------------------------


def change(path: Path) -> None:
    path.write_text("other")


def replace_by_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def touch(path: Path) -> None:
    os.utime(path, ns=(1, 1))


@pytest.mark.parametrize("harm", [change, Path.unlink, replace_by_folder, touch])
@pytest.mark.parametrize("size", [1, 9 << 20])
def test_a_file_that_changed_since_it_was_added_is_named_and_nothing_is_committed(
    run: lading.Run, workspace: Workspace, fill: Fill, harm: Callable[[Path], object], size: int
) -> None:
    """DESIGN 5: "A change between `add_file` and `log_artifact` is an error that names the file"."""
    folder = fill("in", {"a": "1", "b": os.urandom(size)})
    artifact = artifact_of(folder)
    harm(folder / "b")

    with pytest.raises((FileChangedError, LocalFileError), match="in/b: "):
        run.log_artifact(artifact)
    assert artifact.is_draft()
    assert versions() == []
    assert open_sessions(workspace) == []

    if (folder / "b").is_dir():
        (folder / "b").rmdir()
    fill("in", {"b": "good"})
    assert run.log_artifact(artifact_of(folder)).version == "v0"


@pytest.mark.parametrize("size", [1, 9 << 20, 40 << 20])
def test_a_file_whose_bytes_change_unseen_is_found_when_it_is_sent(
    run: lading.Run, workspace: Workspace, fill: Fill, stored: Stored, size: int
) -> None:
    """DESIGN 5 "Log" (4): "hashed again on the way"; the stamp is forged here."""
    folder = fill("in", {"b": os.urandom(size)})
    artifact = artifact_of(folder)
    stamp = (folder / "b").stat()
    with (folder / "b").open("r+b") as file:
        file.seek(size - 1)
        last = file.read(1)
        file.seek(size - 1)
        file.write(bytes([last[0] ^ 1]))
    os.utime(folder / "b", ns=(stamp.st_atime_ns, stamp.st_mtime_ns))

    with pytest.raises(FileChangedError, match="in/b: changed"):
        run.log_artifact(artifact)
    assert versions() == []
    assert stored("objects/") == {}
    assert open_sessions(workspace) == []


# -- a store that fails ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("call", ["write", "flush"])
def test_a_store_that_fails_leaves_no_version_and_the_next_log_succeeds(
    run: lading.Run, workspace: Workspace, fill: Fill, call: str
) -> None:
    store = FaultyStore(workspace.store)
    workspace.engine.store = store
    store.fail(call, StoreError("broken"))
    folder = fill("in", {"a": "1", "b": "2"})
    artifact = artifact_of(folder)

    with pytest.raises(StoreError, match="broken"):
        run.log_artifact(artifact)
    assert versions() == []
    assert open_sessions(workspace) == []
    assert not store.unused

    assert run.log_artifact(artifact).version == "v0"
    artifact.verify(artifact.download())


@pytest.mark.parametrize(
    ("call", "key"),
    [
        ("write", "lading-store"),
        ("write", "objects/"),
        ("write", "manifests/"),
        ("write", "versions/"),
        ("flush", ""),
        ("head", ""),
    ],
)
def test_a_store_that_is_away_for_a_moment_is_asked_again(
    run: lading.Run, workspace: Workspace, fill: Fill, call: str, key: str
) -> None:
    store = FaultyStore(workspace.store)
    workspace.engine.store = store
    workspace.engine.retry = Retry(base=0.01)
    store.fail(call, StoreUnavailableError("503"), times=2, key=key)

    artifact = run.log_artifact(artifact_of(fill("in", {"a": "1"})))

    assert artifact.version == "v0"
    assert not store.unused


def test_a_full_store_is_named_and_takes_the_log_once_there_is_room(
    run: lading.Run, workspace: Workspace, fill: Fill, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DESIGN 7: a disk of 8 MiB."""
    run.finish()
    monkeypatch.setenv("LADING_STORE", f"file://{small_disk}/store")
    with lading.init(project="p") as here:
        artifact = artifact_of(fill("in", {"a": "1", "b": os.urandom(9 << 20), "c": os.urandom(7 << 20)}))

        with pytest.raises(StoreFullError, match="is full"):
            here.log_artifact(artifact)
        assert versions() == []
        assert open_sessions(workspace) == []
        assert list((small_disk / "store" / "tmp").iterdir()) == []

        small = here.log_artifact(artifact_of(fill("small", {"a": "1"})))
        assert small.version == "v0"


def test_a_full_home_is_named_and_nothing_is_half_written(fill: Fill, small_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LADING_HOME", str(small_disk / "home"))
    folder = fill("in", {str(number): os.urandom(1 << 20) for number in range(12)})

    with lading.init(project="p") as run:
        with pytest.raises((StoreFullError, LocalFileError), match="full"):
            run.log_artifact(artifact_of(folder))
        assert [path for path in (small_disk / "home" / "store").rglob("*") if path.name.startswith(".lading-")] == []
        for path in (small_disk / "home" / "store" / "objects").rglob("*"):
            if path.is_file():
                path.unlink()  # so that the run can end
        assert versions() == []


def test_a_store_of_another_catalogue_is_not_written(
    dataset: Make, fill: Fill, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DESIGN 4, `lading-store.json`: "any other catalogue may read, never write"."""
    dataset({"a": "1"})
    monkeypatch.setenv("LADING_CATALOG", f"sqlite:///{tmp_path}/other.db")

    with lading.init(project="p") as run:
        artifact = artifact_of(fill("in", {"x": "2"}))
        with pytest.raises(StoreForeignError, match="belongs to another catalogue"):
            run.log_artifact(artifact)
    assert versions() == []


# -- at the same time ---------------------------------------------------------------------------------------------------------


def test_threads_that_log_different_content_get_numbers_without_gap(run: lading.Run, fill: Fill) -> None:
    artifacts = [artifact_of(fill(str(number), {"a": str(number)})) for number in range(6)]
    errors: list[BaseException] = []

    def log(artifact: lading.Artifact) -> None:
        try:
            run.log_artifact(artifact)
        except BaseException as error:  # for the assertion below
            errors.append(error)

    threads = [threading.Thread(target=log, args=(artifact,)) for artifact in artifacts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []
    assert sorted(artifact.version for artifact in artifacts) == [f"v{number}" for number in range(6)]
    assert lading.Api().artifact("p/ds").version == "v5"


def test_threads_that_log_the_same_content_make_one_version(run: lading.Run, fill: Fill) -> None:
    folder = fill("in", {"a": "1", "big": os.urandom(9 << 20)})
    artifacts = [artifact_of(folder) for _ in range(4)]
    threads = [threading.Thread(target=run.log_artifact, args=(artifact,)) for artifact in artifacts]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {artifact.version for artifact in artifacts} == {"v0"}
    assert versions() == ["v0"]


def test_a_lease_that_ran_out_commits_nothing(
    run: lading.Run, workspace: Workspace, fill: Fill, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DESIGN 5 "Log" (2): a lease by the database's clock."""
    monkeypatch.setattr(log_module, "LEASE", 0.0)

    with pytest.raises(LadingError, match=r"write session .* has ended; nothing was committed"):
        run.log_artifact(artifact_of(fill("in", {"a": "1"})))
    assert versions() == []


def test_a_finished_run_logs_nothing(run: lading.Run, fill: Fill) -> None:
    run.finish()

    with pytest.raises(UsageError, match=r"run.log_artifact\(\) on a run that is finished"):
        run.log_artifact(artifact_of(fill("in", {"a": "1"})))


def test_the_store_is_where_it_should_be(dataset: Make, workspace: Workspace, home: Path) -> None:
    dataset({"a": "1"})

    assert isinstance(workspace.store, FolderStore)
    assert workspace.store.root == str(home / "store")
    assert blocking(workspace.catalog.id)() in (home / "store" / "lading-store.json").read_text()


# -- what a failed log leaves ------------------------------------------------------------------------------------------


def test_the_working_folder_may_change_between_adding_and_logging(
    run: lading.Run, fill: Fill, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill("in", {"a": "1"})
    artifact = lading.Artifact("moved")
    artifact.add_file("in/a", "file")
    artifact.add_dir("in", "folder")
    monkeypatch.chdir(tmp_path)

    run.log_artifact(artifact)

    assert artifact.file_count == 2


def test_what_made_a_log_fail_may_be_mended_and_logged_again(run: lading.Run, fill: Fill) -> None:
    folder = fill("in", {"a": "1"})
    artifact = lading.Artifact("mended")
    artifact.add_file(folder / "a")
    (folder / "a").write_text("22")
    with pytest.raises(FileChangedError):
        run.log_artifact(artifact)

    artifact.add_file(folder / "a", overwrite=True)
    run.log_artifact(artifact)

    assert (artifact.version, artifact.size) == ("v0", 2)


def test_a_receipt_that_cannot_be_written_fails_no_log(
    run: lading.Run, fill: Fill, home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    in_the_way = home / "store/versions/me/p"
    in_the_way.parent.mkdir(parents=True)
    in_the_way.write_text("a file where folders belong")
    artifact = lading.Artifact("ds")
    artifact.add_dir(fill("in", {"a": "1"}))

    run.log_artifact(artifact)

    assert artifact.version == "v0"
    assert "its receipt could not be written" in caplog.text
    in_the_way.unlink()
    again = lading.Artifact("ds")
    again.add_dir(fill("in", {"a": "1"}))
    run.log_artifact(again)
    assert (in_the_way / "ds/v0.json").is_file()
