"""docs/formats.md. (Its values are compared with the code in tests/manifest/test_formats.py.)"""

import gzip
import json
import re
from pathlib import Path

from .conftest import Example, Reader, examples, text_of

PAGE = "docs/formats.md"


def values(what: str) -> list[str]:
    """The row of the worked example: BLAKE3 and SHA256."""
    (row,) = re.findall(rf"^\| {re.escape(what)} \| `([0-9a-f]{{64}})` \| `([0-9a-f]{{64}})` \|$", text_of(PAGE), re.MULTILINE)
    return list(row)


def test_the_commands_print_the_values_of_the_worked_example(reader: Reader) -> None:
    tree, artifact, _ = examples(PAGE)

    assert re.findall(r"[0-9a-f]{64}", reader.run(tree).stdout) == values("tree digest of `zeros.bin`")
    assert re.findall(r"[0-9a-f]{64}", reader.run(artifact).stdout) == values("artifact digest")[:1]


def test_the_commands_check_the_documents_of_a_store(reader: Reader) -> None:
    _, _, check = examples(PAGE)
    reader.run(Example("sh", "mkdir data && printf hello > data/hello.txt && lading put data"))
    store = Path(reader.environment["LADING_HOME"]) / "store"
    (place,) = store.glob("versions/me/*/data/v0.json")
    receipt = json.loads(place.read_text())

    def fetch(name: str, digest: str) -> bytes:
        document = (store / f"manifests/{receipt['entity_id']}/blake3/{digest[:2]}/{digest[2:]}").read_bytes()
        (reader.folder / name).write_bytes(document)
        return gzip.decompress(document)

    (page,) = json.loads(fetch("index", receipt["document"]))["pages"]
    fetch("page", page["digest"])
    told = reader.run(check).stdout.split()

    hello = values("tree digest of `hello`")[0]
    assert told == [receipt["document"], "-", page["digest"], "hello.txt", page["digest"], "-", hello, "hello.txt"]
