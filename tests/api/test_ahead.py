"""Large files that go ahead to the folder store: for a run that is there to log them, and gone where it does not."""

import asyncio
import contextlib
import gc
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

import lading
from lading.errors import StoreForeignError
from lading.testing.trees import read_tree
from lading.transfer.ahead import FROM

Fill = Callable[..., Path]


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A file that is worth it, of which most is a hole."""
    path = tmp_path / "work" / "large.bin"
    with path.open("wb") as file:
        file.write(b"begin")
        file.truncate(FROM + 1)
    return path


def ahead(home: Path) -> int:
    """How many files are in the making."""
    place = home / "store" / "tmp"
    return len(list(place.iterdir())) if place.is_dir() else 0


def objects(home: Path) -> list[int]:
    return sorted(len(data) for key, data in read_tree(home / "store").items() if key.startswith("objects/"))


def test_what_is_added_while_a_run_is_active_is_there_before_the_log(home: Path, run: lading.Run, large: Path) -> None:
    artifact = lading.Artifact("ds")
    artifact.add_file(large)
    before = ahead(home)

    run.log_artifact(artifact)

    assert (before, ahead(home)) == (1, 0)
    assert objects(home) == [FROM + 1]
    assert artifact.verify(artifact.download()) is None


def test_without_a_run_nothing_is_written_before_the_log(home: Path, large: Path) -> None:
    artifact = lading.Artifact("ds")

    artifact.add_file(large)

    assert ahead(home) == 0
    assert not (home / "store" / "objects").exists()


def test_a_run_that_is_disabled_writes_nothing(home: Path, large: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LADING_MODE", "disabled")
    with lading.init(project="p"):
        lading.Artifact("ds").add_file(large)

    assert ahead(home) == 0


def test_an_artifact_that_is_not_logged_takes_what_went_ahead_with_it(home: Path, run: lading.Run, large: Path) -> None:
    artifact = lading.Artifact("ds")
    artifact.add_file(large)
    before = ahead(home)

    del artifact
    gc.collect()

    assert (before, ahead(home)) == (1, 0)


def test_what_was_removed_again_is_not_logged(home: Path, run: lading.Run, large: Path, fill: Fill) -> None:
    artifact = lading.Artifact("ds")
    artifact.add_file(large)
    artifact.add_dir(fill("in", {"a": "1"}))
    before = ahead(home)
    artifact.remove("large.bin")

    run.log_artifact(artifact)

    assert (objects(home), before, ahead(home)) == ([1], 1, 0)


def test_a_changed_file_that_is_added_again_is_logged_as_it_is_now(home: Path, run: lading.Run, large: Path) -> None:
    artifact = lading.Artifact("ds")
    artifact.add_file(large)
    with large.open("r+b") as file:
        file.seek((FROM + 1) // 16)  # the first place that samples are taken from
        file.write(b"other")

    artifact.add_file(large, overwrite=True)
    before = ahead(home)
    run.log_artifact(artifact)

    with Path(artifact.download(), "large.bin").open("rb") as file:
        file.seek((FROM + 1) // 16)
        assert file.read(5) == b"other"
    assert (before, ahead(home)) == (2, 0)


def test_what_may_be_stored_already_is_hashed_before_it_is_written(home: Path, run: lading.Run, large: Path) -> None:
    run.log_artifact(large, name="ds")
    artifact = lading.Artifact("again")

    artifact.add_file(large.rename(large.with_name("moved.bin")))
    before = ahead(home)
    os.truncate(large.with_name("moved.bin"), FROM + 2)
    artifact.add_file(large.with_name("moved.bin"), "longer.bin")

    assert (before, ahead(home)) == (0, 1)


def test_a_part_of_a_version_of_many_writers_went_ahead(home: Path, large: Path) -> None:
    with lading.init(project="p", group="g") as run:
        artifact = lading.Artifact("ds")
        artifact.add_file(large)
        before = ahead(home)
        run.upsert_artifact(artifact, distributed_id="d")
        run.finish_artifact(lading.Artifact("ds"), distributed_id="d").wait()

    assert (before, ahead(home)) == (1, 0)
    assert objects(home) == [FROM + 1]


async def test_adding_that_is_given_up_leaves_what_was_added_before(home: Path, large: Path) -> None:
    async with await lading.init_async(project="p") as run:
        artifact = lading.Artifact("ds")
        await artifact.add_file_async(large)
        os.truncate(large, 1 << 30)
        adding = asyncio.create_task(artifact.add_file_async(large, "larger.bin"))
        while ahead(home) < 2 and not adding.done():  # noqa: ASYNC110  # it is a lane that begins
            await asyncio.sleep(0)
        adding.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await adding
        left = ahead(home)
        os.truncate(large, 5)
        await artifact.add_file_async(large, overwrite=True)

        await run.log_artifact_async(artifact)

    assert (adding.cancelled(), left, ahead(home)) == (True, 1, 0)
    assert objects(home) == [5]


def test_nothing_is_written_to_the_store_of_another_catalogue(home: Path, run: lading.Run, large: Path) -> None:
    """Where it would be, were the store this one's: `test_what_is_added_while_a_run_is_active…`."""
    place = home / "store" / "lading-store.json"
    place.parent.mkdir(exist_ok=True)
    place.write_text(json.dumps({"format": 1, "catalog": "a" * 32, "store": "b" * 32}))
    artifact = lading.Artifact("ds")

    artifact.add_file(large)

    assert ahead(home) == 0
    with pytest.raises(StoreForeignError):
        run.log_artifact(artifact)


def test_what_went_ahead_to_another_store_is_sent_to_this_one(
    home: Path, large: Path, fill: Fill, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    artifact = lading.Artifact("ds")
    with lading.init(project="p"):
        artifact.add_file(large)
        artifact.add_dir(fill("in", {str(number): str(number) for number in range(9)}))
    monkeypatch.setenv("LADING_HOME", str(tmp_path / "other"))
    before = ahead(home)

    with lading.init(project="p") as run:
        run.log_artifact(artifact)

    assert (before, objects(home)) == (1, [])
    assert objects(tmp_path / "other") == [1] * 9 + [FROM + 1]
    assert ahead(home) == 0


def test_of_a_parent_and_its_forked_child_both_log_what_went_ahead(home: Path, run: lading.Run, large: Path) -> None:
    artifact = lading.Artifact("ds")
    artifact.add_file(large)
    before = ahead(home)

    if not (child := os.fork()):
        code = 1
        with contextlib.suppress(BaseException):
            run.log_artifact(artifact, aliases=["child"])
            code = 0
        os._exit(code)
    logged = run.log_artifact(artifact)
    _, status = os.waitpid(child, 0)

    assert (before, status) == (1, 0)
    assert logged.verify(logged.download()) is None
    assert "child" in run.use_artifact("ds:latest").aliases
    assert (objects(home), ahead(home)) == ([FROM + 1], 0)


def test_what_somebody_cleared_away_is_sent(home: Path, run: lading.Run, large: Path) -> None:
    artifact = lading.Artifact("ds")
    artifact.add_file(large)
    for left in (home / "store" / "tmp").iterdir():
        left.unlink()

    run.log_artifact(artifact)

    assert artifact.verify(artifact.download()) is None


def test_what_cannot_be_removed_fails_no_log(
    home: Path, run: lading.Run, large: Path, fill: Fill, caplog: pytest.LogCaptureFixture
) -> None:
    artifact = lading.Artifact("ds")
    artifact.add_file(large)
    artifact.add_dir(fill("in", {"a": "1"}))
    artifact.remove("large.bin")
    (left,) = (home / "store" / "tmp").iterdir()
    left.unlink()
    left.mkdir()

    run.log_artifact(artifact)

    assert artifact.version == "v0"
    assert "could not be removed" in caplog.text
