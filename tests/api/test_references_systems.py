"""References through fsspec, through handlers of other packages, and in values."""

import logging
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from importlib import import_module
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

import lading
from lading.api.portal import blocking
from lading.api.references import registry
from lading.api.references.files import Files
from lading.api.references.handler import Context
from lading.api.references.systems import System
from lading.api.workspace import Workspace
from lading.errors import DigestMismatchError, StoreDeniedError
from lading.manifest.digest import Label
from lading.testing.s3_server import S3Server


@pytest.fixture
def memory() -> Iterator[Any]:
    fsspec: Any = import_module("fsspec")
    system = fsspec.filesystem("memory")
    system.pipe({"/data/a.txt": b"a", "/data/deep/b.txt": b"bb", "/data/big": bytes(range(256)) * 80_000})
    yield system
    system.rm("/data", recursive=True)


def test_a_file_and_a_folder_of_any_file_system(run: lading.Run, memory: Any, tmp_path: Path) -> None:
    """Point 1 of the API: `az://`, `hf://` or anything fsspec knows."""
    artifact = lading.Artifact("fs", "dataset")

    (single,) = artifact.add_reference("memory://data/a.txt")
    several = artifact.add_reference("memory://data", name="all")

    assert (single.path, single.size, single.ref) == ("a.txt", 1, "memory://data/a.txt")
    assert sorted(each.path for each in several) == ["all/a.txt", "all/big", "all/deep/b.txt"]
    run.log_artifact(artifact).wait().download(tmp_path / "there")
    assert (tmp_path / "there/all/deep/b.txt").read_text() == "bb"
    assert (tmp_path / "there/all/big").read_bytes() == bytes(range(256)) * 80_000


def test_what_changed_is_refused_and_what_is_gone_is_skipped(
    run: lading.Run, memory: Any, caplog: pytest.LogCaptureFixture
) -> None:
    artifact = lading.Artifact("fs", "dataset")
    artifact.add_reference("memory://data/a.txt")
    run.log_artifact(artifact).wait()

    memory.pipe({"/data/a.txt": b"b"})
    with pytest.raises(DigestMismatchError, match="memory://data/a"):
        artifact.download()
    memory.rm("/data/a.txt")
    with pytest.raises(FileNotFoundError):
        artifact.download()
    with caplog.at_level(logging.WARNING, "lading"):
        artifact.download(allow_missing_references=True)
    assert "left out" in caplog.text


def test_a_folder_that_is_not_there(home: Path, memory: Any) -> None:
    with pytest.raises(FileNotFoundError):
        lading.Artifact("fs", "dataset").add_reference("memory://data/none")


def test_strangers_may_not_choose_a_file_system(home: Path, memory: Any) -> None:
    with lading.init(entity="them", project="p") as run:
        artifact = lading.Artifact("bait", "dataset")
        artifact.add_reference("memory://data/a.txt")
        run.log_artifact(artifact).wait()

    with pytest.raises(StoreDeniedError, match="private network"):
        lading.Api().artifact("them/p/bait:latest").download()


@pytest.mark.parametrize(
    ("uri", "public"),
    [
        ("az://container/a", True),
        ("hf://datasets/who/what/a", True),
        ("abfs://container@account.dfs.core.windows.net/a", True),
        ("abfs://container@account.dfs.example.com/a", False),
        ("sftp://host/a", False),
        ("smb://host/a", False),
    ],
)
def test_which_services_are_public(workspace: Workspace, uri: str, public: bool) -> None:
    system = System(uri.partition(":")[0], object, Context(workspace.engine, Label.BLAKE3))

    with nullcontext() if public else pytest.raises(StoreDeniedError):
        blocking(system.check_public)(uri)


@pytest.mark.parametrize("scheme", ["local", "simplecache", "nobody-knows-it"])
def test_what_only_wraps_another_system_is_no_scheme_of_ours(home: Path, scheme: str, fill: Callable[..., Path]) -> None:
    path = fill("data", {"a": "1"}) / "a"

    (entry,) = lading.Artifact("fs", "dataset").add_reference(f"{scheme}://{path}", name="a")

    assert entry.digest == entry.ref == f"{scheme}://{path}"


def test_another_package_brings_its_handler(home: Path, monkeypatch: pytest.MonkeyPatch, fill: Callable[..., Path]) -> None:
    """Point 1 of the API: handlers are an interface with an entry-point group, `lading.references`."""
    root = fill("data", {"a": "1"})

    def points(group: str, name: str) -> list[EntryPoint]:
        return [Point(name, "elsewhere:Shares", group)] if (group, name) == ("lading.references", "share") else []

    monkeypatch.setattr(registry, "entry_points", points)

    (entry,) = lading.Artifact("fs", "dataset").add_reference(f"share://{root}/a")

    assert (entry.path, entry.size, entry.ref) == ("a", 1, f"file://{root}/a")


class Point(EntryPoint):
    def load(self) -> Any:
        return Shares


class Shares(Files):
    def __init__(self, context: Context) -> None:
        super().__init__(context)

    async def one(self, uri: str) -> Any:
        return await super().one(uri.replace("share://", "file://"))


# -- values -----------------------------------------------------------------------------------------------------------
def test_an_image_in_a_bucket_becomes_what_the_bucket_says(run: lading.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """SEMANTICS 1.5: Audio/Image may be gs/s3/http references."""
    with S3Server() as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", server.url)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        for name in ("a.png", "b.wav"):
            server.bucket.put(name, b"not looked at", {})
        artifact = lading.Artifact("values", "dataset")
        image = lading.Image("s3://bucket/a.png")
        artifact.add(image, "one")
        artifact.add(lading.Image("s3://bucket/a.png"), "two")
        artifact.add(lading.Audio("s3://bucket/b.wav"), "sound")
        with pytest.raises(FileNotFoundError):
            artifact.add(lading.Image("s3://bucket/none.png"), "none")
        assert server.count("head") <= 4

        committed = run.log_artifact(artifact).wait()
        references = [entry for entry in committed.manifest.entries.values() if entry.ref]
        assert sorted(str(entry.ref) for entry in references) == ["s3://bucket/a.png", "s3://bucket/b.wav"]
        assert {entry.size for entry in references} == {13}
        assert all(entry.digest == entry.extra["etag"] for entry in references)
        assert committed["one"].path == "s3://bucket/a.png"
        path = committed.download()
    assert [each.read_bytes() for each in Path(path, "media/images").rglob("a.png")] == [b"not looked at"]
