"""Lock files are text for git: sorted, stable, and refused where they are no such thing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.errors import FormatNewerError, InvalidValueError
from lading.upkeep.lockfile import Pin, chosen, decode_lock, encode_lock

DATA = Pin("ann/pets/cats", "best", "v3", "dataset", "ab" * 32)
MODEL = Pin("ann/pets/model", "latest", "v0", "model", "cd" * 32)
TEXT = f"""\
# Made by `lading pin`. `lading get --pinned` downloads exactly these versions.
format = 1

[[artifact]]
name = "ann/pets/cats"
alias = "best"
version = "v3"
type = "dataset"
digest = "{"ab" * 32}"

[[artifact]]
name = "ann/pets/model"
alias = "latest"
version = "v0"
type = "model"
digest = "{"cd" * 32}"
"""


def test_a_lock_file_is_sorted_text_and_reads_back() -> None:
    assert encode_lock([MODEL, DATA, DATA]) == TEXT
    assert decode_lock(TEXT, "lading.lock") == [DATA, MODEL]
    assert decode_lock(encode_lock([]), "lading.lock") == []


@given(
    st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=20), st.text(max_size=20, alphabet='"\\\n\t\x7f\x00é😀')
)
def test_any_type_and_alias_reads_back(type_: str, alias: str) -> None:
    pin = Pin("e/p/c", alias, "v1", type_, "d")

    assert decode_lock(encode_lock([pin]), "x") == [pin]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "format = 'x'",
        TEXT.replace('version = "v3"', 'version = "best"'),
        TEXT.replace("ann/pets/cats", "cats"),
        TEXT.replace("ann/pets/cats", "ann/pets/../cats"),
        TEXT.replace('type = "model"\n', ""),
        "format = " + "9" * 5000,
        "a = " + "[" * 100_000,
    ],
    ids=range(9),
)
def test_what_is_no_lock_file_is_refused_by_name(text: str) -> None:
    with pytest.raises(InvalidValueError, match=r"my\.lock is no lock file"):
        decode_lock(text, "my.lock")


def test_a_later_format_is_refused() -> None:
    with pytest.raises(FormatNewerError):
        decode_lock(TEXT.replace("format = 1", "format = 2"), "lading.lock")


@pytest.mark.parametrize(
    ("names", "found"),
    [
        ([], [DATA, MODEL]),
        (["model"], [MODEL]),
        (["ann/pets/cats"], [DATA]),
        (["pets/cats:best", "model"], [DATA, MODEL]),
        (["cats:v3"], [DATA]),
    ],
)
def test_names_choose_pins(names: list[str], found: list[Pin]) -> None:
    assert chosen([DATA, MODEL], names, entity="ann", project="pets") == found


@pytest.mark.parametrize("name", ["dogs", "cats:v4", "bob/pets/cats"])
def test_what_is_not_pinned_is_told(name: str) -> None:
    with pytest.raises(InvalidValueError, match="is not pinned"):
        chosen([DATA, MODEL], [name], entity="ann", project="pets")
