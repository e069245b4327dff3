"""What answers mean."""

from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.errors import (
    LadingError,
    NotFoundError,
    ObjectChangedError,
    StoreDeniedError,
    StoreError,
    StoreFullError,
    StoreUnavailableError,
)
from lading.store.http.answers import Answer, Wanted, check_answer, object_size, refusal, retry_after, said, strong


@pytest.mark.parametrize(
    ("status", "error", "throttled"),
    [
        (401, StoreDeniedError, None),
        (403, StoreDeniedError, None),
        (404, NotFoundError, None),
        (410, NotFoundError, None),
        (412, ObjectChangedError, None),
        (416, StoreError, None),
        (400, StoreError, None),
        (501, StoreError, None),
        (507, StoreFullError, None),
        (408, StoreUnavailableError, False),
        (500, StoreUnavailableError, False),
        (502, StoreUnavailableError, False),
        (504, StoreUnavailableError, False),
        (599, StoreUnavailableError, False),
        (429, StoreUnavailableError, True),
        (503, StoreUnavailableError, True),
    ],
)
def test_a_status_has_its_error(status: int, error: type[LadingError], throttled: bool | None) -> None:
    found = refusal(Answer(status, {}), "key", "http://host")

    assert type(found) is error
    assert found.retryable == (error is StoreUnavailableError)
    assert getattr(found, "throttled", None) == throttled
    assert "http://host" in str(found)


NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        ("0", 0.0),
        (format_datetime(datetime.fromtimestamp(NOW + 90, UTC), usegmt=True), 90.0),
        (format_datetime(datetime.fromtimestamp(NOW - 90, UTC), usegmt=True), 0.0),
        ("-1", None),
        ("soon", None),
        ("", None),
        ("1.5", None),
        ("9" * 20, None),
        ("Mon, 99 Foo 99999999999 00:00:00 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str, seconds: float | None) -> None:
    assert retry_after({"retry-after": value}, NOW) == seconds


@given(st.text(max_size=40))
def test_no_retry_after_is_an_accident(value: str) -> None:
    found = retry_after({"retry-after": value}, NOW)

    assert found is None or found >= 0


def test_what_a_server_says_is_one_printable_line() -> None:
    assert said(Answer(400, {}, b" a\r\n\x1b[1m b\xff ")) == ": a [1m b\ufffd"
    assert said(Answer(400, {"content-type": "text/html"}, b"hello")) == ""
    assert said(Answer(400, {}, b"<Error><SecretKey/></Error>")) == ""
    assert len(said(Answer(400, {}, b"x" * 5000))) < 300


WANTED = Wanted("key", "http://host", 10, 20, '"1"')


def test_exactly_the_range_that_was_asked_for_is_taken() -> None:
    for total in ("20", "100", "*"):
        check_answer(WANTED, Answer(206, {"content-range": f"bytes 10-19/{total}", "etag": '"1"'}), 10)
    check_answer(WANTED, Answer(206, {"content-range": "bytes 10-19/20"}), None)


@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 60), st.one_of(st.none(), st.integers(0, 40)))
def test_no_other_range_is_taken(first: int, last: int, total: int, length: int | None) -> None:
    answer = Answer(206, {"content-range": f"bytes {first}-{last}/{total}"})
    right = (first, last) == (10, 19) and total >= 20 and length in (None, 10)

    try:
        check_answer(WANTED, answer, length)
    except StoreError:
        assert not right
    else:
        assert right


@pytest.mark.parametrize(
    "value",
    [
        "",
        "bytes",
        "bytes 10-19",
        "bytes 10-19/",
        "bytes=10-19/20",
        "items 10-19/20",
        "bytes 10-19/20, bytes 10-19/20",
        "bytes */20",
    ],
)
def test_a_range_that_is_not_said_plainly_is_refused(value: str) -> None:
    with pytest.raises(StoreUnavailableError):
        check_answer(WANTED, Answer(206, {"content-range": value}), 10)


def test_a_whole_object_is_taken_where_it_was_asked_for() -> None:
    whole = Wanted("key", "http://host", 0, 20)

    for length in (20, None):
        check_answer(whole, Answer(200, {}), length)
    for length in (19, 21):
        with pytest.raises(StoreError, match="in place of"):
            check_answer(whole, Answer(200, {}), length)
    with pytest.raises(StoreError, match="in place of"):
        check_answer(WANTED, Answer(200, {}), 20)


def test_another_etag_is_another_object() -> None:
    with pytest.raises(ObjectChangedError):
        check_answer(WANTED, Answer(206, {"content-range": "bytes 10-19/20", "etag": '"2"'}), 10)


@pytest.mark.parametrize(
    ("etag", "found"), [('"a"', True), ('W/"a"', False), ("", False), (None, False), ("a", False), ('""', False)]
)
def test_only_a_strong_etag_can_be_demanded(etag: str | None, found: bool) -> None:
    assert strong(etag) is found


def test_the_size_of_an_object_is_said_in_three_ways() -> None:
    assert object_size(Answer(200, {"content-length": "7"})) == 7
    assert object_size(Answer(206, {"content-length": "1", "content-range": "bytes 0-0/7"})) == 7
    assert object_size(Answer(416, {"content-range": "bytes */0", "content-length": "99"})) == 0
    assert object_size(Answer(206, {"content-range": "bytes 0-0/*"})) is None
    assert object_size(Answer(404, {"content-length": "7"})) is None
    assert object_size(Answer(200, {})) is None
