"""docs/cp.md."""

import re

from .conftest import Reader, text_of


def test_the_examples_run(reader: Reader) -> None:
    _, told = reader.follow("docs/cp.md")

    assert (reader.folder / "batch/two words").read_text() == "two\n"
    assert (reader.folder / "text/a.txt").exists()
    assert not (reader.folder / "text/sub").exists()
    assert told.stdout == "2 8\n()\n"


def test_the_rows_of_the_table_of_names_are_those_that_are_tested() -> None:
    """tests/transfer/test_copy_names.py has them as (source, destination, names)."""
    rows = re.findall(r"^\| `([^`]+)`[^|]*\| `([^`]+)`[^|]*\| (.*) \|$", text_of("docs/cp.md"), re.MULTILINE)
    tested = text_of("tests/transfer/test_copy_names.py")

    assert len(rows) == 11
    for source, destination, names in rows:
        expected = ", ".join(f'"{name}"' for name in re.findall(r"`([^`]+)`", names))
        assert f'("{source}", "{destination}", {{{expected}}}),' in tested
