import fnmatch
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.errors import InvalidValueError
from lading.transfer.locations import parse_location
from lading.transfer.pairs import Compare, Found, Pair, Rules, Target, apart, is_due, pairing, surplus, target_of

NAMES = st.text("ab/.", min_size=1, max_size=10)


@pytest.mark.parametrize(
    ("source", "destination", "alone", "there", "expected"),
    [
        # one object
        ("s3://b/x/a", "d", True, False, Target("", "d")),
        ("s3://b/x/a", "d", True, True, Target("d/")),
        ("s3://b/x/a", "d/", True, False, Target("d/")),
        ("s3://b/x/a", ".", True, True, Target("./")),
        ("s3://b/x/a", "e/d", True, False, Target("e/", "d")),
        ("a", "s3://c", True, False, Target("")),
        ("a", "s3://c/p", True, False, Target("", "p")),
        ("a", "s3://c/p/", True, False, Target("p/")),
        ("a", "s3://c/q/p", True, False, Target("q/", "p")),
        ("a", "https://h/up/b?sig=1", True, False, Target("", "")),
        # a folder, by its name
        ("x/a", "d", False, False, Target("d/a/")),
        ("x/a", "d/", False, True, Target("d/a/")),
        ("s3://b/x/a", "s3://c", False, False, Target("a/")),
        ("s3://b/x/a", "s3://c/p", False, False, Target("p/a/")),
        # what is in it
        ("x/a/", "d", False, False, Target("d/")),
        (".", "s3://c/p", False, False, Target("p/")),
        ("s3://b", "d", False, False, Target("d/")),
        ("s3://b/x/*", "d", False, False, Target("d/")),
        ("x/a*/b", "s3://c/p/", False, False, Target("p/")),
    ],
)
def test_where_names_go(source: str, destination: str, alone: bool, there: bool, expected: Target) -> None:
    assert target_of(parse_location(source), parse_location(destination), alone=alone, there=there) == expected


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        ("*.gz", ["a.gz", "x/y.gz", ".gz"], ["a.gzz", "gz"]),
        ("**/a", ["x/a", "x/y/a", "/a"], ["a", "x/b"]),
        ("a?c", ["abc", "a/c", "a\nc"], ["ac", "abbc"]),
        ("a.c", ["a.c"], ["abc"]),
        ("logs/*", ["logs/", "logs/a/b"], ["log/a"]),
        ("a*b*c", ["abc", "axbxc", "abcbc"], ["ab", "acb"]),
        ("[a]", ["[a]"], ["a"]),
        ("a|b", ["a|b"], ["a", "b"]),
        ("", [""], ["a"]),
    ],
)
def test_a_pattern_matches_all_of_a_name(pattern: str, yes: list[str], no: list[str]) -> None:
    chosen = Rules(include=(pattern,)).chooser()

    assert [name for name in yes + no if chosen(name)] == yes


@given(st.text("ab*?./", max_size=8), st.text("ab./", max_size=10))
def test_wildcards_are_those_of_fnmatch_without_brackets(pattern: str, name: str) -> None:
    assert bool(Rules(include=(pattern,)).chooser()(name)) == fnmatch.fnmatchcase(name, pattern)


def test_a_pattern_of_many_stars_is_not_slow() -> None:
    chosen, began = Rules(include=("*a" * 30 + "b",)).chooser(), time.monotonic()

    assert not chosen("a" * 1000)
    assert time.monotonic() - began < 10  # who goes back for each star is not done in a lifetime


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        (Rules(), ["a.log", "a.txt", "x/b.log", "x/b.txt"]),
        (Rules(include=("*.log",)), ["a.log", "x/b.log"]),
        (Rules(exclude=("*.log",)), ["a.txt", "x/b.txt"]),
        (Rules(include=("*.log", "a.*"), exclude=("x/*",)), ["a.log", "a.txt"]),
        (Rules(include=("x/*",), exclude=("x/*",)), []),
        (Rules(pattern="x*", exclude=("*.log",)), ["x/b.txt"]),
    ],
)
def test_what_is_included_and_not_excluded_takes_part(rules: Rules, expected: list[str]) -> None:
    names = ["a.log", "a.txt", "x/b.log", "x/b.txt"]

    assert list(filter(rules.chooser(), names)) == expected


@pytest.mark.parametrize(
    ("there", "due"),
    [
        (None, "always never size newer size-or-newer"),
        (Found("k", 5, modified=20.0), "always"),
        (Found("k", 5, modified=10.0), "always"),
        (Found("k", 5, modified=5.0), "always newer size-or-newer"),
        (Found("k", 6, modified=20.0), "always size size-or-newer"),
        (Found("k", 6, modified=5.0), "always size newer size-or-newer"),
        (Found("k", 5), "always newer size-or-newer"),
    ],
)
def test_what_is_due(there: Found | None, due: str) -> None:
    source = Found("s", 5, modified=10.0)

    assert [each.value for each in Compare if is_due(source, there, each)] == [
        each.value for each in Compare if each in due.split()
    ]


def test_flat_names_that_become_one_are_refused() -> None:
    pair = pairing(flatten=True)
    found = Found("k", 1)

    assert pair("x/a", found) == Pair(found, "a")
    assert pair("x/b", found) == Pair(found, "b")
    with pytest.raises(InvalidValueError, match="x/a and y/a would both become a"):
        pair("y/a", found)


@given(st.sets(NAMES), st.sets(NAMES), st.sampled_from(["*", "a*", "*.", "a"]), st.sampled_from(["", "b*", "*a"]))
def test_nothing_is_surplus_that_has_a_source_or_is_left_out(
    there: set[str], names: set[str], include: str, exclude: str
) -> None:
    chosen = Rules(include=(include,), exclude=(exclude,)).chooser()

    gone = surplus({name: Found(name, 1) for name in there}, names, chosen)

    assert gone == sorted(gone)
    assert set(gone) <= there - names
    assert all(chosen(name) for name in gone)
    assert not any(chosen(name) for name in there - names - set(gone))


def test_a_destination_inside_of_the_source_is_refused_or_left_out() -> None:
    assert apart("/a/", "/b/", wild=False) == ""
    assert apart("/a/b/", "/a/", wild=False) == ""
    assert apart("/a/", "/ab/", wild=False) == ""
    assert apart("/a/", "/a/b/", wild=True) == "b/"
    for source, destination in (("/a/", "/a/b/"), ("/a/", "/a/"), ("", "b/")):
        with pytest.raises(InvalidValueError):
            apart(source, destination, wild=False)
    with pytest.raises(InvalidValueError):
        apart("/a/", "/a/", wild=True)
