import pytest

from lading.api.cli.phrases import age, counted, printable, readable_seconds


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.04, "0.0 s"), (9.94, "9.9 s"), (9.96, "10 s"), (185, "3:05 min"), (7800, "2:10 h")]
)
def test_seconds(seconds: float, text: str) -> None:
    assert readable_seconds(seconds) == text


def test_counts() -> None:
    assert (counted(1, "file"), counted(20000, "file"), counted(0, "file")) == ("1 file", "20,000 files", "0 files")


@pytest.mark.parametrize(("now", "text"), [(0, "now"), (59, "59 s"), (3600, "1 h"), (86400 * 9, "9 d"), (86400 * 800, "2 y")])
def test_ages(now: float, text: str) -> None:
    assert age("1970-01-01T00:00:00Z", now) == text


def test_what_steers_a_terminal_is_escaped() -> None:
    assert printable("ä b\x1b[0m\n\u202e") == "ä b\\x1b[0m\\n\\u202e"
