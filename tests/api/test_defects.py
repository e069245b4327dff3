"""What W&B's client does wrong (SEMANTICS 5: "Its defects: each is a test of ours"), and what happens here instead."""

import itertools
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import lading
from lading.api.portal import blocking
from lading.api.settings import load_settings
from lading.api.workspace import Workspace, open_workspace
from lading.errors import DigestMismatchError, LadingError, StoreError
from lading.testing.http_faults import ALWAYS, Cut, Fault, Flip, Short, Status, Whole
from lading.testing.sites import Site, s3_site
from lading.testing.trees import read_tree, seeded
from lading.transfer import hashing
from lading.transfer.scheduler import Retry

Make = Callable[..., lading.Artifact]
LARGE = (16 << 20) + 5  # two parts


@pytest.fixture
def site(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A bucket, which is the store."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    with s3_site() as site:
        monkeypatch.setenv("LADING_STORE", site.url)
        yield site


@pytest.fixture
def workspace(site: Site) -> Workspace:
    opened = blocking(open_workspace)(load_settings())
    opened.engine.retry = Retry(base=0.01)
    return opened


@pytest.fixture
def run(workspace: Workspace) -> Iterator[lading.Run]:
    with lading.init(project="p") as run:
        yield run


def objects_fail(site: Site, fault: Fault, times: int = ALWAYS) -> None:
    site.front.fail(fault, method="GET", about="/p/objects/", times=times)


def objects_asked(site: Site) -> int:
    return sum(seen.method == "GET" and "/p/objects/" in seen.target for seen in site.front.seen)


@pytest.mark.parametrize("fault", [Flip(), Short()])
def test_wrong_bytes_are_refused_and_once_the_store_has_healed_all_is_right(site: Site, dataset: Make, fault: Fault) -> None:
    """SEMANTICS 5, defect 1: "wrong bytes of right size → accepted; … second download and downloads to other roots return the
    bad bytes even after the server healed. … Truncated body with consistent Content-Length likewise accepted"; 3 (#1716): "large
    downloads truncated"."""
    artifact = dataset({"a": "right"})
    objects_fail(site, fault)

    with pytest.raises(LadingError) as caught:
        artifact.download("one")

    assert isinstance(caught.value, DigestMismatchError | StoreError)
    assert read_tree(Path("one")) == {}
    site.front.mend()
    for root in ("one", "two"):
        assert read_tree(Path(artifact.download(root))) == {"a": b"right"}


def test_a_local_change_of_equal_size_does_not_stay(site: Site, dataset: Make) -> None:
    """SEMANTICS 5, defect 3: "`download(skip_cache=True)` over a locally modified file of equal size does not restore it"; 3
    (#12382): "size-only cache hit returns wrong/old content"."""
    artifact = dataset({"a": "right"})
    root = Path(artifact.download())
    (root / "a").write_text("wrong")

    artifact.download(skip_cache=True)

    assert read_tree(root) == {"a": b"right"}


def test_files_of_artifacts_that_are_downloaded_at_once_do_not_mix(home: Path, tmp_path: Path) -> None:
    """SEMANTICS 5, defect 2: "yields **a's bytes** in b"; defect 4: "2 of 300 files wrong/missing with
    `sys.setswitchinterval(1e-6)`"."""
    threads: list[threading.Thread] = []
    with lading.init(project="p") as run:
        for name in ("a", "b"):
            artifact = lading.Artifact(name, "dataset")
            for number in range(150):
                with artifact.new_file(f"{number}") as file:
                    file.write(f"{name}{number:05}")
            run.log_artifact(artifact)
            threads.append(threading.Thread(target=artifact.download, args=(tmp_path / name, False, True)))
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)

    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)

    for name in ("a", "b"):
        assert read_tree(tmp_path / name) == {f"{number}": f"{name}{number:05}".encode() for number in range(150)}


def test_a_whole_object_in_place_of_a_part_is_refused(site: Site, dataset: Make) -> None:
    """SEMANTICS 5, defect 5: "multipart with a server that ignores Range (200) writes a corrupt, longer file silently"."""
    content = seeded(LARGE)
    artifact = dataset({"big": content})
    objects_fail(site, Whole(content))

    with pytest.raises(StoreError, match="in place of"):
        artifact.download("one", multipart=True)

    assert read_tree(Path("one")) == {}
    site.front.mend()
    assert read_tree(Path(artifact.download("one"))) == {"big": content}


@pytest.mark.parametrize("fault", [Cut(3), Cut(3, reset=True), Status(503)])
def test_a_connection_that_breaks_in_the_middle_is_made_anew(site: Site, dataset: Make, fault: Fault) -> None:
    """SEMANTICS 5, defect 6: "Connection dropped mid-body: no retry, no resume; whole download() fails after 1 request"."""
    artifact = dataset({"a": "right", "b": "good"})
    objects_fail(site, fault, times=2)

    root = artifact.download()

    assert read_tree(Path(root)) == {"a": b"right", "b": b"good"}
    assert site.front.unused == []


def test_only_what_starts_with_the_prefix_is_asked_for(site: Site, dataset: Make) -> None:
    """SEMANTICS 5: "URL list of all files fetched even for one path_prefix"."""
    artifact = dataset({f"{letter}/{number}": f"{letter}{number}" for letter in "ab" for number in range(5)})

    artifact.download(path_prefix="a/3")

    assert objects_asked(site) == 1


def test_where_all_is_there_already_no_content_is_asked_for(site: Site, dataset: Make) -> None:
    """SEMANTICS 5: "needs network even if all is in cache"; 3 (#7006): "*cached* download slow", (#3140): "re-downloads
    everything again and again", (#9631): "impossible offline"."""
    artifact = dataset({"a": "1", "b": "2"})
    root = Path(artifact.download())
    site.front.fail(Status(503), times=ALWAYS)

    artifact.download()

    assert read_tree(root) == {"a": b"1", "b": b"2"}


def test_lanes_verify_at_the_same_time(site: Site, dataset: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """SEMANTICS 5: "verify sequential"."""
    artifact = dataset({"big": seeded(LARGE)})
    root = artifact.download()
    calls, both, met = itertools.count(), threading.Barrier(2), list[int]()
    hash_leaf = vars(hashing)["_hash_leaf"]

    def together(*args: Any) -> bytes:
        if next(calls) < 2:
            met.append(both.wait(60))  # raises where no other lane comes
        return bytes(hash_leaf(*args))

    monkeypatch.setattr(hashing, "_hash_leaf", together)

    artifact.verify(root)

    assert set(met) == {0, 1}


def test_small_files_cost_a_request_each_and_five_for_the_version(
    site: Site, run: lading.Run, dataset: Make, fill: Callable[..., Path]
) -> None:
    """SEMANTICS 3 (#9730): "finish slow: 21 s for 8 files of 32 kB"."""
    dataset({"a": "1"}, name="first")  # makes the store this catalogue's
    artifact = lading.Artifact("ds", "dataset")
    artifact.add_dir(fill("in", {f"{number}": seeded(32_000, number) for number in range(8)}))
    before = len(site.front.seen)

    run.log_artifact(artifact)
    run.finish()

    assert len(site.front.seen) - before == 8 + 5  # whose store is it (2), a page, the index, the receipt


def test_nothing_is_staged(site: Site, run: lading.Run, home: Path, fill: Callable[..., Path]) -> None:
    """SEMANTICS 5: "staging doubles disk"; 3 (#3823, #2958, #7673): "needs 2× disk space", "staging 70 GB never cleaned"."""
    folder = fill("in", {"big": seeded(4 << 20)})
    artifact = lading.Artifact("ds", "dataset")

    artifact.add_dir(folder)
    between = used(home)
    run.log_artifact(artifact)

    assert max(between, used(home)) < 1 << 20


def used(folder: Path) -> int:
    """Bytes of all files below it."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
