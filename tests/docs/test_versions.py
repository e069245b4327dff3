"""docs/versions.md."""

from .conftest import Reader


def test_the_examples_run(reader: Reader) -> None:
    reader.follow("docs/versions.md")

    assert (reader.folder / "lineage.svg").read_text().count("<g ") == 4
