"""docs/references.md."""

from .conftest import Reader


def test_the_examples_run(reader: Reader) -> None:
    reader.follow("docs/references.md")

    assert (reader.folder / "artifacts/second:v0/same.txt").read_text() == "stored once"
