"""Names, line by line as W&B checks them (SEMANTICS 1.6), and where ours are wider or stricter."""

import pytest

from lading.errors import InvalidTypeError, InvalidValueError
from lading.manifest.names import (
    ArtifactName,
    alias_list,
    alias_name,
    collection_name,
    entity_name,
    parse_artifact_name,
    project_name,
    run_id,
    tag_list,
    type_name,
    version_index,
)


@pytest.mark.parametrize("name", ["a", "my-data_1.0", "-", "...", "reference model", "a  b", "x" * 128])
def test_good_collection_names(name: str) -> None:
    """SEMANTICS 1.6: `^[a-zA-Z0-9_\\-.]+$`, ≤128; DESIGN 7: "names may hold inner spaces"."""
    assert collection_name(name) == name


@pytest.mark.parametrize("name", ["", " ", " a", "a ", "a/b", "a:v0", "é", "a\n", "a\tb", ".", "..", "x" * 129])
def test_bad_collection_names(name: str) -> None:
    """SEMANTICS 1.6: "≤128; "/" forbidden"."""
    with pytest.raises(InvalidValueError, match="rtifact name"):
        collection_name(name)


@pytest.mark.parametrize("name", [None, 3, b"a"])
def test_names_of_other_kinds_are_refused(name: object) -> None:
    with pytest.raises(InvalidTypeError):
        collection_name(name)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(("kind", "name"), [("dataset", "a"), ("run_table", "a"), ("code", "a"), ("jobs", "a"), ("x" * 128, "a")])
def test_good_types(kind: str, name: str) -> None:
    assert type_name(kind, name=name) == kind


@pytest.mark.parametrize(
    ("kind", "name"), [("wandb-history", "a"), ("wandb-", "a"), ("job", "a"), ("run_table", "run-x"), ("code", "source-x")]
)
def test_reserved_types(kind: str, name: str) -> None:
    """SEMANTICS 1.6: "prefix `wandb-` reserved; type `job` always; `run_table` with name prefix `run-`; `code` with prefix
    `source-`"."""
    with pytest.raises(InvalidValueError, match="is reserved for internal use"):
        type_name(kind, name=name)


@pytest.mark.parametrize("kind", ["", "a/b", "a:b", "x" * 129, "a\nb"])
def test_bad_types(kind: str) -> None:
    with pytest.raises(InvalidValueError):
        type_name(kind, name="a")


@pytest.mark.parametrize("name", ["p", "my project", "wandb-registry-models", "é", "x" * 128])
def test_good_projects(name: str) -> None:
    assert project_name(name) == name


@pytest.mark.parametrize(
    "name", ["", "a/b", "a\\b", "a#b", "a?b", "a%b", "a:b", "a\rb", "a\nb", "x" * 129, "wandb-registry-", ".", "..", "\ud800"]
)
def test_bad_projects(name: str) -> None:
    """SEMANTICS 1.6: "≤128, none of `/ \\ # ? % : \\r \\n`, non-empty; `wandb-registry-` prefix with non-empty rest"."""
    with pytest.raises(InvalidValueError):
        project_name(name)


@pytest.mark.parametrize("check", [entity_name, run_id])
@pytest.mark.parametrize("name", ["", "a/b", "a:b", "..", "a\n", "x" * 129])
def test_bad_entities_and_runs(check: object, name: str) -> None:
    assert callable(check)
    with pytest.raises(InvalidValueError):
        check(name)


def test_good_entities_and_runs() -> None:
    assert entity_name("ada@example.com") == "ada@example.com"
    assert run_id("3fj2k1") == "3fj2k1"


@pytest.mark.parametrize("alias", ["a/b", "a:b", "/", "v1:x"])
def test_aliases_hold_no_separators(alias: str) -> None:
    """SEMANTICS 1.6: "aliases: no "/" or ":"", with the text of 1.2."""
    with pytest.raises(ValueError, match=r"^Aliases must not contain any of the following characters: '/', ':': '") as caught:
        alias_list(["ok", alias])
    assert repr(alias) in str(caught.value)


@pytest.mark.parametrize("alias", ["v0", "v12", "v007"])
def test_aliases_do_not_look_like_versions(alias: str) -> None:
    """SEMANTICS 1.6: "`v<digits>` is a version index"."""
    with pytest.raises(ValueError, match="is how versions are numbered"):
        alias_name(alias)


@pytest.mark.parametrize("alias", ["", "  ", "x" * 129, "a\0b"])
def test_bad_aliases(alias: str) -> None:
    with pytest.raises(InvalidValueError):
        alias_name(alias)


def test_aliases_stand_once_in_their_order() -> None:
    assert alias_list(["prod", "best", "prod", "v1.2"]) == ("prod", "best", "v1.2")
    assert alias_list("prod") == ("prod",)
    assert alias_list(None) == ()
    with pytest.raises(InvalidTypeError):
        alias_list(5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_tags_stand_once_in_their_order() -> None:
    """SEMANTICS 1.6: "`^[-\\w]+( +[-\\w]+)*$`, deduped, order kept"."""
    assert tag_list(["b", "a", "b", "two words", "é-x_1"]) == ("b", "a", "two words", "é-x_1")
    assert tag_list("one") == ("one",)
    assert tag_list(None) == ()


@pytest.mark.parametrize("tag", ["", "a!", " a", "a ", "a/b", "a:b", "a\n", 5])
def test_bad_tags_are_named(tag: str) -> None:
    """SEMANTICS 1.6: "ValueError "Invalid tag(s)…""."""
    with pytest.raises(InvalidValueError, match=r"^Invalid tag\(s\): ") as caught:
        tag_list(["good", tag])

    assert repr(tag) in str(caught.value)
    assert "'good'" not in str(caught.value)


def test_version_index() -> None:
    """SEMANTICS 1.6: "`v<digits>` is a version index (`alias_is_version_index`)"."""
    assert version_index("v0") == 0
    assert version_index("v12") == 12
    assert [version_index(text) for text in ("latest", "v", "v1a", "V1", "v-1", "v01", "v\u0661", "v1\n", "v" + "9" * 5000)] == [
        None
    ] * 9


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("data", ArtifactName(None, None, "data", "latest")),
        ("data:v3", ArtifactName(None, None, "data", "v3")),
        ("p/data", ArtifactName(None, "p", "data", "latest")),
        ("e/p/data:best", ArtifactName("e", "p", "data", "best")),
        ("p/data:a/b:c", ArtifactName(None, "p", "data", "a/b:c")),
        ("reference model:v1", ArtifactName(None, None, "reference model", "v1")),
    ],
)
def test_artifact_names(text: str, name: ArtifactName) -> None:
    """SEMANTICS 1.3: "`[[entity/]project/]name[:alias]`, the alias may contain "/" and ":""."""
    assert parse_artifact_name(text) == name


@pytest.mark.parametrize("text", ["", ":v1", "data:", "a/b/c/d", "/data", "p//data", "../data", "p/.."])
def test_bad_artifact_names(text: str) -> None:
    with pytest.raises(InvalidValueError):
        parse_artifact_name(text)
