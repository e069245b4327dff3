"""docs/upkeep.md."""

from .conftest import Reader


def test_the_examples_run(reader: Reader) -> None:
    (told,) = reader.follow("docs/upkeep.md")

    assert "me/uncategorized/data:v0\n" in told.stdout
    assert (reader.folder / "inputs/data/a.txt").read_text() == "two\n"
    assert (reader.folder / "exported/data/v1/a.txt").read_text() == "two\n"
    assert "me/copy/data:v1\n" in told.stdout
    assert not (reader.folder / "exported/data/v0").exists()
