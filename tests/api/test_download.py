"""Downloads: what is written, kept, refused."""

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import lading
from lading.api.portal import blocking
from lading.api.workspace import Workspace
from lading.errors import (
    DigestMismatchError,
    DiskFullError,
    InvalidValueError,
    LocalFileError,
    NotFoundError,
    StoreUnavailableError,
)
from lading.store.store import Store
from lading.testing.wrappers import FaultyStore, SlowStore, TracedStore
from lading.transfer.scheduler import Retry

from .conftest import key_of, tree

Make = Callable[..., lading.Artifact]
Fill = Callable[..., Path]
Stored = Callable[..., dict[str, int]]


# -- download ---------------------------------------------------------------------------------------------------------------


def test_a_download_is_the_artifact_in_a_folder_of_its_name(dataset: Make, tmp_path: Path) -> None:
    """SEMANTICS 2.6: `abspath(ARTIFACT_DIR or ./artifacts)/name:vN`; seed 000: the path is returned."""
    artifact = dataset({"a.txt": "hello", "sub/b": b"\x00" * 10, "empty": ""})

    root = artifact.download()

    assert root == str(tmp_path / "work/artifacts/ds:v0")
    assert tree(Path(root)) == {"a.txt": b"hello", "empty": b"", "sub/b": b"\x00" * 10}
    assert artifact.verify() is None


def test_the_folder_of_downloads_is_a_setting(
    dataset: Make, run: lading.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DESIGN 3, LADING_ARTIFACT_DIR."""
    dataset({"a": "1"})
    run.finish()
    monkeypatch.setenv("LADING_ARTIFACT_DIR", str(tmp_path / "elsewhere"))

    assert lading.Api().artifact("p/ds").download() == str(tmp_path / "elsewhere/ds:v0")


def test_a_root_is_made_and_its_absolute_path_returned(dataset: Make, tmp_path: Path) -> None:
    artifact = dataset({"a": "1"})

    assert artifact.download("deep/er") == artifact.download(Path("deep/er")) == str(tmp_path / "work/deep/er")


def test_other_files_stay_and_right_ones_are_not_written_again(dataset: Make, fill: Fill) -> None:
    """Seed 000, "download": existing files in root stay; SEMANTICS 2.6."""
    artifact = dataset({"a": "1", "b": "2", "c": "3"})
    root = fill("out", {"mine": "x", "sub/mine": "y", "b": "other", "c": "x"})
    artifact.download(root)
    inodes = {path: path.stat().st_ino for path in root.iterdir()}

    artifact.download(root)

    assert {path: path.stat().st_ino for path in root.iterdir()} == inodes
    assert tree(root) == {"a": b"1", "b": b"2", "c": b"3", "mine": b"x", "sub/mine": b"y"}


def test_a_right_file_that_was_there_before_is_kept(dataset: Make, fill: Fill) -> None:
    root = fill("out", {"a": "1"})
    inode = (root / "a").stat().st_ino

    dataset({"a": "1"}).download(root)

    assert (root / "a").stat().st_ino == inode


def test_a_change_of_equal_size_is_found(dataset: Make, tmp_path: Path) -> None:
    """SEMANTICS 5.3: `download(skip_cache=True)` over a modified file of equal size does not restore it there."""
    artifact = dataset({"a": "1"})
    root = Path(artifact.download())
    stamp = (root / "a").stat()
    (root / "a").write_text("2")
    os.utime(root / "a", ns=(stamp.st_atime_ns, stamp.st_mtime_ns))

    artifact.download(rehash=True)

    assert tree(root) == {"a": b"1"}


def test_a_link_in_place_of_a_file_is_replaced_and_not_followed(dataset: Make, fill: Fill) -> None:
    artifact = dataset({"a": "1", "b": "2"})
    other = fill("other", {"precious": "1", "also": "x"})
    root = fill("out", {})
    (root / "a").symlink_to(other / "precious")
    (root / "b").symlink_to(other / "also")

    artifact.download(root)

    assert tree(other) == {"also": b"x", "precious": b"1"}
    assert not (root / "a").is_symlink()
    assert tree(root) == {"a": b"1", "b": b"2"}


def test_a_link_in_place_of_a_folder_is_refused(dataset: Make, fill: Fill) -> None:
    artifact = dataset({"sub/a": "1"})
    other, root = fill("other", {}), fill("out", {})
    (root / "sub").symlink_to(other)

    with pytest.raises(LocalFileError, match="link or a file where a folder belongs"):
        artifact.download(root)
    assert list(other.iterdir()) == []


def test_a_file_in_place_of_a_folder_and_a_folder_in_place_of_a_file_are_refused(dataset: Make, fill: Fill) -> None:
    artifact = dataset({"sub/a": "1", "b": "2"})

    with pytest.raises(LocalFileError, match="where a folder belongs"):
        artifact.download(fill("one", {"sub": "x"}))
    with pytest.raises(LocalFileError, match="folder where the artifact has a file"):
        artifact.download(fill("two", {"b/c": "x"}))


def test_a_prefix_takes_a_file_a_folder_or_whatever_starts_with_it(dataset: Make, tmp_path: Path) -> None:
    """Seed 003, `path_prefix`; SEMANTICS 2.6: plain `startswith`."""
    dataset({"bike.png": "1", "images/bikes/a": "2", "images/bikes-two": "3", "images/cars/b": "4"})

    def below(prefix: str) -> list[str]:
        root = tmp_path / "out"
        shutil.rmtree(root, ignore_errors=True)
        lading.Api().artifact("p/ds").download(root, path_prefix=prefix)
        return sorted(tree(root))

    assert below("bike.png") == ["bike.png"]
    assert below("images/bikes/") == ["images/bikes/a"]
    assert below("images/bikes") == ["images/bikes-two", "images/bikes/a"]
    assert below("nothing") == []


def test_older_arguments_are_accepted(dataset: Make, tmp_path: Path) -> None:
    """Seed 000, `download(root=None, recursive=False)`; SEMANTICS 1.1."""
    artifact = dataset({"a": "1"})

    artifact.download(recursive=True, allow_missing_references=True, skip_cache=True, multipart=True)

    assert (tmp_path / "work/artifacts/ds:v0/a").read_text() == "1"


def test_progress_counts_what_moved_and_what_was_there(dataset: Make) -> None:
    artifact = dataset({"a": "1", "b": "22"})
    told: list[tuple[int, int, int]] = []

    artifact.download(progress=lambda now: told.append((now.files, now.files_done, now.files_reused)))
    first = told[-1]
    artifact.download(progress=lambda now: told.append((now.files, now.files_done, now.files_reused)))

    assert (first, told[-1]) == ((2, 2, 0), (2, 2, 2))


def test_a_download_is_the_only_copy_beside_the_store(dataset: Make, home: Path) -> None:
    """SEMANTICS 2.5: the cache there holds every file once more, believed by its size; here there is none."""
    content = os.urandom(100_000)
    dataset({"a": content}).download()

    assert [path for path in home.rglob("*") if path.is_file() and content[:1000] in path.read_bytes()] == [
        path for path in (home / "store" / "objects").rglob("*") if path.is_file()
    ]


def test_files_of_one_size_do_not_mix(run: lading.Run, tmp_path: Path) -> None:
    """SEMANTICS 5, defect 2: files of two artifacts of the same size never mix."""
    artifacts: list[lading.Artifact] = []
    for name in ("one", "two"):
        artifact = lading.Artifact(name, "dataset")
        with artifact.new_file("f") as file:
            file.write(name)
        artifacts.append(run.log_artifact(artifact))

    roots = [Path(artifact.download(tmp_path / artifact.name, skip_cache=True)) for artifact in artifacts]

    assert [(root / "f").read_text() for root in roots] == ["one", "two"]


def test_many_folders_and_large_files_arrive(run: lading.Run, fill: Fill) -> None:
    files: dict[str, str | bytes] = {f"d{number % 7}/{number}": os.urandom(number) for number in range(100)}
    files |= {"large": os.urandom((24 << 20) + 7), "leaf": os.urandom(8 << 20)}
    folder = fill("in", files)
    artifact = lading.Artifact("ds", "dataset")
    artifact.add_dir(folder)
    run.log_artifact(artifact)

    assert tree(Path(artifact.download())) == tree(folder)


# -- damage -----------------------------------------------------------------------------------------------------------------


def spoil(path: Path, how: str) -> None:
    path.chmod(0o600)
    if how == "bit":
        with path.open("r+b") as file:
            file.seek(-1, os.SEEK_END)
            last = file.read(1)[0]
            file.seek(-1, os.SEEK_END)
            file.write(bytes([last ^ 1]))
    elif how == "short":
        os.truncate(path, path.stat().st_size - 1)
    else:
        path.unlink()


@pytest.mark.parametrize("size", [3, (16 << 20) + 5])
@pytest.mark.parametrize("how", ["bit", "short", "gone"])
def test_a_damaged_object_is_named_kept_off_the_disk_forgotten_and_mended_by_the_next_log(
    run: lading.Run, fill: Fill, home: Path, workspace: Workspace, size: int, how: str
) -> None:
    """DESIGN 5 "Fetch": "the catalogue re-reads a reported object and forgets a bad one so that the next log sends it again"."""
    workspace.engine.retry = Retry(base=0.01)
    folder = fill("in", {"bad.bin": os.urandom(size), "good": "1"})
    artifact = lading.Artifact("ds", "dataset")
    artifact.add_dir(folder)
    run.log_artifact(artifact)
    before = artifact.updated_at
    spoil(home / "store" / key_of(artifact, "bad.bin"), how)

    with pytest.raises((DigestMismatchError, NotFoundError), match=r"bad\.bin|no such object"):
        artifact.download("out")
    left = [path for path in Path("out").rglob("*") if path.is_file() and path.name != "good"]
    assert left == []

    again = lading.Artifact("ds", "dataset")
    again.add_dir(folder)
    run.log_artifact(again)
    assert (again.version, again.id, again.updated_at) == ("v0", artifact.id, before)
    assert tree(Path(artifact.download("out"))) == tree(folder)
    artifact.verify("out")


def test_all_objects_that_are_gone_are_forgotten_at_once_and_the_first_is_named(
    run: lading.Run, fill: Fill, home: Path, workspace: Workspace
) -> None:
    """A log of the same folder after one failed download mends all of it."""
    workspace.engine.retry = Retry(base=0.01)
    folder = fill("in", {f"sub/{number}.bin": str(number) for number in range(5)})
    artifact = lading.Artifact("ds", "dataset")
    artifact.add_dir(folder)
    run.log_artifact(artifact)
    for number in (1, 2, 4):
        spoil(home / "store" / key_of(artifact, f"sub/{number}.bin"), "gone")

    with pytest.raises(NotFoundError, match=r"sub/[124]\.bin: objects/.*: no such object in") as caught:
        artifact.download("out")

    assert caught.value.path in ("sub/1.bin", "sub/2.bin", "sub/4.bin")
    assert caught.value.key == key_of(artifact, caught.value.path)
    assert "log the artifact again from a good copy (3 objects are gone)" in str(caught.value)
    again = lading.Artifact("ds", "dataset")
    again.add_dir(folder)
    run.log_artifact(again)
    assert tree(Path(artifact.download("out"))) == tree(folder)


def test_a_wrong_bit_on_the_way_is_fetched_again_and_the_object_stays_known(
    dataset: Make, workspace: Workspace, stored: Stored
) -> None:
    """DESIGN 5 "Fetch": "a bad leaf is fetched again alone, three times, then a named error"."""
    artifact = dataset({"a": "1", "big": os.urandom(17 << 20)})
    store, inner = FaultyStore(workspace.store), workspace.store
    workspace.engine.store, workspace.engine.retry = store, Retry(base=0.01)
    before = stored()
    store.flip(times=2, key="objects/")

    root = Path(artifact.download("out"))

    artifact.verify(root)
    assert not store.unused
    store.flip(times=20, key=key_of(artifact, "a"))
    with pytest.raises(DigestMismatchError, match="a: expected"):
        artifact.download("other")
    assert list(Path("other").glob("a")) == []
    workspace.engine.store = inner
    dataset({"a": "1", "big": (root / "big").read_bytes()})
    assert stored() == before  # it was a bad line, not a bad object


def test_a_store_that_is_away_for_a_moment_is_asked_again(dataset: Make, workspace: Workspace) -> None:
    artifact = dataset({"a": "1"})
    store = FaultyStore(workspace.store)
    workspace.engine.store, workspace.engine.retry = store, Retry(base=0.01)
    store.fail("read", StoreUnavailableError("503"), times=2, key="objects/")

    artifact.download()

    assert not store.unused


def test_what_is_here_already_is_copied_and_not_fetched(dataset: Make, workspace: Workspace, tmp_path: Path) -> None:
    """DESIGN 5, "the on-disk index": equal files are copied, not fetched, where the store is far away."""
    artifact = dataset({"a": "1" * 1000, "b": "1" * 1000})
    artifact.download("one")
    store = TracedStore(SlowStore(workspace.store))
    workspace.engine.store = store

    artifact.download("two")

    assert tree(Path("two")) == tree(Path("one"))
    assert store.ranges("objects/") == []


# -- disks that are full, read-only, gone ----------------------------------------------------------------------------------------


def test_a_full_disk_is_named_and_nothing_half_written_is_left(dataset: Make, small_disk: Path) -> None:
    """SEMANTICS 2.5: "`OSError(ENOSPC, …)`" when the disk is short."""
    small = {f"s{number:02}": os.urandom(1 << 20) for number in range(10)}
    artifact, large = dataset(small), dataset({"large": os.urandom(9 << 20)}, "large")

    for each in (artifact, large):
        root = small_disk / each.name
        with pytest.raises(DiskFullError, match="the disk is full") as caught:
            each.download(root)
        assert (isinstance(caught.value, OSError), caught.value.errno) == (True, errno.ENOSPC)
        arrived = tree(root)
        assert arrived == {path: small[path] for path in arrived}  # whole files only
        shutil.rmtree(root)


def test_a_place_that_cannot_be_made_is_named(dataset: Make, fill: Fill) -> None:
    artifact = dataset({"a": "1"})
    root = fill("in", {"file": "x"})

    with pytest.raises(LocalFileError, match="in/file"):
        artifact.download(root / "file" / "below")


def test_a_case_clash_is_refused_where_the_file_system_ignores_case(dataset: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """DESIGN 4: "refused by name only where a destination cannot hold both"; the file system is told, not there."""
    from lading.api import download

    artifact = dataset({"Readme": "1", "README": "2"})
    artifact.download("both")
    monkeypatch.setattr(download, "_ignores_case", bool)

    with pytest.raises(LocalFileError, match=r"cannot hold both 'README' and 'Readme'|cannot hold both 'Readme' and 'README'"):
        artifact.download("one")
    assert not Path("one").exists()


def test_case_is_told_apart_here(tmp_path: Path) -> None:
    from lading.api.download import _ignores_case  # pyright: ignore[reportPrivateUsage]

    assert not _ignores_case(str(tmp_path / "not" / "there" / "yet"))


def test_a_store_may_be_given_away(dataset: Make, home: Path, workspace: Workspace) -> None:
    """An artifact whose document is not in the store says which store was asked."""
    dataset({"a": "1"})
    shutil.rmtree(home / "store" / "manifests")

    with pytest.raises(ValueError, match=f"the manifest of me/p/ds:v0 is not in {workspace.store.url}") as caught:
        lading.Api().artifact("p/ds").download()
    assert "LADING_STORE" in str(caught.value)


async def _close(store: Store) -> None:
    await store.close()


def test_closing_a_store_twice_does_no_harm(workspace: Workspace) -> None:
    blocking(_close)(workspace.store)
    blocking(_close)(workspace.store)
    with pytest.raises(InvalidValueError):
        lading.Artifact("a/b")
