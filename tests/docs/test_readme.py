"""The README."""

from .conftest import Reader, examples


def test_the_five_minutes_run(reader: Reader) -> None:
    shells = [each for each in examples("README.md") if each.language == "sh" and "make" not in each.text]
    shell, copying = shells

    told = reader.run(shell)
    for example in examples("README.md"):
        if example.language == "python":
            reader.run(example)
    reader.run(copying)

    assert "pets/cats:v1" in told.stdout
    assert "1 file modified" in told.stderr
    assert (reader.folder / "copy/cat.txt").read_text() == "tabby\n"
    assert (reader.folder / "artifacts/birds:v0/labels.txt").read_text() == "tabby\n"
    assert sorted(path.name for path in (reader.folder / "texts").iterdir()) == ["cat.txt", "dog.txt"]
