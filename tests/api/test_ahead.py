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
    artifact.remove("large.bin")

    run.log_artifact(artifact)

    assert (objects(home), ahead(home)) == ([1], 0)


def test_a_changed_file_that_is_added_again_is_logged_as_it_is_now(home: Path, run: lading.Run, large: Path) -> None:
    artifact = lading.Artifact("ds")
    artifact.add_file(large)
    with large.open("r+b") as file:
        file.write(b"other")
    os.utime(large, ns=(1, 1))

    artifact.add_file(large, overwrite=True)
    run.log_artifact(artifact)

    with Path(artifact.download(), "large.bin").open("rb") as file:
        assert file.read(5) == b"other"
    assert ahead(home) == 0


def test_what_may_be_stored_already_is_hashed_before_it_is_written(home: Path, run: lading.Run, large: Path) -> None:
    run.log_artifact(large, name="ds")
    artifact = lading.Artifact("again")

    artifact.add_file(large.rename(large.with_name("moved.bin")))

    assert ahead(home) == 0
    run.log_artifact(artifact)
    assert objects(home) == [FROM + 1]


def test_a_part_of_a_version_of_many_writers_went_ahead(home: Path, large: Path) -> None:
    with lading.init(project="p", group="g") as run:
        run.upsert_artifact(large, name="ds", distributed_id="d")
        before = ahead(home)
        run.finish_artifact(lading.Artifact("ds"), distributed_id="d").wait()

    assert before == 0
    assert objects(home) == [FROM + 1]


async def test_adding_that_is_given_up_leaves_nothing(home: Path, large: Path) -> None:
    """Neither of this file nor of what went ahead before: that is sent by the log, as any other."""
    async with await lading.init_async(project="p") as run:
        artifact = lading.Artifact("ds")
        await artifact.add_file_async(large)
        os.truncate(large, 1 << 30)
        adding = asyncio.create_task(artifact.add_file_async(large, "larger.bin"))
        while ahead(home) < 2:  # noqa: ASYNC110  # it is a lane that begins
            await asyncio.sleep(0)
        adding.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await adding
        left = ahead(home)
        os.truncate(large, 5)
        await artifact.add_file_async(large, overwrite=True)

        await run.log_artifact_async(artifact)

    assert (adding.cancelled(), left) == (True, 0)
    assert objects(home) == [5]


def test_nothing_is_written_to_the_store_of_another_catalogue(home: Path, run: lading.Run, large: Path) -> None:
    place = home / "store" / "lading-store.json"
    place.parent.mkdir(exist_ok=True)
    place.write_text(json.dumps({"format": 1, "catalog": "a" * 32, "store": "b" * 32}))
    artifact = lading.Artifact("ds")

    artifact.add_file(large)

    assert ahead(home) == 0
    with pytest.raises(StoreForeignError):
        run.log_artifact(artifact)
