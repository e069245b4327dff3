"""Mode "offline": artifacts ask nothing of a network, and everything else works."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import lading
from lading.errors import SettingsError
from lading.testing.http_server import HttpServer

Fill = Callable[..., Path]


@pytest.fixture
def web() -> Iterator[HttpServer]:
    with HttpServer({"/file1.txt": b"hello"}) as server:
        yield server


@pytest.fixture
def offline(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LADING_MODE", "offline")


def test_artifacts_in_folders_are_logged_and_used(offline: None, fill: Fill) -> None:
    folder = fill("data", {"a": "1"})

    with lading.init(project="p") as run:
        artifact = lading.Artifact("ds")
        artifact.add_reference(f"file://{folder}")
        artifact.add_reference("https://example.com/b", checksum=False)
        run.log_artifact(artifact)
        path = run.use_artifact("ds:latest").get_entry("a").download()

    assert Path(path).read_text() == "1"


@pytest.mark.parametrize("url", ["s3://bucket/prefix?endpoint=http://127.0.0.1:9", "gs://bucket", "https://host/store"])
def test_a_store_on_a_network_is_refused_before_it_is_asked(offline: None, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("LADING_STORE", url)

    with pytest.raises(SettingsError, match=f"^{url.partition('?')[0]} is on a network, and the mode is offline\n"):
        lading.init(project="p")


def test_a_reference_to_a_network_is_refused_before_it_is_asked(run: lading.Run, web: HttpServer) -> None:
    artifact = lading.Artifact("ds")
    artifact.add_reference(f"{web.url}/file1.txt")
    run.log_artifact(artifact)
    asked = len(web.seen)

    with lading.init(project="p", mode="offline") as other:
        with pytest.raises(SettingsError, match="the mode is offline"):
            lading.Artifact("more").add_reference(f"{web.url}/file1.txt")
        found = other.use_artifact("ds:latest")
        with pytest.raises(SettingsError, match="the mode is offline"):
            found.download()
        with pytest.raises(SettingsError, match="the mode is offline"):
            found.get_entry("file1.txt").open()

    assert len(web.seen) == asked
