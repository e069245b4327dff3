"""`lading://`: what reads through fsspec reads artifacts."""

import csv
import io
import pickle
import subprocess
import sys
import threading
import tomllib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import lading
from lading.api.filesystem import LadingFileSystem
from lading.errors import DigestMismatchError, InvalidValueError, UsageError

# They bring no types, or such as say little.
fsspec: Any = import_module("fsspec")
pd: Any = import_module("pandas")
pa: Any = import_module("pyarrow")
pq: Any = import_module("pyarrow.parquet")
arrow: Any = import_module("pyarrow.dataset")

ROOT = Path(__file__).resolve().parents[2]
Dataset = Callable[..., lading.Artifact]
FILES: dict[str, str | bytes] = {"a.csv": "n,m\n1,2\n3,4\n", "b/c.txt": "see", "b/d/e.txt": "eee", "b-f.txt": "f", "empty": ""}


@pytest.fixture(autouse=True)
def registered() -> None:
    """As the entry point does where lading is installed."""
    fsspec.register_implementation("lading", LadingFileSystem, clobber=True)


@pytest.fixture
def ds(dataset: Dataset) -> lading.Artifact:
    return dataset(FILES)


@pytest.fixture
def fs(ds: lading.Artifact) -> LadingFileSystem:
    return LadingFileSystem(project="p")


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch, home: Path) -> Iterator[list[str]]:
    """The keys of what is read from the store while this is here, in order."""
    keys, watching = list[str](), [True]

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if watching and event == "open" and isinstance(arguments[0], str) and arguments[0].startswith(f"{home}/store/"):
            keys.append(arguments[0].removeprefix(f"{home}/store/"))

    sys.addaudithook(hook)
    yield keys
    watching.clear()


def test_the_entry_point_names_the_class() -> None:
    points = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["fsspec.specs"]

    assert points == {"lading": f"{LadingFileSystem.__module__}:{LadingFileSystem.__qualname__}"}


@pytest.mark.parametrize("name", ["me/p/ds:latest", "p/ds:latest", "p/ds:v0", "lading://p/ds:latest", "lading://me/p/ds:v0"])
def test_every_spelling_of_a_name_works(ds: lading.Artifact, name: str) -> None:
    fs = LadingFileSystem()

    assert fs.cat_file(f"{name}/b/c.txt") == b"see"
    assert fs.info(f"{name}/b/c.txt")["name"] == f"{name.removeprefix('lading://')}/b/c.txt"


def test_entity_and_project_may_be_given_once(fs: LadingFileSystem) -> None:
    assert fs.cat_file("ds:latest/b-f.txt") == b"f"
    assert fsspec.filesystem("lading", entity="me", project="p").cat_file("ds:latest/b-f.txt") == b"f"


def test_folders_are_listed_with_sizes(fs: LadingFileSystem) -> None:
    root, below = fs.ls("ds:v0"), fs.ls("lading://ds:v0/b/", detail=False)

    assert [(each["name"], each["type"], each["size"]) for each in root] == [
        ("ds:v0/a.csv", "file", 12),
        ("ds:v0/b", "directory", 0),
        ("ds:v0/b-f.txt", "file", 1),
        ("ds:v0/empty", "file", 0),
    ]
    assert below == ["ds:v0/b/c.txt", "ds:v0/b/d"]
    assert fs.ls("ds:v0/a.csv", detail=False) == ["ds:v0/a.csv"]
    assert fs.info("ds:v0") == {"name": "ds:v0", "size": 0, "type": "directory"}
    assert fs.info("ds:v0/b/d")["type"] == "directory"


def test_walk_find_glob_and_du_see_the_tree(fs: LadingFileSystem) -> None:
    everything = [f"ds:v0/{path}" for path in sorted(FILES)]

    assert fs.find("ds:v0") == everything
    assert fs.find("ds:v0/b") == ["ds:v0/b/c.txt", "ds:v0/b/d/e.txt"]
    assert fs.find("ds:v0/a.csv") == ["ds:v0/a.csv"]
    assert fs.find("ds:v0", maxdepth=1) == ["ds:v0/a.csv", "ds:v0/b-f.txt", "ds:v0/empty"]
    assert fs.find("ds:v0/b", detail=True)["ds:v0/b/c.txt"]["size"] == 3
    assert fs.glob("ds:v0/**/*.txt") == ["ds:v0/b-f.txt", "ds:v0/b/c.txt", "ds:v0/b/d/e.txt"]
    assert fs.glob("ds:v0/*.csv") == ["ds:v0/a.csv"]
    assert [(path, sorted(folders), sorted(files)) for path, folders, files in fs.walk("ds:v0/b")] == [
        ("ds:v0/b", ["d"], ["c.txt"]),
        ("ds:v0/b/d", [], ["e.txt"]),
    ]
    assert fs.du("ds:v0") == 19


def test_what_there_is_not_is_not_there(fs: LadingFileSystem) -> None:
    assert fs.exists("ds:v0/b")
    assert fs.isfile("ds:v0/b/c.txt")
    assert fs.isdir("ds:v0/b")
    for path in ("ds:v0/b/none", "ds:v0/b/c.tx", "ds:v0/b/c.txt/x", "ds:v7/a.csv", "nobody:latest", "none/ds:v0/a.csv"):
        assert not fs.exists(path)
        with pytest.raises(FileNotFoundError):
            fs.info(path)
        with pytest.raises(FileNotFoundError):
            fs.open(path)
    with pytest.raises(FileNotFoundError, match="nobody"):
        fs.ls("nobody:latest")
    with pytest.raises(IsADirectoryError):
        fs.open("ds:v0/b")


@pytest.mark.parametrize("path", ["", "ds", "p/ds/a.csv", "ds:", "a/b/c/d:v0/x"])
def test_a_path_without_a_version_is_refused_with_an_example(fs: LadingFileSystem, path: str) -> None:
    with pytest.raises(InvalidValueError, match=r"hint: write (lading://)?\[\[entity/\]project/\]name"):
        fs.info(path)


def test_files_are_opened_as_bytes_and_as_text(fs: LadingFileSystem) -> None:
    with fs.open("ds:v0/b/c.txt") as file:
        assert (file.read(2), file.size) == (b"se", 3)
    with fs.open("ds:v0/a.csv", "r", newline="") as text:
        assert list(csv.reader(text))[1:] == [["1", "2"], ["3", "4"]]
    with fsspec.open("lading://p/ds:latest/a.csv", "rt") as text:
        assert text.readline() == "n,m\n"


def test_ranges_are_those_of_slices(fs: LadingFileSystem) -> None:
    text = b"n,m\n1,2\n3,4\n"

    for start, end in ((None, None), (2, 5), (-4, None), (None, -4), (8, 100), (5, 2)):
        assert fs.cat_file("ds:v0/a.csv", start, end) == text[start:end]
    assert fs.cat_ranges(["ds:v0/a.csv", "ds:v0/b/c.txt", "ds:v0/a.csv"], [0, 1, 4], [3, 2, 7]) == [b"n,m", b"e", b"1,2"]
    assert fs.cat("ds:v0/b", recursive=True) == {"ds:v0/b/c.txt": b"see", "ds:v0/b/d/e.txt": b"eee"}
    assert fs.cat("ds:v0/*.txt") == {"ds:v0/b-f.txt": b"f"}


def test_what_cannot_be_read_is_raised_or_stands_in_its_place(fs: LadingFileSystem) -> None:
    good, missing = fs.cat_ranges(["ds:v0/b/c.txt", "ds:v0/none"], 0, 2)

    assert good == b"se"
    assert isinstance(missing, FileNotFoundError)
    with pytest.raises(FileNotFoundError):
        fs.cat_ranges(["ds:v0/b/c.txt", "ds:v0/none"], 0, 2, on_error="raise")
    with pytest.raises(FileNotFoundError):
        fs.cat_file("ds:v0/none")


def test_damage_is_an_error_and_no_content(fs: LadingFileSystem, stored: Callable[..., dict[str, int]], home: Path) -> None:
    for key in stored("objects/"):
        if (place := home / "store" / key).read_bytes() == b"see":
            place.unlink()
            place.write_bytes(b"sea")

    with pytest.raises(DigestMismatchError, match=r"b/c\.txt"):
        fs.cat_file("ds:v0/b/c.txt")
    assert fs.cat_file("ds:v0/b/d/e.txt") == b"eee"


def test_names_and_sizes_come_from_the_manifest_alone(fs: LadingFileSystem, opened: list[str]) -> None:
    fs.ls("ds:v0")
    fs.find("ds:v0")
    fs.info("ds:v0/a.csv")

    assert opened
    assert [key for key in opened if not key.startswith("manifests/")] == []


def test_an_alias_means_one_version_for_one_object_and_its_copies(fs: LadingFileSystem, dataset: Dataset) -> None:
    before = fs.cat_file("ds:latest/b/c.txt")
    dataset({"b/c.txt": "newer"})
    pickled = pickle.loads(pickle.dumps(fs))

    assert before == fs.cat_file("ds:latest/b/c.txt") == pickled.cat_file("ds:latest/b/c.txt") == b"see"
    assert fsspec.filesystem("lading", project="p").cat_file("ds:latest/b/c.txt") == b"newer"
    fs.invalidate_cache()
    assert fs.cat_file("ds:latest/b/c.txt") == b"newer"


def test_it_is_pickled_to_another_process(fs: LadingFileSystem, dataset: Dataset) -> None:
    fs.ls("ds:latest")
    dataset({"b/c.txt": "newer"})
    script = "import pickle, sys; print(pickle.loads(sys.stdin.buffer.read()).cat_file('ds:latest/b/c.txt').decode())"

    done = subprocess.run([sys.executable, "-P", "-c", script], input=pickle.dumps(fs), capture_output=True, check=False)

    assert (done.returncode, done.stdout) == (0, b"see\n"), done.stderr


def test_nothing_can_be_written(fs: LadingFileSystem, ds: lading.Artifact) -> None:
    attempts: list[Callable[[], object]] = [
        lambda: fs.open("ds:v0/new", "wb"),
        lambda: fs.open("ds:v0/a.csv", "ab"),
        lambda: fs.pipe_file("ds:v0/new", b"x"),
        lambda: fs.rm("ds:v0/a.csv"),
        lambda: fs.mkdir("ds:v0/new"),
        lambda: fs.makedirs("ds:v0/new"),
        lambda: fs.touch("ds:v0/new"),
        lambda: fs.mv("ds:v0/a.csv", "ds:v0/b.csv"),
    ]

    for attempt in attempts:
        with pytest.raises(UsageError, match="cannot be changed"):
            attempt()
    assert fs.find("ds:v0") == [f"ds:v0/{path}" for path in sorted(FILES)]


def test_files_know_their_digest_and_age(fs: LadingFileSystem, ds: lading.Artifact) -> None:
    assert fs.info("ds:v0/a.csv")["digest"] == fs.checksum("ds:v0/a.csv") == ds.get_entry("a.csv").digest
    assert fs.ukey("ds:v0/b") != fs.ukey("ds:v0/b/d")
    assert timedelta(0) <= datetime.now(UTC) - fs.modified("ds:v0/a.csv") < timedelta(minutes=10)


def test_get_makes_local_files(fs: LadingFileSystem, tmp_path: Path) -> None:
    fs.get("ds:v0/b", str(tmp_path / "out"), recursive=True)

    assert {path.name: path.read_text() for path in (tmp_path / "out").rglob("*.txt")} == {"c.txt": "see", "e.txt": "eee"}


def test_forked_workers_use_their_parents_object(fs: LadingFileSystem, dataset: Dataset) -> None:
    script = """
import os, sys
from lading.api.filesystem import LadingFileSystem
fs = LadingFileSystem(project="p")
fs.cat_file("ds:latest/b/c.txt")
pid = os.fork()
sys.stdout.write(fs.cat_file("ds:latest/b/d/e.txt").decode())
sys.stdout.flush()
if not pid:
    os._exit(0)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""

    done = subprocess.run([sys.executable, "-P", "-c", script], capture_output=True, text=True, check=False, timeout=60)

    assert (done.returncode, done.stdout) == (0, "eeeeee"), done.stderr


def test_many_threads_use_one_object(fs: LadingFileSystem) -> None:
    found: list[bytes] = []
    threads = [threading.Thread(target=lambda: found.append(fs.cat_file("ds:latest/b/c.txt"))) for _ in range(8)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == [b"see"] * 8


async def test_it_is_used_inside_a_running_loop(fs: LadingFileSystem) -> None:
    assert fs.cat_file("ds:latest/b/c.txt") == b"see"


# -- those who read through it -------------------------------------------------------------------------------------------------


def parquet(numbers: range) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table({"n": list(numbers), "kind": ["x"] * len(numbers)}), sink)
    return sink.getvalue()


def test_pandas_reads_it(ds: lading.Artifact) -> None:
    frame = pd.read_csv("lading://me/p/ds:latest/a.csv")

    assert frame.to_dict("list") == {"n": [1, 3], "m": [2, 4]}


def test_pandas_reads_parquet(dataset: Dataset) -> None:
    dataset({"part.parquet": parquet(range(5))}, name="table")

    assert pd.read_parquet("lading://p/table:latest/part.parquet")["n"].sum() == 10


def test_a_pyarrow_dataset_reads_it(dataset: Dataset) -> None:
    dataset({"t/0.parquet": parquet(range(3)), "t/1.parquet": parquet(range(3, 6))}, name="table")
    fs = LadingFileSystem(project="p")

    found = arrow.dataset("table:latest/t", filesystem=fs, format="parquet")

    assert found.count_rows() == 6
    assert sorted(found.to_table(filter=arrow.field("n") > 3)["n"].to_pylist()) == [4, 5]


class Lines:
    """A dataset as torch's DataLoader takes them: pickled to its workers, asked by index."""

    def __init__(self, fs: LadingFileSystem, folder: str) -> None:
        self.fs, self.paths = fs, fs.find(folder)

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> bytes:
        with self.fs.open(self.paths[index]) as file:
            found: bytes = file.read()
            return found


def test_a_dataset_of_torch_works_also_after_it_was_pickled(fs: LadingFileSystem) -> None:
    lines = Lines(fs, "ds:latest/b")

    again: Lines = pickle.loads(pickle.dumps(lines))

    assert [lines[index] for index in range(len(lines))] == [again[index] for index in range(2)] == [b"see", b"eee"]
