import contextlib
from pathlib import Path

import pytest

from .conftest import Lading


def test_each_setting_with_its_value_and_origin(lading: Lading, home: Path) -> None:
    rows = {line.split()[0]: line.split()[1:] for line in lading("config", "show").lines}

    assert rows["SETTING"] == ["VALUE", "FROM"]
    assert rows["home"] == [str(home), "LADING_HOME"]
    assert rows["digest"] == ["BLAKE3", "default"]
    assert rows["max_memory"] == ["-", "default"]
    assert not home.exists()


def test_a_file_is_named_as_origin(lading: Lading, tmp_path: Path) -> None:
    (tmp_path / "lading.toml").write_text('digest = "SHA256"\n')

    found = {each["name"]: each for each in lading("config", "show", "--json").json}

    assert (found["digest"]["value"], found["digest"]["source"]) == ("SHA256", str(tmp_path / "lading.toml"))
    assert found["digest"]["variable"] == "LADING_DIGEST"
    assert found["quiet"]["value"] is False


def test_a_project_file_that_says_where_things_go_is_named(lading: Lading, tmp_path: Path) -> None:
    """A folder that somebody cloned may bring one."""
    path, below = tmp_path / "lading.toml", tmp_path / "deep"
    path.write_text('store = "s3://stranger/bucket"\ncatalog = "sqlite:///names.db"\n')
    below.mkdir()
    with contextlib.chdir(below):
        rows = {line.split()[0]: line.split()[1:] for line in lading("config", "show").lines}

    assert (rows["store"], rows["catalog"]) == (
        ["s3://stranger/bucket", str(path)],
        [f"sqlite:///{tmp_path}/names.db", str(path)],
    )


def test_secrets_are_masked(lading: Lading, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LADING_API_KEY", "sesame")
    monkeypatch.setenv("LADING_STORE", "https://me:sesame@host/p?X-Amz-Signature=sesame")
    monkeypatch.setenv("LADING_CATALOG", "postgresql://me:sesame@host/db")

    assert "sesame" not in lading("config", "show").out + lading("config", "show", "--json").out + lading("doctor").out
    rows = {line.split()[0]: line.split()[1] for line in lading("config", "show").lines}
    assert (rows["api_key"], rows["catalog"]) == ("********", "postgresql://host/db")
    assert rows["store"] == "https://host/p?X-Amz-Signature=…"


@pytest.mark.parametrize("variable", ["LADING_STORE", "LADING_CATALOG"])
def test_secrets_of_an_address_that_cannot_be_are_not_told(
    lading: Lading, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "ftp://me:sesame@host/db")
    answer = lading("ls")

    assert answer.code == 1
    assert "ftp://" in answer.err
    assert "sesame" not in answer.err


def test_a_setting_that_cannot_be_is_named(lading: Lading, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LADING_CONCURRENCY", "many")
    answer = lading("config", "show")

    assert answer.code == 1
    assert "error: LADING_CONCURRENCY cannot be 'many'" in answer.err
