"""The main job, on the Python standard library and the packages beside it: logged, logged again, one file changed, both
versions fetched and verified.

Everything it makes lies in `.demo/`, which it empties first. Nothing else on the machine is touched.
"""

import functools
import os
import shutil
import sys
import sysconfig
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

PLACE = Path(__file__).resolve().parent.parent / ".demo"
T = TypeVar("T")


def main() -> int:
    shutil.rmtree(PLACE, ignore_errors=True)
    os.environ["LADING_HOME"] = str(PLACE / "home")
    os.environ["LADING_QUIET"] = "1"

    import lading
    from lading.api.html import readable_size
    from lading.transfer.progress import Progress

    def step(what: str, work: Callable[[Callable[[Progress], None]], T]) -> T:
        """Do it, and say what moved and how fast."""
        last = Progress()

        def keep(progress: Progress) -> None:
            nonlocal last
            last = progress

        began = time.perf_counter()
        result = work(keep)
        seconds = time.perf_counter() - began
        print(f"  {what:34} {last.files:6} files {last.bytes / 1e6:7.1f} MB in {seconds:5.2f} s")
        moved = f"moved {last.files_moved} files, {readable_size(last.bytes_moved)}; reused {last.files_reused}"
        print(f"  {'':34} {moved}; {last.bytes / seconds / 1e6:.0f} MB/s in all")
        return result

    sources = {"stdlib": sysconfig.get_path("stdlib"), "packages": sysconfig.get_path("purelib")}
    print("The Python standard library and the packages of this environment, as an artifact:")
    print("\n".join(f"  {name:9} {folder}" for name, folder in sources.items()))
    print(f"Catalogue and store lie in {PLACE / 'home'}.\n")

    with lading.init(project="demo", job_type="demo") as run:

        def log(folders: dict[str, str], progress: Callable[[Progress], None]) -> lading.Artifact:
            artifact = lading.Artifact("python", type="dataset", description="the standard library and packages")
            for name, folder in folders.items():
                artifact.add_dir(folder, name=name, ignore=["__pycache__", "/site-packages", "/dist-packages"])
            return run.log_artifact(artifact, progress=progress)

        def fetch(artifact: lading.Artifact, root: Path, progress: Callable[[Progress], None]) -> None:
            artifact.download(root, progress=progress)

        first = step("log it", functools.partial(log, sources))
        again = step("log it again", functools.partial(log, sources))
        assert again.version == first.version == "v0"
        work = PLACE / "work"
        step("download v0", functools.partial(fetch, first, work))
        with (work / "stdlib" / "this.py").open("a", encoding="utf-8") as file:
            file.write("\n# changed by the demonstration\n")
        second = step("change one file, log that", functools.partial(log, {name: str(work / name) for name in sources}))
        assert second.version == "v1"
        for artifact in (first, second):
            root = PLACE / f"fetched-{artifact.version}"
            step(f"download {artifact.version} elsewhere", functools.partial(fetch, artifact, root))
            artifact.verify(root)
            print(f"  {'':34} verified: {artifact.file_count} files of {artifact.name} are what they should be")

    print("\nVersions of demo/python:")
    for artifact in lading.Api().artifacts("dataset", "demo/python"):
        aliases, size = ", ".join(artifact.aliases) or "-", readable_size(artifact.size)
        print(f"  {artifact.version:4} {aliases:8} {artifact.file_count} files  {size}  {artifact.digest[:16]}")
    print("\nNext: .venv/bin/lading --help, or LADING_HOME=.demo/home .venv/bin/lading diff demo/python:v0 demo/python:v1")
    return 0


if __name__ == "__main__":
    sys.exit(main())
