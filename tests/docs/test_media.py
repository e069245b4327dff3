"""docs/media.md."""

from .conftest import Example, Reader, examples


def test_the_examples_run_one_after_another_in_one_process(reader: Reader) -> None:
    found = examples("docs/media.md")

    told = reader.run(Example("python", "".join(each.text for each in found)), LADING_QUIET="1")

    assert [each.language for each in found] == ["python"] * 5
    assert (told.stdout, told.stderr) == ("", "")
