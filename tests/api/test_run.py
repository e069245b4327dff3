"""Runs: what they record, log, use, and how they end."""

import asyncio
import gc
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import lading
from lading.api import active_run
from lading.errors import ArtifactNotLoggedError, CommError, UnknownNameError, UsageError

Make = Callable[..., lading.Artifact]
Fill = Callable[..., Path]


def draft(name: str = "ds", text: str = "1", type: str = "dataset") -> lading.Artifact:
    artifact = lading.Artifact(name, type)
    with artifact.new_file("a") as file:
        file.write(text)
    return artifact


def script(text: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", text],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=os.environ | environment,
    )


# -- beginning and end ----------------------------------------------------------------------------------------------------


def test_a_run_says_what_it_is(home: Path) -> None:
    with lading.init("p", "us", name="n", id="r1", job_type="train", group="g", config={"lr": 0.1}) as run:
        assert (run.entity, run.project, run.id, run.name) == ("us", "p", "r1", "n")
        assert (run.job_type, run.group, run.path, run.config) == ("train", "g", "us/p/r1", {"lr": 0.1})
        assert run.created_at.endswith("Z")
        assert repr(run) == "<Run us/p/r1 (running)>"
        assert not run.disabled
    assert repr(run) == "<Run us/p/r1 (finished)>"


def test_a_run_without_names_takes_the_settings(home: Path) -> None:
    """DESIGN 3: LADING_ENTITY, LADING_PROJECT (`uncategorized`)."""
    with lading.init() as run:
        assert (run.entity, run.project) == ("me", "uncategorized")
        assert run.name == f"run-{run.id}"


@pytest.mark.parametrize(
    "arguments", [{"project": "a/b"}, {"entity": "a b/c"}, {"id": "a/b"}, {"project": ""}, {"mode": "sometimes"}]
)
def test_names_that_cannot_be_are_refused(home: Path, arguments: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"must not|cannot be"):
        lading.init(**arguments)  # type: ignore[arg-type]  # pyright: ignore
    assert active_run() is None


def test_runs_nest_and_the_last_one_is_active(home: Path) -> None:
    def active() -> lading.Run | None:
        return lading.run

    assert active() is None
    with lading.init(project="p") as outer:
        assert active() is outer
        with lading.init(project="q") as inner:
            assert active() is inner
            assert lading.log_artifact(draft()).project == "q"
        assert active() is outer
        assert lading.log_artifact(draft()).project == "p"
    assert active() is None


def test_config_and_summary_are_saved_with_the_state(home: Path) -> None:
    class Odd:
        def __str__(self) -> str:
            return "odd"

    class Scalar:
        def tolist(self) -> float:
            return 0.5

    with lading.init(project="p", config={"a": 1}) as run:
        run.config["b"] = Path("x")
        run.log({"loss": 2.0, "odd": Odd()}, step=1)
        run.log({"loss": Scalar(), "nan": float("nan")}, commit=True)

    saved = lading.Api().run(f"p/{run.id}")
    assert (saved.state, saved.config) == ("finished", {"a": 1, "b": "x"})
    assert saved.summary == {"loss": 0.5, "odd": "odd", "nan": None}


def test_finish_is_repeatable(home: Path) -> None:
    run = lading.init(project="p")

    run.finish()
    run.finish(exit_code=1)
    lading.finish()

    assert lading.Api().run(f"p/{run.id}").state == "finished"


def test_an_exception_makes_it_failed(home: Path) -> None:
    with pytest.raises(RuntimeError, match="boom"), lading.init(project="p") as run:
        raise RuntimeError("boom")

    assert lading.Api().run(f"p/{run.id}").state == "failed"
    assert active_run() is None


def test_a_run_of_the_same_id_goes_on(home: Path) -> None:
    lading.init(project="p", id="r", name="first", config={"a": 1, "b": 1}).finish()

    with lading.init(project="p", id="r", config={"b": 2}) as run:
        assert (run.name, run.config) == ("first", {"a": 1, "b": 2})

    assert [each.id for each in lading.Api().runs("p")] == ["r"]


def test_async_runs_end_like_blocking_ones(home: Path) -> None:
    async def main() -> list[str]:
        async with await lading.init_async(project="p") as run:
            await lading.log_artifact_async(draft())
            await lading.use_artifact_async("ds:latest")
        failed = await lading.init_async(project="p")
        with pytest.raises(RuntimeError, match="boom"):
            async with failed:
                raise RuntimeError("boom")
        await lading.finish_async()
        return [(await lading.Api().run_async(f"p/{each.id}")).state for each in (run, failed)]

    assert asyncio.run(main()) == ["finished", "failed"]


def test_arguments_of_wandb_are_accepted_and_unknown_ones_are_told(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LADING_QUIET", "0")

    lading.init(project="p", tags=["x"], notes="n", reinit=True, frobnicate=1).finish()

    assert "init() does nothing with frobnicate\n" in capsys.readouterr().err


def test_without_an_active_run_it_says_what_to_call(home: Path) -> None:
    lading.finish()

    with pytest.raises(UsageError, match=r"lading.log_artifact\(\) without an active run"):
        lading.log_artifact(draft())
    with pytest.raises(UsageError, match=r"lading.init\(\) first"):
        lading.use_artifact("ds:latest")


# -- the end of the process -----------------------------------------------------------------------------------------------


def test_a_run_that_nobody_finishes_ends_with_the_process_and_what_it_logs_in_the_background_is_logged(
    home: Path, fill: Fill
) -> None:
    fill(".", {"f": "1"})

    done = script(
        "import lading\n"
        "run = lading.init(project='p', id='r')\n"
        "a = lading.Artifact('ds', 'dataset'); a.add_file('f', policy='immutable'); run.log_artifact(a)\n"
        "run.summary['k'] = 1"
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    saved = lading.Api().run("p/r")
    assert (saved.state, saved.summary) == ("finished", {"k": 1})
    assert lading.Api().artifact("p/ds").version == "v0"


def test_a_script_that_fails_leaves_a_failed_run(home: Path) -> None:
    done = script("import lading\nlading.init(project='p', id='r')\n1 / 0")

    assert done.returncode == 1
    assert done.stderr.rstrip().endswith("ZeroDivisionError: division by zero")
    assert lading.Api().run("p/r").state == "failed"


def test_a_background_log_that_fails_is_told_at_the_end_of_the_process(home: Path, fill: Fill) -> None:
    fill(".", {"f": "1"})

    done = script(
        "import lading, os\n"
        "run = lading.init(project='p', id='r')\n"
        "a = lading.Artifact('ds', 'dataset'); a.add_file('f', policy='immutable'); os.unlink('f'); run.log_artifact(a)"
    )

    assert "lading: " in done.stderr
    assert "no such file" in done.stderr
    assert lading.Api().run("p/r").state == "failed"


def test_a_forked_child_does_not_end_its_parents_run(home: Path) -> None:
    done = script(
        "import lading, os, sys\n"
        "run = lading.init(project='p', id='r')\n"
        "child = os.fork()\n"
        "if not child: sys.exit()\n"
        "os.waitpid(child, 0)\n"
        "print(lading.Api().run('p/r').state)"
    )

    assert (done.stdout, done.stderr) == ("running\n", "")


# -- disabled ---------------------------------------------------------------------------------------------------------------


def test_a_disabled_run_logs_nothing_and_uses_nothing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """DESIGN 3, LADING_MODE; SEMANTICS 1.2: `use_artifact` is a TypeError then; 1.1: "ArtifactNotLoggedError if no save was
    started": here one was, and logged attributes say why there are none."""
    monkeypatch.setenv("LADING_MODE", "disabled")
    with lading.init(project="p") as run:
        artifact = run.log_artifact(draft())
        run.log({"a": 1})
        with pytest.raises(TypeError, match="disabled"):
            run.use_artifact("ds:latest")
        with pytest.raises(UsageError, match="disabled"):
            run.logged_artifacts()
        assert (run.disabled, repr(run)) == (True, f"<Run me/p/{run.id} (disabled)>")

    assert artifact.is_draft()
    assert artifact.wait(timeout=1) is artifact.wait() is artifact  # nothing is to come
    with pytest.raises(ArtifactNotLoggedError, match="while in offline mode"):
        _ = artifact.version
    monkeypatch.delenv("LADING_MODE")
    with pytest.raises(UnknownNameError, match="entity 'me' not found"):
        lading.Api().artifact("p/ds")


# -- use ----------------------------------------------------------------------------------------------------------------------


def test_use_artifact_takes_every_form_of_name(dataset: Make, run: lading.Run) -> None:
    """Seed 003: name:alias, project/name:alias, entity/project/name:alias."""
    dataset({"a": "1"}, aliases=["best"])
    with lading.init(project="q") as other:
        names = ["p/ds:latest", "me/p/ds:best", "me/p/ds:v0", "p/ds"]
        assert [other.use_artifact(name).qualified_name for name in names] == ["me/p/ds:v0"] * 4
    assert run.use_artifact("ds").qualified_name == "me/p/ds:v0"
    assert run.use_artifact("ds:latest", type="dataset").state == "COMMITTED"

    assert [each.name for each in other.used_artifacts()] == ["ds:v0"]
    assert len(other.used_artifacts()) == 1


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("nothing:latest", "collection 'nothing' not found in me/p"),
        ("ds:best", "alias 'best' not found in me/p/ds"),
        ("ds:v7", "version 'v7' not found in me/p/ds"),
        ("other/ds", "project 'other' not found in me"),
        ("nobody/p/ds", "entity 'nobody' not found"),
    ],
)
def test_an_unknown_name_says_which_part_is_unknown(dataset: Make, run: lading.Run, name: str, text: str) -> None:
    """SEMANTICS 1.3: `CommError`, 'text contains e.g. "project 'bar' not found"'."""
    dataset({"a": "1"})

    with pytest.raises(CommError, match=text):
        run.use_artifact(name)
    with pytest.raises(CommError, match=text):
        lading.Api(project="p").artifact(name)


@pytest.mark.parametrize("name", ["", "a/b/c/d", "ds:", "/ds", "a//ds"])
def test_a_name_that_cannot_be_is_a_value_error(run: lading.Run, name: str) -> None:
    with pytest.raises(ValueError, match=r"[Ii]nvalid|must not"):
        run.use_artifact(name)


def test_another_type_is_a_value_error_and_nothing_is_used(dataset: Make, run: lading.Run) -> None:
    """SEMANTICS 1.2: ValueError on type mismatch."""
    artifact = dataset({"a": "1"})

    with pytest.raises(ValueError, match="Expected artifact ds:v0 to be of type model; found dataset"):
        run.use_artifact("ds:latest", type="model")
    with pytest.raises(ValueError, match="to be of type model"):
        run.use_artifact(artifact, type="model")
    with pytest.raises(ValueError, match="to be of type model"):
        run.use_artifact(draft("other"), type="model")
    assert list(run.used_artifacts()) == []
    assert [each.name for each in run.logged_artifacts()] == ["ds:v0"]


def test_a_draft_that_is_used_is_logged_once(run: lading.Run) -> None:
    """Seed 003: "use_artifact is idempotent"; SEMANTICS 1.2: "a draft is logged (user-created), waited, then used"."""
    for _ in range(3):
        artifact = lading.Artifact("reference model")
        with artifact.new_file("model.h5") as file:
            file.write("weights")
        used = run.use_artifact(artifact, aliases=["ref"])
        assert used is artifact
        assert (used.version, used.state, sorted(used.aliases)) == ("v0", "COMMITTED", ["latest", "ref"])
        run.use_artifact(used)

    assert [each.name for each in run.used_artifacts()] == ["reference model:v0"]
    assert [each.name for each in run.logged_artifacts()] == ["reference model:v0"]


def test_what_is_neither_an_artifact_nor_a_path_is_a_type_error(run: lading.Run) -> None:
    wrong: Any = 42

    for call in (run.log_artifact, run.use_artifact, run.log_model):
        with pytest.raises(TypeError, match=r"neither an artifact nor .*: 42"):
            call(wrong)


def test_a_path_whose_name_is_none_for_an_artifact_needs_one(run: lading.Run, fill: Fill) -> None:
    """SEMANTICS 1.2: "path → Artifact named `run-{run_id}-{basename}`"."""
    fill(".", {"cats (1).csv": "1"})

    with pytest.raises(ValueError, match=r"cats \(1\)\.csv'\n  hint: a name= of your own"):
        run.log_artifact("cats (1).csv")
    assert run.log_artifact("cats (1).csv", name="cats").name == "cats:v0"


def test_use_as_is_deprecated(dataset: Make, run: lading.Run) -> None:
    """SEMANTICS 1.2: "use_as=None(deprecated)"."""
    dataset({"a": "1"})

    with pytest.warns(DeprecationWarning, match="use_as is deprecated"):
        run.use_artifact("ds", use_as="train")
    assert [each.name for each in run.used_artifacts()] == ["ds:v0"]


def test_a_value_is_got_from_what_was_used_last(run: lading.Run) -> None:
    """Seed 000, `get`, the example: `table = r.get('my_table')` on a run."""
    for name in ("one", "two"):
        artifact = lading.Artifact(name, "dataset")
        artifact.add(lading.Table(columns=["a"], data=[[name]]), "my_table")
        run.log_artifact(artifact)
    with pytest.raises(UsageError, match=r"call run\.use_artifact\(name\) first"):
        run.get("my_table")

    run.use_artifact("one:latest")
    run.use_artifact("two:latest")

    assert run.get("my_table").data == [["two"]]
    assert run.get("nothing") is None


def test_an_artifact_keeps_its_own_name_and_type(run: lading.Run) -> None:
    """SEMANTICS 1.2: `name` and `type` make an artifact of a path; W&B passes over those given beside an artifact."""
    with pytest.warns(UserWarning, match="name='other' is ignored: the artifact's own is 'ds'"):
        logged = run.log_artifact(draft(), name="other", type="dataset")
    with pytest.warns(UserWarning, match="type='model' is ignored: the artifact's own is 'dataset'"):
        again = run.log_artifact(logged, name="ds", type="model")

    assert (again.name, again.type) == ("ds:v0", "dataset")
    assert [each.name for each in run.logged_artifacts()] == ["ds:v0"]


def test_nothing_of_a_run_is_left_unawaited(home: Path) -> None:
    """Warnings are errors here: a coroutine that nobody awaits would fail this test."""
    with lading.init(project="p") as run:
        run.log_artifact(draft())

    gc.collect()
