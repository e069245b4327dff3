"""The manifest in memory: W&B's face, our digests."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.errors import EntryNotFoundError, InvalidValueError
from lading.manifest.digest import Algorithm, Label
from lading.manifest.entry import Entry
from lading.manifest.identity import artifact_digest
from lading.manifest.manifest import Manifest
from lading.manifest.paths import find_clash

HELLO = "ea8f163db38682925e4491c5e58d4bb3506ef8c14eb78a86e908c5624a67200f"
A, B = Entry("a" * 64, size=1), Entry("b" * 64, size=2)
LABELLED = Entry(HELLO, size=5, md5="XUFAKrxLKna5cZ2REBfFkg==")


def test_a_new_manifest_is_empty() -> None:
    manifest = Manifest()

    assert (len(manifest), manifest.size(), manifest.version(), dict(manifest.entries)) == (0, 0, 1, {})
    assert manifest.digest() == artifact_digest(Algorithm.BLAKE3, [])
    assert repr(manifest) == "<Manifest [0 entries, BLAKE3]>"


def test_digests_follow_the_label() -> None:
    blake, sha, md5 = (Manifest(name, {"file1.txt": LABELLED}) for name in ("BLAKE3", "SHA256", "MD5"))

    assert md5.digest() == "a00c2239f036fb656c1dcbf9a32d89b4"
    assert md5.tree_digest() == blake.tree_digest() == blake.digest()
    assert sha.digest() == artifact_digest(Algorithm.SHA256, sha.entries.items())
    assert (md5.algorithm, sha.algorithm) == (Algorithm.BLAKE3, Algorithm.SHA256)
    assert md5.digest_algorithm is Label.MD5


def test_xxh128_is_refused_with_a_hint() -> None:
    with pytest.raises(InvalidValueError, match="XXH128") as caught:
        Manifest("XXH128")

    assert caught.value.hint


def test_digests_change_with_the_entries() -> None:
    manifest = Manifest("MD5")
    seen = [(manifest.digest(), manifest.tree_digest())]
    manifest.add_entry("file1.txt", LABELLED)
    seen.append((manifest.digest(), manifest.tree_digest()))
    manifest.remove_entry("file1.txt")

    assert (manifest.digest(), manifest.tree_digest()) == seen[0]
    assert seen[0] != seen[1]


def test_the_same_digest_again_changes_nothing() -> None:
    manifest = Manifest()
    first = manifest.add_entry("a", A)

    assert manifest.add_entry("./a", Entry(A.digest, size=1)) is first
    assert manifest.add_entry(PurePosixPath("a"), A) is first
    assert len(manifest) == 1


@pytest.mark.parametrize("other", [B, Entry(A.digest, ref="s3://b/k")])
def test_another_digest_needs_overwrite(other: Entry) -> None:
    manifest = Manifest(entries={"p": A})

    with pytest.raises(ValueError, match=r"^Cannot add the same path twice: 'p'"):
        manifest.add_entry("p", other)
    assert manifest.entries["p"] is A
    assert manifest.add_entry("p", other, overwrite=True) is other
    assert manifest.entries["p"] is other


@pytest.mark.parametrize(("present", "added"), [("a", "a/b"), ("a", "a/b/c"), ("a/b/c", "a/b"), ("a/b/c", "a"), ("x/a", "x/a/b")])
def test_a_file_against_a_folder_is_refused(present: str, added: str) -> None:
    manifest = Manifest(entries={present: A, "other/a": A})

    for overwrite in (False, True):
        with pytest.raises(InvalidValueError, match="Cannot add"):
            manifest.add_entry(added, A, overwrite)
    assert set(manifest.entries) == {present, "other/a"}
    with pytest.raises(InvalidValueError, match="it is a folder"):
        Manifest(entries={present: A, added: A})

    manifest.remove_entry(present)
    manifest.add_entry(added, A)
    assert set(manifest.entries) == {added, "other/a"}


def test_many_entries_replace_what_lies_under_their_paths() -> None:
    manifest = Manifest(entries={"a": A, "d/a": A})
    before = manifest.digest()
    manifest.add_entries({"d/a": B, "d/b": B, "e/f/g": A})

    assert dict(manifest.entries) == {"a": A, "d/a": B, "d/b": B, "e/f/g": A}
    assert manifest.digest() == Manifest(entries=manifest.entries).digest() != before
    for path in ("d/a", "d/b", "e/f/g"):
        manifest.remove_entry(path)
    manifest.add_entries({"d": A, "e": A})  # no folders any more
    assert set(manifest.entries) == {"a", "d", "e"}


@pytest.mark.parametrize("clashing", ["a/b", "a/b/c", "x", "x/y"])
def test_of_many_entries_none_is_added_if_one_clashes(clashing: str) -> None:
    manifest = Manifest(entries={"a": A, "x/y/z": A})

    with pytest.raises(InvalidValueError, match=f"^Cannot add '{clashing}'"):
        manifest.add_entries({"new/1": A, "a": B, clashing: A})

    assert dict(manifest.entries) == {"a": A, "x/y/z": A}
    manifest.add_entry("new", A)


PATHS = st.lists(st.sampled_from("ab"), min_size=1, max_size=3).map("/".join)


@given(st.lists(st.tuples(st.booleans(), PATHS), max_size=30))
def test_after_any_history_there_is_no_clash(history: list[tuple[bool, str]]) -> None:
    manifest = Manifest()
    expected: set[str] = set()
    for adds, path in history:
        if adds and find_clash({*expected, path}) is None:
            manifest.add_entry(path, A)
            expected.add(path)
        elif adds:
            with pytest.raises(InvalidValueError):
                manifest.add_entry(path, A)
        elif path in expected:
            manifest.remove_entry(path)
            expected.remove(path)

        assert set(manifest.entries) == expected


@pytest.mark.parametrize("path", ["../a", "/a", "", "a\nb"])
def test_bad_paths_are_refused(path: str) -> None:
    with pytest.raises(InvalidValueError, match="Invalid artifact path"):
        Manifest("MD5").add_entry(path, A)


def test_entries_are_found() -> None:
    manifest = Manifest(entries={"a": A, "d/a": A, "d/e/b": B, "dd/a": A}, name="cargo")

    assert manifest.get_entry_by_path("d/e/b") is B
    assert manifest.get_entry_by_path("d") is None
    assert "a" in manifest
    assert list(manifest.get_entries_in_directory("d")) == list(manifest.get_entries_in_directory("d/")) == ["d/a", "d/e/b"]
    assert len(manifest.get_entries_in_directory("")) == 4
    assert manifest.size() == 5
    with pytest.raises(EntryNotFoundError) as caught:
        manifest.remove_entry("d")
    assert "d (cargo)" in caught.value.message


def test_entries_cannot_be_changed_from_outside() -> None:
    manifest = Manifest(entries={"a": A})

    with pytest.raises(TypeError):
        manifest.entries["b"] = B  # type: ignore[index]  # pyright: ignore[reportIndexIssue]


def test_size_counts_references_and_passes_over_what_is_unknown() -> None:
    assert Manifest(entries={"a": A, "r": Entry("e", size=7, ref="s3://b/k"), "u": Entry("u", ref="u://x")}).size() == 8


def test_wandb_documents() -> None:
    manifest = Manifest("MD5", {"file1.txt": LABELLED})
    document = manifest.to_manifest_json()

    read = Manifest.from_manifest_json(document)

    assert document["contents"] == {"file1.txt": {"digest": "XUFAKrxLKna5cZ2REBfFkg==", "size": 5}}
    assert read.to_manifest_json() == document
    assert read.digest() == manifest.digest()
    assert read.tree_digest() != manifest.tree_digest()


def test_eight_threads_that_add_the_same_files_leave_one_entry_each() -> None:
    manifest = Manifest()
    paths = [f"d{number % 10}/f{number}" for number in range(200)]

    def add(_: int) -> list[int]:
        return [id(manifest.add_entry(path, Entry(HELLO, size=5))) for path in paths]

    with ThreadPoolExecutor(8) as threads:
        kept = list(threads.map(add, range(8)))

    assert len(manifest) == 200
    assert all(ids == kept[0] for ids in kept)
    for path in paths:
        manifest.remove_entry(path)
    assert manifest.add_entry("d0", A) is A
