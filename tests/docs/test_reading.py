"""docs/reading.md."""

from .conftest import Reader


def test_the_examples_run_and_download_nothing(reader: Reader) -> None:
    told = reader.follow("docs/reading.md")

    assert "".join(each.stdout for each in told) == "name,kg\n"
    assert list(reader.folder.iterdir()) == []
