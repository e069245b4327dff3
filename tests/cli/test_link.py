"""`lading link`."""

from pathlib import Path

from tests.cli.conftest import Lading


def test_a_version_is_shown_in_a_portfolio(lading: Lading, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    lading("put", str(tmp_path / "a"), "--name", "p/ds")

    linked = lading("link", "p/ds:v0", "best/models", "-a", "prod", "-a", "eu")

    assert (linked.code, linked.out) == (0, "me/best/models:v0\n")
