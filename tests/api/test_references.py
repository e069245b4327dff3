"""References: added from everywhere, followed back, and refused where strangers made them."""

import base64
import hashlib
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import lading
from lading.api import active_run
from lading.errors import (
    ArtifactFinalizedError,
    DigestMismatchError,
    EntryNotFoundError,
    InvalidValueError,
    NotFoundError,
    StoreDeniedError,
    UsageError,
)
from lading.testing.http_server import HttpServer

Make = Callable[..., lading.Artifact]


@pytest.fixture
def web() -> Iterator[HttpServer]:
    with HttpServer({"/file1.txt": b"hello", "/big.bin": bytes(range(256)) * 80_000}) as server:
        yield server


def logged(artifact: lading.Artifact) -> lading.Artifact:
    run = active_run()
    assert run is not None
    return run.log_artifact(artifact).wait()


# -- http -------------------------------------------------------------------------------------------------------------
def test_a_web_address(run: lading.Run, web: HttpServer) -> None:
    """Seed 000, `add_reference("http://myserver.com/file.txt")`: to the root. SEMANTICS 2.3: digest the ETag unquoted, extra
    etag with quotes, name the last of the path, size Content-Length."""
    artifact = lading.Artifact("web", "dataset")

    (entry,) = artifact.add_reference(f"{web.url}/file1.txt")

    assert [each.method for each in web.seen] == ["HEAD"]
    etag = entry.extra["etag"]
    assert (entry.path, entry.size, entry.ref, f'"{entry.digest}"') == ("file1.txt", 5, f"{web.url}/file1.txt", etag)
    path = logged(artifact).download()
    assert Path(path, "file1.txt").read_bytes() == b"hello"


@pytest.mark.parametrize(("etag", "digest"), [('"abc"', "48237ccc050a88af9dcd869dd5a7e9f4")])
def test_w_and_bs_digest_of_a_web_reference(home: Path, monkeypatch: pytest.MonkeyPatch, etag: str, digest: str) -> None:
    """SEMANTICS 2.1: http ref file1.txt, ETag "abc"."""

    def tag(data: bytes) -> str:
        return etag

    monkeypatch.setattr("lading.testing.http_server.etag_of", tag)
    artifact = lading.Artifact("web", "dataset", digest_algorithm="MD5")

    with HttpServer({"/file1.txt": b"hello"}) as server:
        artifact.add_reference(f"{server.url}/file1.txt")

    assert artifact.digest == digest


def test_a_large_file_comes_in_parts(run: lading.Run, web: HttpServer, tmp_path: Path) -> None:
    artifact = lading.Artifact("web", "dataset")
    artifact.add_reference(f"{web.url}/big.bin", name="data/big.bin")

    logged(artifact).download(tmp_path)

    assert (tmp_path / "data/big.bin").read_bytes() == web.objects["/big.bin"]
    assert sum(each.method == "GET" for each in web.seen) > 1


def test_a_web_file_that_was_replaced_is_refused(run: lading.Run, web: HttpServer) -> None:
    """SEMANTICS 2.3: `ValueError Digest mismatch for url`."""
    artifact = lading.Artifact("web", "dataset")
    artifact.add_reference(f"{web.url}/file1.txt")
    logged(artifact)
    web.objects["/file1.txt"] = b"other"

    with pytest.raises(ValueError, match="Digest mismatch for http"):
        artifact.download(allow_missing_references=True)
    assert not Path("artifacts/web:v0/file1.txt").exists()


def test_a_missing_web_file_is_an_error_or_skipped(run: lading.Run, web: HttpServer, caplog: pytest.LogCaptureFixture) -> None:
    """SEMANTICS 2.3: allow_missing_references swallows only FileNotFoundError."""
    artifact = lading.Artifact("web", "dataset")
    artifact.add_reference(f"{web.url}/file1.txt")
    artifact.add_reference(f"{web.url}/big.bin")
    logged(artifact)
    del web.objects["/file1.txt"]

    with pytest.raises(FileNotFoundError, match=r"file1\.txt.*\n.*allow_missing_references"):
        artifact.download()
    with caplog.at_level(logging.WARNING, "lading"):
        path = artifact.download(allow_missing_references=True)

    assert "file1.txt is missing, and left out" in caplog.text
    assert [each.name for each in Path(path).iterdir()] == ["big.bin"]


def test_what_is_not_there_cannot_be_added(home: Path, web: HttpServer) -> None:
    artifact = lading.Artifact("web", "dataset")

    with pytest.raises(NotFoundError):
        artifact.add_reference(f"{web.url}/none")
    with pytest.raises(ValueError, match="no name of its own"):
        artifact.add_reference(f"{web.url}/", checksum=False)
    assert len(artifact.manifest.entries) == 0


def test_without_checksum_nothing_is_asked_and_it_can_be_downloaded(run: lading.Run, web: HttpServer) -> None:
    """SEMANTICS 2.3: `checksum=False`: one entry, digest = ref = URI, no network; 3 (#2859): of these, too, the bytes come."""
    artifact = lading.Artifact("web", "dataset")

    (entry,) = artifact.add_reference(f"{web.url}/file1.txt", checksum=False)

    assert web.seen == []
    assert (entry.digest, entry.ref, entry.size) == (f"{web.url}/file1.txt", f"{web.url}/file1.txt", None)
    assert Path(logged(artifact).get_entry("file1.txt").download()).read_bytes() == b"hello"


# -- files ------------------------------------------------------------------------------------------------------------
def test_a_file_and_a_folder(run: lading.Run, fill: Callable[..., Path]) -> None:
    """SEMANTICS 2.3: name = basename, or relative; digest of the content."""
    root = fill("data", {"a.txt": "a", "deep/b c#1%.txt": "bb"})
    artifact = lading.Artifact("files", "dataset")
    plain = lading.Artifact("plain", "dataset")

    (single,) = artifact.add_reference(f"file://{root}/a.txt")
    several = artifact.add_reference(f"file://{root}", name="all")

    plain.add_dir(root)
    assert (single.path, single.size, single.ref) == ("a.txt", 1, f"file://{root}/a.txt")
    assert [each.path for each in several] == ["all/a.txt", "all/deep/b c#1%.txt"]
    assert [each.digest for each in several] == [
        plain.manifest.entries[path[4:]].digest for path in ("all/a.txt", "all/deep/b c#1%.txt")
    ]
    path = logged(artifact).download()
    assert Path(path, "all/deep/b c#1%.txt").read_text() == "bb"
    artifact.verify()  # SEMANTICS 2.6: references are skipped


def test_with_md5_the_digest_is_w_and_bs(home: Path, fill: Callable[..., Path]) -> None:
    """SEMANTICS 2.3: file: b64 md5 of the content; checksum=False: md5 of the file's URI."""
    root = fill("data", {"a.txt": "hello"})
    artifact = lading.Artifact("files", "dataset", digest_algorithm="MD5")

    (read,) = artifact.add_reference(f"file://{root}/a.txt")
    (unread,) = artifact.add_reference(f"file://{root}/a.txt", name="b.txt", checksum=False)

    assert read.digest == "XUFAKrxLKna5cZ2REBfFkg=="
    assert unread.digest == base64.b64encode(hashlib.md5(f"file://{root}/a.txt".encode()).digest()).decode()


@pytest.mark.parametrize("algorithm", ["BLAKE3", "SHA256", "MD5"])
def test_a_file_that_changed_is_refused(run: lading.Run, fill: Callable[..., Path], algorithm: str) -> None:
    root = fill("data", {"a.txt": "hello"})
    artifact = lading.Artifact("files", "dataset", digest_algorithm=algorithm)
    artifact.add_reference(f"file://{root}/a.txt")
    artifact.add_reference(f"file://{root}/a.txt", name="unchecked", checksum=False)
    logged(artifact).download()
    (root / "a.txt").write_text("hallo")

    with pytest.raises(DigestMismatchError):
        artifact.get_entry("a.txt").download()
    assert Path(artifact.get_entry("unchecked").download()).read_text() == "hallo"


def test_more_than_max_objects_is_an_error_and_adds_nothing(home: Path, fill: Callable[..., Path]) -> None:
    """SEMANTICS 2.3: ValueError when > max_objects; 5.7: never truncated silently."""
    root = fill("data", {name: name for name in "abc"})
    artifact = lading.Artifact("files", "dataset")

    with pytest.raises(ValueError, match="Exceeded 2 objects tracked"):
        artifact.add_reference(f"file://{root}", max_objects=2)

    assert len(artifact.manifest.entries) == 0
    assert len(artifact.add_reference(f"file://{root}", max_objects=3)) == 3


@pytest.mark.parametrize("missing", ["nothing", "empty"])
def test_a_missing_folder_is_an_error(home: Path, fill: Callable[..., Path], missing: str) -> None:
    root = fill("data", {})
    (root / "empty").mkdir()

    with pytest.raises(FileNotFoundError):
        lading.Artifact("files", "dataset").add_reference(f"file://{root}/{missing}")


# -- other schemes ----------------------------------------------------------------------------------------------------
def test_another_scheme_is_its_uri(run: lading.Run, caplog: pytest.LogCaptureFixture) -> None:
    """SEMANTICS 2.1: unknown scheme, golden digest; 2.3: digest the URI, a name is required, not downloadable, warns."""
    artifact = lading.Artifact("other", "dataset", digest_algorithm="MD5")

    with pytest.raises(ValueError, match="no name of its own"):
        artifact.add_reference("ref://example.com/somefile.txt")
    (entry,) = artifact.add_reference("ref://example.com/somefile.txt", name="ref")

    assert (entry.digest, entry.size, entry.extra) == ("ref://example.com/somefile.txt", None, {})
    assert artifact.digest == "410ade94865e89ebe1f593f4379ac228"
    with caplog.at_level(logging.WARNING, "lading"):
        logged(artifact).download()
    assert "ref is a reference to ref://example.com/somefile.txt, which cannot be downloaded" in caplog.text
    with pytest.raises(UsageError, match="cannot be downloaded"):
        artifact.get_entry("ref").download()


def test_what_has_no_scheme_is_refused(home: Path) -> None:
    """SEMANTICS 1.1: ValueError without scheme."""
    with pytest.raises(ValueError, match="References must be URIs"):
        lading.Artifact("other", "dataset").add_reference("data/a.txt")


def test_a_finalized_artifact_takes_none(home: Path) -> None:
    """Seed 000, `add_reference`: Raises ArtifactFinalizedError."""
    artifact = lading.Artifact("other", "dataset")
    artifact.finalize()

    with pytest.raises(ArtifactFinalizedError):
        artifact.add_reference("ref://a/b", name="ref")


def test_the_same_path_twice(home: Path) -> None:
    """SEMANTICS 2.4: the same digest is a no-op, another a ValueError."""
    artifact = lading.Artifact("other", "dataset")
    artifact.add_reference("ref://a/b", name="ref")
    artifact.add_reference("ref://a/b", name="ref")

    with pytest.raises(InvalidValueError, match="same path twice"):
        artifact.add_reference("ref://a/c", name="ref")


# -- entries of other artifacts ---------------------------------------------------------------------------------------
def test_an_entry_of_another_artifact(run: lading.Run, dataset: Make) -> None:
    """Seed 000: what get_path returns may be added; SEMANTICS 2.3: digest copied, size 0, name or path."""
    first = dataset({"a/x.txt": "hello"}, "first").wait()
    second = lading.Artifact("second", "dataset")

    (entry,) = second.add_reference(first.get_path("a/x.txt"))
    (named,) = second.add_reference(first.get_path("a/x.txt").ref_url(), name="y.txt")

    assert (entry.path, named.path, entry.size) == ("a/x.txt", "y.txt", 0)
    assert entry.digest == first.get_path("a/x.txt").digest
    assert entry.ref == named.ref == f"lading-artifact://{first.id}/a/x.txt"
    assert Path(logged(second).get_entry("y.txt").download()).read_text() == "hello"


def test_a_reference_to_a_reference_is_to_what_is_meant_in_the_end(run: lading.Run, web: HttpServer) -> None:
    """SEMANTICS 2.3: resolved recursively to the concrete entry."""
    first, second, third = (lading.Artifact(name, "dataset") for name in ("first", "second", "third"))
    first.add_reference(f"{web.url}/file1.txt")
    second.add_reference(logged(first).get_entry("file1.txt"))

    (entry,) = third.add_reference(logged(second).get_entry("file1.txt"))

    assert entry.ref == f"lading-artifact://{first.id}/file1.txt"
    assert Path(logged(third).download(), "file1.txt").read_bytes() == b"hello"


def test_an_entry_that_is_not_there(run: lading.Run, dataset: Make) -> None:
    first = dataset({"a": "1"}, "first").wait()

    with pytest.raises(EntryNotFoundError):
        lading.Artifact("second", "dataset").add_reference(f"lading-artifact://{first.id}/b")


# -- into a run, into async code --------------------------------------------------------------------------------------
def test_a_run_logs_a_reference(run: lading.Run, web: HttpServer) -> None:
    """SEMANTICS 1.2: file, dir or "scheme://" reference."""
    artifact = run.log_artifact(f"{web.url}/file1.txt", "linked").wait()

    assert artifact.get_entry("file1.txt").ref == f"{web.url}/file1.txt"


async def test_in_async_code(home: Path, web: HttpServer) -> None:
    artifact = lading.Artifact("web", "dataset")

    (entry,) = await artifact.add_reference_async(f"{web.url}/file1.txt")

    assert entry.size == 5


def test_checkout_follows_references_and_removes_the_rest(run: lading.Run, web: HttpServer) -> None:
    artifact = lading.Artifact("web", "dataset")
    artifact.add_reference(f"{web.url}/file1.txt")
    logged(artifact)
    Path("there").mkdir()
    Path("there/stranger").write_text("x")

    artifact.checkout("there")

    assert [each.name for each in Path("there").iterdir()] == ["file1.txt"]


# -- strangers --------------------------------------------------------------------------------------------------------
@pytest.fixture
def stranger(web: HttpServer, fill: Callable[..., Path], home: Path) -> Callable[[str], lading.Artifact]:
    """An artifact of another entity with one reference."""

    def make(uri: str) -> lading.Artifact:
        with lading.init(entity="them", project="p") as run:
            artifact = lading.Artifact("bait", "dataset")
            artifact.add_reference(uri, name="file", checksum=False)
            run.log_artifact(artifact).wait()
        return lading.Api().artifact("them/p/bait:latest")

    return make


def test_files_of_strangers_are_not_followed(stranger: Callable[[str], lading.Artifact], fill: Callable[..., Path]) -> None:
    """DESIGN 5, Trust: `file:` and private addresses from another entity's version only with `allow_local_references=True`."""
    secret = fill("data", {"secret": "key"}) / "secret"
    artifact = stranger(f"file://{secret}")

    with pytest.raises(StoreDeniedError, match=r"file of this machine\n.*allow_local_references=True"):
        artifact.download()
    with pytest.raises(StoreDeniedError):
        artifact.get_entry("file").download()
    with pytest.raises(StoreDeniedError):
        artifact.checkout("elsewhere")
    assert Path(artifact.download(allow_local_references=True), "file").read_text() == "key"
    assert Path(artifact.get_entry("file").download("again", allow_local_references=True)).read_text() == "key"


def test_addresses_of_strangers_are_not_asked(stranger: Callable[[str], lading.Artifact], web: HttpServer) -> None:
    artifact = stranger(f"{web.url}/file1.txt")

    with pytest.raises(StoreDeniedError, match=r"127\.0\.0\.1"):
        artifact.download(allow_missing_references=True)
    assert web.seen == []
    assert Path(artifact.download(allow_local_references=True), "file").read_bytes() == b"hello"


def test_a_reference_to_a_strangers_reference_is_no_better(stranger: Callable[[str], lading.Artifact], web: HttpServer) -> None:
    theirs = stranger(f"{web.url}/file1.txt")
    with lading.init(project="p"):
        mine = lading.Artifact("mine", "dataset")
        mine.add_reference(theirs.get_entry("file"))
        logged(mine)

    with pytest.raises(StoreDeniedError):
        mine.download()


def test_what_a_stranger_refers_to_does_not_become_ones_own(
    stranger: Callable[[str], lading.Artifact], fill: Callable[..., Path]
) -> None:
    """DESIGN 5, Trust: references are authorised at commit."""
    theirs = stranger(f"file://{fill('data', {'secret': 'key'})}/secret")
    draft = theirs.new_draft()

    with lading.init(project="p") as run, pytest.raises(StoreDeniedError, match="bait"):
        run.log_artifact(draft).wait()


def test_a_reference_to_what_is_gone_is_not_committed(run: lading.Run, dataset: Make) -> None:
    first = dataset({"a": "1"}, "first").wait()
    second = lading.Artifact("second", "dataset")
    second.add_reference(first.get_entry("a"))
    first.delete(delete_aliases=True)

    with pytest.raises(EntryNotFoundError):
        run.log_artifact(second).wait()
