"""Downloads of artifacts that refer to others and elsewhere: what comes along, what is asked, what is said."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import lading
from lading.testing.http_server import HttpServer

Make = Callable[..., lading.Artifact]


@pytest.fixture
def web() -> Iterator[HttpServer]:
    with HttpServer({f"/{name}": name.encode() for name in ("a", "b", "c")}) as server:
        yield server


def referring(run: lading.Run, name: str, entry: object) -> lading.Artifact:
    artifact = lading.Artifact(name, "dataset")
    artifact.add_reference(entry, name="theirs")  # type: ignore[arg-type]
    return run.log_artifact(artifact).wait()


def files(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


def test_recursive_brings_the_artifacts_that_are_referred_to(run: lading.Run, dataset: Make, tmp_path: Path) -> None:
    """Seed 000, `recursive`; DESIGN 7: "also downloads the artifacts that entries refer to"."""
    first = dataset({"x": "x", "more": "more"}, "first").wait()
    second = lading.Artifact("second", "dataset")
    second.add_reference(first.get_entry("x"), name="theirs")
    with second.new_file("own") as file:
        file.write("own")
    run.log_artifact(second).wait()
    third = referring(run, "third", second.get_entry("own"))

    alone = third.download(tmp_path / "alone")
    with_all = third.download(recursive=True)

    assert files(Path(alone)) == ["theirs"]
    assert files(tmp_path / "work/artifacts") == [
        "first:v0/more",
        "first:v0/x",
        "second:v0/own",
        "second:v0/theirs",
        "third:v0/theirs",
    ]
    assert Path(with_all) == tmp_path / "work/artifacts/third:v0"


def test_recursive_brings_of_a_deleted_artifact_what_is_referred_to(run: lading.Run, dataset: Make, tmp_path: Path) -> None:
    first = dataset({"x": "x", "more": "more"}, "first").wait()
    second = referring(run, "second", first.get_entry("x"))
    first.delete(delete_aliases=True)

    second.download(recursive=True)

    assert files(tmp_path / "work/artifacts") == ["second:v0/theirs"]


def test_only_what_the_prefix_names_is_asked_for(run: lading.Run, web: HttpServer) -> None:
    """SEMANTICS 2.6: "the URL list of all files is fetched anyway"; ours asks for what is wanted."""
    artifact = lading.Artifact("web", "dataset")
    for name in ("a", "b", "c"):
        artifact.add_reference(f"{web.url}/{name}", name=f"in/{name}")
    run.log_artifact(artifact).wait()
    web.seen.clear()

    root = artifact.download(path_prefix="in/b")

    assert files(Path(root)) == ["in/b"]
    assert {each.target for each in web.seen} == {"/b"}


def test_verify_skips_references_and_says_so(run: lading.Run, web: HttpServer, caplog: pytest.LogCaptureFixture) -> None:
    """SEMANTICS 2.6: "refs skipped with a warning"."""
    artifact = lading.Artifact("web", "dataset")
    artifact.add_reference(f"{web.url}/a")
    artifact.add_reference(f"{web.url}/b")
    root = run.log_artifact(artifact).wait().download()
    Path(root, "a").write_text("other")

    with caplog.at_level(logging.WARNING, "lading"):
        artifact.verify()

    assert "me/p/web:v0: 2 references were not verified" in caplog.text
