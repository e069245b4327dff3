"""Artifact paths: none escapes, none is ambiguous (SEMANTICS 1.6)."""

from pathlib import PurePath, PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.errors import InvalidTypeError, InvalidValueError, ManifestError
from lading.manifest.paths import artifact_path, check_path, find_case_clash, find_clash

PIECES = ["a", "B", ".", "..", "/", "\\", ":", " ", "\n", "\0", "ß", "é", "\ud800", "C", ".lading-"]
COMPONENTS = st.lists(st.sampled_from(PIECES), max_size=8).map("".join)


@pytest.mark.parametrize(
    ("path", "plain"),
    [
        ("a", "a"),
        ("train/class_0001/img 1.jpg", "train/class_0001/img 1.jpg"),
        ("a//b", "a/b"),
        ("./a", "a"),
        ("a/./b/", "a/b"),
        (".hidden/.x", ".hidden/.x"),
        ("a..b/...", "a..b/..."),
        ("ab:c", "ab:c"),
        ("dir/C:file", "dir/C:file"),
        ("back\\slash", "back\\slash"),
        ("snow/☃.txt", "snow/☃.txt"),
        ("line\nend", "line\nend"),
        ("x.lading-y", "x.lading-y"),
        ("é" * 127, "é" * 127),
        (PurePosixPath("a/b"), "a/b"),
        (PureWindowsPath("a\\b"), "a/b"),
    ],
)
def test_good_paths(path: str | PurePath, plain: str) -> None:
    """SEMANTICS 1.6: "relative"; "backslashes of PureWindowsPath are converted"."""
    assert artifact_path(path) == plain


@pytest.mark.parametrize(
    "path",
    [
        "",
        ".",
        "./",
        "/",
        "/etc/passwd",
        "//server/share",
        "\\file",
        "\\\\server\\share",
        "C:file",
        "c:\\x",
        "C:/x",
        "..",
        "../a",
        "a/../b",
        "a/..",
        "a\\..\\b",
        "nul\0byte",
        "\udcff.bin",
        ".lading-abc",
        "a/.lading-0/b",
        "a" * 256,
        "é" * 128,
        "a/" * 2049 + "a",
        PureWindowsPath("C:\\x"),
        PureWindowsPath("..\\x"),
        PurePosixPath("/x"),
        PurePosixPath("."),
    ],
    ids=lambda path: repr(path)[:40],
)
def test_bad_paths(path: str | PurePath) -> None:
    """SEMANTICS 1.6: "no "..", no posix/windows anchor (incl. `C:file`, `\\file`, `//server/share`), not "" or "." → ValueError
    "Invalid artifact path: …""; DESIGN 4: "`.lading-*` is reserved"."""
    with pytest.raises(InvalidValueError, match=r"^Invalid artifact path: "):
        artifact_path(path)


def test_a_name_that_is_not_utf8_is_shown_escaped() -> None:
    with pytest.raises(ValueError, match=r"'dir/\\udcff\.bin'"):
        artifact_path("dir/\udcff.bin")


@pytest.mark.parametrize("path", ["a\nb", "a\tb", "a\x7f", "é\x85"])
def test_control_characters_do_not_go_with_md5(path: str) -> None:
    assert artifact_path(path) == path
    with pytest.raises(ValueError, match="Invalid artifact path"):
        artifact_path(path, md5=True)


@pytest.mark.parametrize("path", [None, 5, b"a"])
def test_other_kinds_are_refused(path: object) -> None:
    with pytest.raises(InvalidTypeError):
        artifact_path(path)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


@given(st.one_of(st.text(), COMPONENTS, st.lists(COMPONENTS).map("/".join)))
def test_no_path_escapes(path: str) -> None:
    try:
        plain = artifact_path(path)
    except InvalidValueError:
        return

    assert artifact_path(plain) == plain
    assert PurePosixPath(plain).as_posix() == plain
    assert not PurePosixPath(plain).is_absolute()
    assert PureWindowsPath(plain).anchor == ""
    assert not {"..", ".", ""} & set(plain.split("/"))
    assert ".." not in PureWindowsPath(plain).parts
    assert not any(component.startswith(".lading-") for component in plain.split("/"))
    assert "\0" not in plain
    assert plain.encode().decode() == plain


@pytest.mark.parametrize("path", ["a//b", "./a", "a/", "../a", "", "a/\ud800"])
def test_documents_must_spell_paths_plainly(path: str) -> None:
    with pytest.raises(ManifestError, match="Invalid artifact path"):
        check_path(path)


def test_a_file_against_a_folder_is_found_in_any_order() -> None:
    assert find_clash(["a/b/c", "x", "a/b"]) == ("a/b", "a/b/c")
    assert find_clash(iter(["a", "a/b/c/d"])) == ("a", "a/b/c/d")
    assert find_clash(["a", "a-b", "a.b", "ab/c", "b"]) is None
    assert find_clash({}) is None


@given(st.sets(st.lists(st.sampled_from("abA"), min_size=1, max_size=4).map("/".join), max_size=12))
def test_clashes_are_those_that_the_slow_way_finds(paths: set[str]) -> None:
    naive = {(file, path) for file in paths for path in paths if path.startswith(file + "/")}
    folded = any(a != b and (a.lower() == b.lower() or b.lower().startswith(a.lower() + "/")) for a in paths for b in paths)

    clash = find_clash(paths)

    assert (clash is None) == (not naive)
    assert clash is None or clash in naive
    assert (find_case_clash(paths) is not None) == folded


def test_paths_that_differ_in_case_or_form_clash_where_a_destination_is_blind_to_them() -> None:
    assert find_case_clash(["a/b", "A/B"]) == ("a/b", "A/B")
    assert find_case_clash(["straße", "STRASSE"]) == ("straße", "STRASSE")
    assert find_case_clash(["caf\u00e9", "cafe\u0301"]) == ("caf\u00e9", "cafe\u0301")
    assert find_case_clash(["A", "a/b"]) == ("A", "a/b")
    assert find_case_clash(["A/x", "a/y"]) is None
    assert find_case_clash(["a", "a"]) is None
