from pathlib import Path

from .conftest import Lading


def test_text_has_every_attribute_and_metadata(lading: Lading, cats: Path) -> None:
    lading("put", "cats", "-d", "soft\nand warm", "--metadata", '{"a": {"b": 1}}')
    answer = lading("info", "cats")

    facts = {line[:12].rstrip(): line[13:] for line in answer.lines}
    assert answer.lines[0] == "ann/pets/cats:v0"
    assert facts["size"] == "30 B (30 bytes)"
    assert facts["digest"].endswith("(BLAKE3)")
    assert facts["description"] == "soft\\nand warm"
    assert facts["logged by"].endswith("(put)")
    assert answer.out.endswith('metadata\n  {\n    "a": {\n      "b": 1\n    }\n  }\n')


def test_json_has_the_names_of_the_api(lading: Lading, two: Path) -> None:
    record = lading("info", "cats:first", "--json").json

    assert (record["qualified_name"], record["source_qualified_name"]) == ("ann/pets/cats:v0", "ann/pets/cats:v0")
    assert (record["aliases"], record["used_by"], record["state"]) == (["first"], [], "COMMITTED")
