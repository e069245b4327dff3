import pytest

from lading.api.cli.target import Files, Project, Projects, Target, Versions, parse_target
from lading.errors import InvalidValueError


@pytest.mark.parametrize(
    ("text", "target"),
    [
        (None, Projects()),
        ("pets", Project("pets")),
        ("pets/", Project("pets")),
        ("ann/pets/", Project("ann/pets")),
        ("pets/cats", Versions("pets/cats")),
        ("ann/pets/cats", Versions("ann/pets/cats")),
        ("cats:latest", Files("cats:latest")),
        ("ann/pets/cats:a/b", Files("ann/pets/cats:a/b")),
    ],
)
def test_what_a_text_names(text: str | None, target: Target) -> None:
    assert parse_target(text) == target


@pytest.mark.parametrize("text", ["/", "a//b", "a/b/c/", "a/b/c/d", "/a"])
def test_what_names_nothing(text: str) -> None:
    with pytest.raises(InvalidValueError):
        parse_target(text)
