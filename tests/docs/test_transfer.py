"""docs/transfer.md."""

import re
from typing import get_args

import pytest

from lading.errors import InvalidValueError
from lading.store.opening import open_store
from lading.testing.s3_server import S3Server
from lading.testing.s3_server_auth import Key
from lading.transfer.verdict import Bound

from .conftest import Reader, examples, text_of

PAGE = "docs/transfer.md"


def test_the_examples_run(reader: Reader) -> None:
    shell, python = examples(PAGE)

    with S3Server(keys={"AKIA": Key("secret")}) as s3:
        bucket = {"AWS_ENDPOINT_URL": s3.url, "AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "secret"}
        told = reader.run(shell, **bucket)
        printed = reader.run(python, **bucket)

    assert (reader.folder / "again.bin").read_bytes() == (reader.folder / "copy/model.bin").read_bytes() == bytes(20_000_000)
    assert told.stderr.count("bound by ") == 2
    assert "WRONG" not in told.stdout
    assert printed.stdout == "2 0\n"


def test_the_tests_that_a_promise_names_are_there() -> None:
    named = re.findall(r"`([a-z0-9_/]+\.py)(?:::(test_\w+))?`", text_of(PAGE).partition("## Promises")[2])

    assert len(named) > 20
    for file, test in named:
        text = text_of(file if file.startswith("bench/") else f"tests/{file}")
        assert not test or re.search(rf"def {test}\(", text), f"{file}::{test}"


def test_its_tables_are_those_of_the_code() -> None:
    bounds = re.findall(r"^\| `([a-z ]+)` \|", text_of(PAGE).partition("## What bound it")[2], re.MULTILINE)
    assert bounds == list(get_args(Bound))
    for row, url in (("s3", "s3://bucket"), ("gs", "gs://bucket")):
        (told,) = re.findall(rf"^\| `{row}://[^|]*\| (.*?) \|", text_of(PAGE), re.MULTILINE)
        with pytest.raises(InvalidValueError) as refused:
            open_store(f"{url}?nonsense=1")
        options = set(str(refused.value).partition("there are ")[2].rstrip(")").split(", "))
        assert options - {"project"} <= {name.partition("=")[0] for name in re.findall(r"`([^`]+)`", told)}
