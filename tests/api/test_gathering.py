"""One version of many writers, in processes of their own."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import lading
from lading.api import Api
from lading.errors import NameConflictError, WaitTimeoutError

# What a writer does: its name, the run's id, and what to do with the part ("upsert", "finish").
WRITER = """
import sys
import lading
who, method, size = sys.argv[1], sys.argv[2], int(sys.argv[3])
with lading.init(project="p", id=f"run-{who}", group="train") as run:
    part = lading.Artifact("ds", "dataset")
    for number in range(3):
        with part.new_file(f"{who}/{number}", "wb") as file:
            file.write(f"{who} {number}".encode() * size)
    print("ready", flush=True)
    sys.stdin.readline()
    getattr(run, f"{method}_artifact")(part, aliases=[who])
    print("given", flush=True)
    sys.stdin.readline()
    part.wait(timeout=60)
    print(part.version, flush=True)
"""

_GIVES_THEN_FINISHES = WRITER.replace("part.wait(timeout=60)", "run.finish_artifact(part)")


class Writer:
    """A process that stops before its part is given, and before it waits."""

    def __init__(self, who: str, method: str = "upsert", *, size: int = 1, command: str = WRITER) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-c", command, who, method, str(size)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def expect(self, line: str) -> "Writer":
        assert self.process.stdout
        assert self.process.stdout.readline() == f"{line}\n", self.process.communicate()[1]
        return self

    def go(self) -> "Writer":
        assert self.process.stdin
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        return self

    def end(self) -> tuple[str, str]:
        out, err = self.process.communicate("go\n", timeout=60)
        return out.strip(), err

    def kill(self) -> None:
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.communicate(timeout=30)


def part_of(files: dict[str, str], name: str = "ds", **more: object) -> lading.Artifact:
    artifact = lading.Artifact(name, "dataset", **more)  # type: ignore[arg-type]
    for path, content in files.items():
        with artifact.new_file(path) as file:
            file.write(content)
    return artifact


def contents(artifact: lading.Artifact) -> dict[str, str]:
    root = Path(artifact.download())
    return {path: (root / path).read_text() for path in sorted(artifact.manifest.entries)}


# -- one process ------------------------------------------------------------------------------------------------------
def test_parts_become_one_version(home: object) -> None:
    """SEMANTICS 2.7: "distributed: every writer upserts a patch, finish merges and commits"."""
    with lading.init(project="p") as first, lading.init(project="p") as second:
        a = first.upsert_artifact(part_of({"a": "1"}), aliases=["of-a"], distributed_id="epoch 1")
        assert (a.state, Api().artifact_exists("p/ds")) == ("PENDING", False)
        b = part_of({"b": "2"}, description="all", metadata={"k": 1})
        made = second.finish_artifact(b, aliases=["of-b"], distributed_id="epoch 1")

    assert (made is b, made.version, made.aliases) == (True, "v0", ["latest", "of-a", "of-b"])
    assert (made.description, made.metadata, made.file_count) == ("all", {"k": 1}, 2)
    assert contents(made) == contents(Api().artifact("p/ds")) == {"a": "1", "b": "2"}
    assert a.wait().version == "v0"
    for run in (first, second):
        assert [each.name for each in Api().run(f"p/{run.id}").logged_artifacts()] == ["ds:v0"]


def test_without_a_name_to_meet_under_it_is_refused(run: lading.Run) -> None:
    """SEMANTICS 1.2: "both: TypeError unless run.group or distributed_id"."""
    for method in (run.upsert_artifact, run.finish_artifact):
        with pytest.raises(TypeError, match="needs a distributed_id, or a run with a group"):
            method(part_of({"a": "1"}))
    with pytest.raises(ValueError, match="incremental"):
        run.upsert_artifact(part_of({"a": "1"}, incremental=True), distributed_id="x")


def test_the_group_or_the_artifact_says_the_name(home: object) -> None:
    with lading.init(project="p", group="train") as run:
        run.upsert_artifact(part_of({"a": "1"}))
        own = part_of({"b": "1"}, name="other")
        own.distributed_id = "mine"
        run.upsert_artifact(own)

        assert contents(run.finish_artifact(part_of({"c": "1"}))) == {"a": "1", "c": "1"}
        assert contents(run.finish_artifact(part_of({"c": "2"}, name="other"), distributed_id="mine")) == {"b": "1", "c": "2"}


def test_a_folder_is_a_part(run: lading.Run, fill: Callable[..., Path]) -> None:
    """SEMANTICS 1.2: `upsert_artifact(artifact_or_path, name=None, type=None, aliases=None, distributed_id=None)`."""
    run.upsert_artifact(fill("in", {"a": "1"}), "ds", "dataset", distributed_id="x")

    made = run.finish_artifact(fill("more", {"b": "2"}), "ds", "dataset", distributed_id="x")

    assert contents(made) == {"a": "1", "b": "2"}


def test_after_a_part_was_given_its_files_may_change(run: lading.Run, fill: Callable[..., Path]) -> None:
    artifact = lading.Artifact("ds", "dataset")
    artifact.add_file(fill("in", {"a": "1"}) / "a")
    run.upsert_artifact(artifact, distributed_id="x")
    fill("in", {"a": "changed"})

    run.upsert_artifact(artifact, distributed_id="x")
    made = run.finish_artifact(artifact, distributed_id="x")

    assert contents(made) == {"a": "1"}


def test_finishing_twice_is_finishing_once(run: lading.Run) -> None:
    """The same artifact: it is logged. Another one without anything: there is nothing to finish."""
    artifact = part_of({"a": "1"})
    run.finish_artifact(artifact, distributed_id="x")

    assert run.finish_artifact(artifact, distributed_id="x").version == "v0"
    with pytest.raises(ValueError, match=r"there is nothing to finish for ds: no part was upserted"):
        run.finish_artifact(lading.Artifact("ds", "dataset"), distributed_id="x")
    assert len(Api().artifacts("dataset", "p/ds")) == 1


def test_upserts_after_the_end_make_the_next_version(run: lading.Run) -> None:
    run.finish_artifact(part_of({"a": "1"}), distributed_id="x")

    run.upsert_artifact(part_of({"b": "1"}), distributed_id="x")
    made = run.finish_artifact(lading.Artifact("ds", "dataset"), distributed_id="x")

    assert (made.version, contents(made)) == ("v1", {"b": "1"})


def test_parts_that_make_what_is_there_make_no_version(run: lading.Run) -> None:
    run.log_artifact(part_of({"a": "1", "b": "2"}))
    first = run.upsert_artifact(part_of({"a": "1"}), distributed_id="x")

    made = run.finish_artifact(part_of({"b": "2"}), aliases=["again"], distributed_id="x")

    assert (made.version, made.aliases, first.wait().version) == ("v0", ["again", "latest"], "v0")


def test_two_contents_under_one_path_are_refused_and_kept_apart(home: object) -> None:
    with lading.init(project="p", id="one") as one, lading.init(project="p", id="two") as two:
        one.upsert_artifact(part_of({"a": "1", "same": "x"}), distributed_id="x")

        with pytest.raises(NameConflictError, match="Cannot add the same path twice: 'a' differs between run one and run two"):
            two.finish_artifact(part_of({"a": "2", "same": "x"}), distributed_id="x")

        assert not Api().artifact_exists("p/ds")


def test_a_run_that_goes_on_replaces_what_it_gave(home: object) -> None:
    with lading.init(project="p", id="one") as run:
        run.upsert_artifact(part_of({"a": "1", "b": "1"}), distributed_id="x")
    with lading.init(project="p", id="one") as run:
        made = run.finish_artifact(part_of({"a": "2"}), distributed_id="x")

    assert contents(made) == {"a": "2", "b": "1"}


def test_all_parts_have_the_same_kind_of_digests(run: lading.Run) -> None:
    run.upsert_artifact(part_of({"a": "1"}, digest_algorithm="SHA256"), distributed_id="x")

    with pytest.raises(ValueError, match="a part of ds has SHA256 digests; this one has BLAKE3"):
        run.finish_artifact(part_of({"b": "1"}), distributed_id="x")


def test_waiting_for_others_ends_with_the_timeout(run: lading.Run) -> None:
    part = run.upsert_artifact(part_of({"a": "1"}), distributed_id="x")

    with pytest.raises(WaitTimeoutError, match=r"not finished within 0\.03 seconds"):
        part.wait(timeout=0.03)
    run.finish_artifact(lading.Artifact("ds", "dataset"), distributed_id="x")
    assert part.wait(timeout=60).version == "v0"


def test_writers_of_one_loop_do_not_wait_for_each_other(home: object) -> None:
    async def main() -> str:
        async with await lading.init_async(project="p", group="g") as run:
            parts = [part_of({str(number): "x"}) for number in range(4)]
            await asyncio.gather(*(run.upsert_artifact_async(part) for part in parts[:-1]))
            await run.finish_artifact_async(parts[-1])
            waited = await asyncio.gather(*(part.wait_async(60) for part in parts))
            return " ".join(sorted(contents_of.version for contents_of in waited))

    parts = asyncio.run(main())

    assert parts == "v0 v0 v0 v0"


def test_a_disabled_run_gives_nothing(home: Path) -> None:
    with lading.init(mode="disabled", group="g") as run:
        part = run.upsert_artifact(part_of({"a": "1"}))
        run.finish_artifact(lading.Artifact("ds", "dataset"))

        assert part.wait() is part
        assert part.is_draft()


# -- several processes ------------------------------------------------------------------------------------------------
def test_processes_make_one_version(home: object) -> None:
    writers = [Writer(who) for who in ("a", "b", "c")]
    for writer in writers:
        writer.expect("ready").go()
    for writer in writers:
        writer.expect("given")
    finisher = Writer("z", "finish").expect("ready").go().expect("given")

    assert [writer.end()[0] for writer in (*writers, finisher)] == ["v0"] * 4
    made = Api().artifact("p/ds")
    assert sorted(made.manifest.entries) == sorted(f"{who}/{number}" for who in "abcz" for number in range(3))
    assert made.aliases == ["a", "b", "c", "latest", "z"]
    assert sorted(run.id for run in Api().runs("p") if len(run.logged_artifacts())) == ["run-a", "run-b", "run-c", "run-z"]


def test_those_who_finish_at_once_get_the_same_version(home: object) -> None:
    finishers = [Writer(who, command=_GIVES_THEN_FINISHES).expect("ready").go().expect("given") for who in ("x", "y", "z")]

    for finisher in finishers:
        finisher.go()

    assert [finisher.end()[0] for finisher in finishers] == ["v0"] * 3
    assert {path.partition("/")[0] for path in Api().artifact("p/ds").manifest.entries} == {"x", "y", "z"}
    assert len(Api().artifacts("dataset", "p/ds")) == 1


_SENDS_SLOWLY = """
import sys
from lading.catalog.sql import SqlCatalog
give = SqlCatalog.give
async def slow(*arguments, **more):
    print("sent", flush=True)
    sys.stdin.readline()
    return await give(*arguments, **more)
SqlCatalog.give = slow
"""


def test_a_writer_that_is_killed_before_its_part_is_given_is_not_in_it(home: object) -> None:
    Writer("dead", command=_SENDS_SLOWLY + WRITER).expect("ready").go().expect("sent").kill()
    Writer("early", size=4 << 20).expect("ready").kill()
    Writer("a").expect("ready").go().expect("given").kill()

    finisher = Writer("z", "finish").expect("ready").go().expect("given")

    assert finisher.end()[0] == "v0"
    made = Api().artifact("p/ds")
    assert {path.partition("/")[0] for path in made.manifest.entries} == {"a", "z"}
    made.verify(made.download())


_DIES_AT_THE_COMMIT = """
import os, signal
from lading.catalog.sql import SqlCatalog
async def commit(*arguments, **more):
    os.kill(os.getpid(), signal.SIGKILL)
SqlCatalog.commit = commit
"""


def test_a_finisher_that_is_killed_leaves_all_parts_to_the_next(home: object) -> None:
    Writer("a").expect("ready").go().expect("given").kill()
    dead = Writer("b", "finish", command=_DIES_AT_THE_COMMIT + WRITER).expect("ready").go()
    assert dead.process.wait(30) == -signal.SIGKILL
    dead.process.communicate()

    finisher = Writer("z", "finish").expect("ready").go().expect("given")

    assert finisher.end()[0] == "v0"
    assert {path.partition("/")[0] for path in Api().artifact("p/ds").manifest.entries} == {"a", "b", "z"}


_TRIES_AGAIN = """
    try:
        run.upsert_artifact(part)
    except lading.CommError:
        print("refused", flush=True)
    getattr(run,"""


def test_a_part_that_comes_late_is_refused_aloud_and_in_no_version(home: object) -> None:
    late = Writer("late", command=_SENDS_SLOWLY + WRITER).expect("ready").go().expect("sent")
    assert Writer("z", "finish").expect("ready").go().expect("given").end()[0] == "v0"

    _, error = late.end()

    assert "LeaseLostError" in error
    assert {path.partition("/")[0] for path in Api().artifact("p/ds").manifest.entries} == {"z"}
    assert len(Api().artifacts("dataset", "p/ds")) == 1


def test_a_late_part_may_be_given_to_the_next_version(home: object) -> None:
    """After the refusal the artifact is as it was."""
    late = (
        Writer("late", command=_SENDS_SLOWLY + WRITER.replace("    getattr(run,", _TRIES_AGAIN))
        .expect("ready")
        .go()
        .expect("sent")
    )
    assert Writer("z", "finish").expect("ready").go().expect("given").end()[0] == "v0"

    late.go().expect("refused").expect("sent").go().expect("given").kill()

    with lading.init(project="p", group="train") as run:
        made = run.finish_artifact(lading.Artifact("ds", "dataset"))
    assert (made.version, {path.partition("/")[0] for path in made.manifest.entries}) == ("v1", {"late"})
