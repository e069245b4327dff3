"""1,000 small versions logged into one project, and what it costs to look at 10,000.

    python bench/many_versions.py [--logged N] [--listed N] [--folder DIR]

Each of the logged is a new version of one file, as a training loop makes them: time per version (lower quartile), the first
tenth of them against the last (bar: within 20 %). Then a catalogue is filled up to `--listed` versions, as other processes would
have, and asked: the median of nine of each question, in a process that has asked before (bar 50 ms each).
"""

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from _measure import heading, timed, verdict

BAR = 0.050
DRIFT = 0.20
ASKED = 9


def log_many(count: int) -> tuple[list[float], list[float]]:
    """Seconds of wall clock and of CPU that each log took."""
    import lading

    seconds: list[float] = []
    worked: list[float] = []
    with lading.init(project="bench", id="logger") as run:
        for number in range(count):
            artifact = lading.Artifact("model", "model")
            with artifact.new_file("weights.bin") as file:
                file.write(f"weights {number}")

            def log(artifact: lading.Artifact = artifact, number: int = number) -> None:
                run.log_artifact(artifact, aliases=[f"step-{number}"])

            began = time.process_time()
            seconds.append(timed(log))
            worked.append(time.process_time() - began)
    return seconds, worked


async def fill(count: int) -> None:
    """Commit versions without content until there are `count`, each with an alias and a tag, made by one run from one version;
    another run used some."""
    from lading.api.settings import load_settings
    from lading.api.workspace import open_workspace
    from lading.catalog import Content, Labels, RunInfo, RunKey

    catalog = (await open_workspace(load_settings())).catalog
    entity = load_settings().entity
    keys = [RunKey(entity, "bench", name) for name in ("maker", "user")]
    for key in keys:
        await catalog.start_run(RunInfo(entity, "bench", key.id, "", None, None, "running", {}, {}, 0, None))
    have = (await catalog.collection(entity, "bench", "model")).version_count

    async def commit(name: str, number: int, run: RunKey | None) -> str:
        session = await catalog.open_session(os.urandom(16).hex(), entity, "bench", name, name)
        content = Content("d", os.urandom(32).hex(), "BLAKE3", "document", 1000, 1, None, {"step": number})
        labels = Labels((f"step-{number}",), ("odd" if number % 2 else "even",))
        return (await catalog.commit(session, content, labels, run)).version.id

    await catalog.use(keys[0], await commit("data", 0, None))
    for number in range(have, count):
        made = await commit("model", number, keys[0])
        if number % 100 == 0:
            await catalog.use(keys[1], made)


def questions(count: int) -> dict[str, Callable[[], object]]:
    """What is asked, and how."""
    import lading

    api = lading.Api(project="bench")
    middle, last = f"model:step-{count // 2}", "model:latest"

    def ls() -> object:
        return api.artifact_collection("model", "bench/model").artifacts(50)[49]

    def edit_aliases() -> None:
        artifact = api.artifact(middle)
        kept = [each for each in artifact.aliases if each != "moved"]
        artifact.aliases = kept if "moved" in artifact.aliases else [*kept, "moved"]
        artifact.save()

    return {
        "ls of the project": lambda: list(api.artifact_collections("bench")),
        "ls of the versions, first page": ls,
        "artifacts(), first page and len": lambda: (api.artifacts("model", "model")[49], len(api.artifacts("model", "model"))),
        "artifacts(), a page in the middle": lambda: api.artifacts("model", "model", start=f"[{count // 2}]")[49],
        "artifacts(tags=), first page": lambda: api.artifacts("model", "model", tags="even")[49],
        "artifact(name:alias)": lambda: api.artifact(middle),
        "an alias given and saved": edit_aliases,
        "logged_by() and used_by()": lambda: (api.artifact(last).logged_by(), api.artifact(last).used_by()),
        "lineage of a version": lambda: api.artifact(middle).lineage(),
        "lineage of what all were made from": lambda: api.artifact("data:latest").lineage(),
        "run.logged_artifacts(), first page": lambda: api.run("bench/maker").logged_artifacts(50)[0],
    }


def quartile(seconds: Sequence[float]) -> float:
    """What a quarter of them stays below: others who use the machine make many slower, but not these."""
    return sorted(seconds)[len(seconds) // 4]


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--logged", type=int, default=1000)
    parser.add_argument("--listed", type=int, default=10_000)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    options = parser.parse_args(argv)
    heading(f"{options.logged:,} versions logged one by one, {options.listed:,} looked at")
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        os.environ.update(LADING_HOME=f"{folder}/home", LADING_QUIET="1", LADING_ENTITY="bench")
        tenth = max(1, options.logged // 10)
        for unit, seconds in zip(("ms", "CPU-ms"), log_many(options.logged), strict=True):
            first, last = quartile(seconds[:tenth]), quartile(seconds[-tenth:])
            print(f"{'log, first tenth':44} {first * 1000:7.1f} {unit}")
            told = f"{last / first - 1:+.0%}, {verdict(abs(last / first - 1), DRIFT)}"
            print(f"{'log, last tenth':44} {last * 1000:7.1f} {unit}  {told}")
        asyncio.run(fill(options.listed))
        for name, ask in questions(options.listed).items():
            ask()
            median = statistics.median(timed(ask) for _ in range(ASKED))
            print(f"{name:44} {median * 1000:7.1f} ms  {verdict(median, BAR)}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
