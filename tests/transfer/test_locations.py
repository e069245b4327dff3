import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.errors import InvalidValueError
from lading.transfer.locations import Location, parse_location


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a.txt", Location("", "a.txt")),
        ("/x/a b", Location("", "/x/a b")),
        ("file:///x/a%20b", Location("", "/x/a b")),
        ("file://localhost/x*", Location("", "/x*")),
        ("data/*.npz", Location("", "data/*.npz", True)),
        ("s3://b", Location("s3://b", "")),
        ("s3://b/", Location("s3://b", "")),
        ("s3://b/k/l", Location("s3://b", "k/l")),
        ("s3://b/k%20l#m", Location("s3://b", "k%20l#m")),
        ("S3://b/k", Location("s3://b", "k")),
        ("gs://b/k/*.gz", Location("gs://b", "k/*.gz", True)),
        ("s3://b/k?.gz", Location("s3://b", "k?.gz", True)),
        ("s3://b/k?profile=x&region=eu", Location("s3://b?profile=x&region=eu", "k")),
        ("s3://b/k?.gz?endpoint=http://h:9/", Location("s3://b?endpoint=http://h:9/", "k?.gz", True)),
        ("s3://b?anonymous=1", Location("s3://b?anonymous=1", "")),
        ("s3://b/k?versionId=v&region=eu", Location("s3://b?version_id=v&region=eu", "k")),
        ("s3://b/k?region=eu&versionId=v", Location("s3://b?region=eu&version_id=v", "k")),
        ("s3://b/k?other_versionId=v", Location("s3://b", "k?other_versionId=v", True)),
        ("https://h/a/*.gz?x=1", Location("https://h/a/*.gz?x=1", "")),
    ],
)
def test_a_location_is_taken_apart(text: str, expected: Location) -> None:
    assert parse_location(text) == expected


def test_raw_takes_wildcards_as_they_are() -> None:
    assert parse_location("s3://b/a*?", raw=True) == Location("s3://b", "a*?")
    assert parse_location("a[1]*", raw=True) == Location("", "a[1]*")


@pytest.mark.parametrize("text", ["", "a\0b", "s3://", "s3:///k", "s3://b*/k", "ftp://h/x", "file://host/x"])
def test_what_names_nothing_is_refused(text: str) -> None:
    with pytest.raises(InvalidValueError):
        parse_location(text)


@pytest.mark.parametrize(
    ("text", "name", "root", "folder", "is_folder"),
    [
        ("a", "a", "", "a/", False),
        ("x/a", "a", "x/", "x/a/", False),
        ("x/", "", "x/", "x/", True),
        (".", ".", "", "./", True),
        ("x/..", "..", "x/", "x/../", True),
        ("s3://b", "", "", "", True),
        ("s3://b/x/y", "y", "x/", "x/y/", False),
        ("s3://b/.", ".", "", "./", False),
        ("https://h/x/y%20z.bin?a=b/c", "y z.bin", "", "", False),
        ("https://h/", "", "", "", False),
    ],
)
def test_its_names_and_folders(text: str, name: str, root: str, folder: str, is_folder: bool) -> None:
    found = parse_location(text)

    assert (found.name, found.root, found.folder, found.is_folder) == (name, root, folder, is_folder)


@pytest.mark.parametrize(
    ("text", "root", "literal", "pattern"),
    [
        ("s3://b/x/y*/z", "x/", "x/y", "y*/z"),
        ("s3://b/*", "", "", "*"),
        ("data/a?/b", "data/", "data/a", "a?/b"),
        ("s3://b/x/y", "x/", "x/y", ""),
    ],
)
def test_a_pattern_begins_after_the_last_slash_before_a_wildcard(text: str, root: str, literal: str, pattern: str) -> None:
    found = parse_location(text)

    assert (found.root, found.literal, found.pattern) == (root, literal, pattern)


def test_people_see_no_options_and_no_secrets() -> None:
    assert str(parse_location("s3://b/k?profile=x")) == "s3://b/k"
    assert str(parse_location("https://ann:secret@h/x?token=secret")) == "https://h/x"
    assert parse_location("s3://b/x/").address("y/z") == "s3://b/y/z"
    assert parse_location("x/").address("y/z") == "y/z"


@given(
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1).filter(lambda text: "://" not in text)
)
def test_any_path_is_a_place_on_this_machine(path: str) -> None:
    found = parse_location(path)

    assert (found.is_local, found.key) == (True, path)
    assert path.startswith(found.root)
    assert found.folder.endswith("/")


@given(st.text("abc/*?.", max_size=12))
def test_root_and_pattern_make_the_key(key: str) -> None:
    found = parse_location(f"s3://b/{key}")

    if found.wild:
        assert found.root + found.pattern == found.key
        assert found.literal.startswith(found.root)
    assert found.is_folder == (not key or key.endswith("/"))
