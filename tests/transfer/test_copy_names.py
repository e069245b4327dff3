"""Names in a copy: what becomes of each, whichever way round; which of them take part, and which are refused."""

import os
from pathlib import Path

import pytest

from lading.errors import (
    InvalidValueError,
    LadingError,
    LocalFileError,
    NotFoundError,
)
from lading.manifest.digest import LEAF_SIZE
from lading.testing.buckets import Buckets, run_task
from lading.testing.trees import read_tree, seeded, write_tree
from lading.transfer.copier import Copier

BIG = seeded(2 * LEAF_SIZE + 5)
TREE = {"a.txt": b"a", "empty": b"", "sub/b.txt": b"bb", "sub/deep/big": BIG}


# Every row of the table in docs/cp.md: what is there, what is asked for, what comes of it.
TABLE = [
    ("x/a.txt", "new.txt", {"new.txt"}),
    ("x/a.txt", "new/", {"new/a.txt"}),
    ("x/a.txt", "there", {"there/a.txt"}),
    ("x", "new", {"new/x/a.txt", "new/x/sub/b.txt"}),
    ("x", "there/", {"there/x/a.txt", "there/x/sub/b.txt"}),
    ("x/", "new", {"new/a.txt", "new/sub/b.txt"}),
    ("x/", "there/", {"there/a.txt", "there/sub/b.txt"}),
    ("x/*", "new", {"new/a.txt", "new/sub/b.txt"}),
    ("x/*.txt", "new", {"new/a.txt", "new/sub/b.txt"}),
    ("x/s*", "new/", {"new/sub/b.txt"}),
    ("*b.txt", "new/", {"new/x/sub/b.txt"}),
]


INTO_STORES = [row for row in TABLE if row[1] != "there"]  # where nothing but the slash makes a folder


@pytest.mark.parametrize(("source", "destination", "expected"), TABLE)
async def test_the_table_of_names_from_folder_to_folder(
    copier: Copier, tmp_path: Path, source: str, destination: str, expected: set[str]
) -> None:
    write_tree(tmp_path, {"x/a.txt": b"a", "x/sub/b.txt": b"b"})
    (tmp_path / "there").mkdir()

    await run_task(copier, source, destination)

    assert {name for name in read_tree(tmp_path) if not name.startswith("x/")} == expected


@pytest.mark.parametrize(("source", "destination", "expected"), INTO_STORES)
async def test_the_table_of_names_from_folder_to_store(
    copier: Copier, buckets: Buckets, tmp_path: Path, source: str, destination: str, expected: set[str]
) -> None:
    write_tree(tmp_path, {"x/a.txt": b"a", "x/sub/b.txt": b"b"})

    await run_task(copier, source, f"s3://b/{destination}")

    assert set(buckets.held("s3://b")) == expected


@pytest.mark.parametrize(("source", "destination", "expected"), TABLE)
async def test_the_table_of_names_from_store_to_folder(
    copier: Copier, buckets: Buckets, tmp_path: Path, source: str, destination: str, expected: set[str]
) -> None:
    buckets.fill("s3://b", {"x/a.txt": b"a", "x/sub/b.txt": b"b"})
    (tmp_path / "there").mkdir()

    await run_task(copier, f"s3://b/{source}", destination)

    assert set(read_tree(tmp_path)) == expected


@pytest.mark.parametrize(("source", "destination", "expected"), INTO_STORES)
async def test_the_table_of_names_from_store_to_store(
    copier: Copier, buckets: Buckets, source: str, destination: str, expected: set[str]
) -> None:
    buckets.fill("s3://b", {"x/a.txt": b"a", "x/sub/b.txt": b"b"})

    await run_task(copier, f"s3://b/{source}", f"gs://c/{destination}")

    assert set(buckets.held("gs://c")) == expected


async def test_only_what_is_included_and_not_excluded_is_copied(copier: Copier, tmp_path: Path) -> None:
    write_tree(tmp_path / "x", TREE)

    await run_task(copier, "x/", "out", include=("*.txt", "empty"), exclude=("sub/*",))

    assert set(read_tree(tmp_path / "out")) == {"a.txt", "empty"}


async def test_flat_names_have_no_folders(copier: Copier, tmp_path: Path) -> None:
    write_tree(tmp_path / "x", TREE)

    await run_task(copier, "x", "out", flatten=True, exclude=("*big",))

    assert set(read_tree(tmp_path / "out")) == {"x/a.txt", "x/b.txt", "x/empty"}


async def test_raw_names_have_no_wildcards(copier: Copier, buckets: Buckets, tmp_path: Path) -> None:
    buckets.fill("s3://b", {"a*": b"star", "ab": b"b"})

    await run_task(copier, "s3://b/a*", "out/", raw=True)

    assert read_tree(tmp_path / "out") == {"a*": b"star"}


async def test_a_pattern_does_not_copy_what_it_has_copied(copier: Copier, tmp_path: Path) -> None:
    write_tree(tmp_path, {"a.txt": b"a"})

    for _ in range(2):
        await run_task(copier, "*.txt", "out/")

    assert set(read_tree(tmp_path)) == {"a.txt", "out/a.txt"}


@pytest.mark.parametrize(
    ("source", "destination", "error"),
    [
        ("nope", "out", LocalFileError),
        ("nope/", "out", LocalFileError),
        ("nope*", "out", NotFoundError),
        ("s3://b/nope", "out", NotFoundError),
        ("s3://b/nope/", "out", NotFoundError),
        ("s3://b/nope*", "out", NotFoundError),
        ("x/", "x/in/", InvalidValueError),
        ("x", "x/", InvalidValueError),
        ("x/", "x", InvalidValueError),
        ("s3://b/", "s3://b/in/", InvalidValueError),
        ("x/", "out/*", InvalidValueError),
        ("x/", "https://h/x", InvalidValueError),
    ],
)
async def test_what_cannot_be_copied_is_an_error_and_changes_nothing(
    copier: Copier, buckets: Buckets, tmp_path: Path, source: str, destination: str, error: type[Exception]
) -> None:
    write_tree(tmp_path, {"x/a": b"a"})
    buckets.fill("s3://b", {"a": b"a"})

    with pytest.raises((error, LocalFileError)):
        await run_task(copier, source, destination)

    assert read_tree(tmp_path) == {"x/a": b"a"}
    assert buckets.held("s3://b") == {"a": b"a"}


@pytest.mark.parametrize("key", ["../evil", "a/../../evil", "/etc/evil", "/evil", "a//b"])
async def test_a_key_that_leads_out_of_the_folder_is_refused(copier: Copier, buckets: Buckets, tmp_path: Path, key: str) -> None:
    buckets.fill("s3://b", {f"p/{key}": b"x"})

    with pytest.raises(LadingError):
        await run_task(copier, "s3://b/p/", "out")

    assert read_tree(tmp_path) == {}


async def test_a_key_of_the_form_of_our_temporary_files_is_refused(copier: Copier, buckets: Buckets, tmp_path: Path) -> None:
    buckets.fill("s3://b", {"a/.lading-x-y-0": b"x"})

    with pytest.raises(LocalFileError, match="cannot be the name of a file"):
        await run_task(copier, "s3://b/", "out")

    assert read_tree(tmp_path) == {}


async def test_a_name_that_is_not_utf8_is_no_key_and_may_be_a_file(copier: Copier, buckets: Buckets, tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / os.fsdecode(b"caf\xe9")).write_bytes(b"c")

    await run_task(copier, "x/", "out")
    with pytest.raises(InvalidValueError, match="is not UTF-8"):
        await run_task(copier, "x/", "s3://b")

    assert read_tree(tmp_path / "out") == {os.fsdecode(b"caf\xe9"): b"c"}


async def test_links_are_followed_where_it_is_read(copier: Copier, buckets: Buckets, tmp_path: Path) -> None:
    write_tree(tmp_path, {"real/a": b"a", "x/b": b"b"})
    (tmp_path / "x/link").symlink_to("../real")
    (tmp_path / "x/file").symlink_to("b")

    await run_task(copier, "x/", "s3://b")

    assert buckets.held("s3://b") == {"b": b"b", "file": b"b", "link/a": b"a"}


async def test_a_linked_folder_is_not_written_through(copier: Copier, buckets: Buckets, tmp_path: Path) -> None:
    buckets.fill("s3://b", {"sub/x": b"x"})
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out/sub").symlink_to("../elsewhere")

    with pytest.raises(LocalFileError, match="'sub' is a link"):
        await run_task(copier, "s3://b/", "out")

    assert read_tree(tmp_path / "elsewhere") == {}


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("data", [b"x", BIG])
async def test_a_pipe_or_folder_does_not_become_a_file(copier: Copier, buckets: Buckets, tmp_path: Path, data: bytes) -> None:
    buckets.fill("s3://b", {"pipe": data})
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(LocalFileError, match="neither a file nor a folder"):
        await run_task(copier, "s3://b/pipe", "pipe")

    assert (tmp_path / "pipe").is_fifo()
    assert names(tmp_path) == ["pipe"]


async def test_the_execute_bit_is_kept_between_folders(copier: Copier, tmp_path: Path) -> None:
    write_tree(tmp_path / "x", {"run": b"#!", "big": BIG})
    (tmp_path / "x/run").chmod(0o755)
    (tmp_path / "x/big").chmod(0o755)

    await run_task(copier, "x/", "out")

    assert all(os.access(tmp_path / "out" / name, os.X_OK) for name in ("run", "big"))
