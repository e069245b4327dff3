"""Requests as values, and what of them people may see."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.errors import InvalidValueError
from lading.store.http.request import Request, shown_url


@pytest.mark.parametrize(
    ("url", "authority", "target"),
    [
        ("http://host", "host", "/"),
        ("https://host:443/a/b?c=d#e", "host", "/a/b?c=d"),
        ("https://HOST:8443/a", "host:8443", "/a"),
        ("http://[::1]:80/a", "[::1]", "/a"),
        ("http://host/a b/ü%20~+", "host", "/a%20b/%C3%BC%20~+"),
        ("http://host/?q=ä ö", "host", "/?q=%C3%A4%20%C3%B6"),
        ("http://bücher.example/", "xn--bcher-kva.example", "/"),
    ],
)
def test_a_url_becomes_what_goes_over_the_wire(url: str, authority: str, target: str) -> None:
    request = Request.of("GET", url)

    assert (request.authority, request.target) == (authority, target)
    assert Request.of("GET", request.url) == request


@pytest.mark.parametrize(
    "url",
    ["", "host/a", "ftp://host/a", "http://", "http:///a", "http://host:x/", "http://a b/", "http://host:99999/", "http://[::1/"],
)
def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(InvalidValueError):
        Request.of("GET", url)


def test_user_and_password_become_a_header_and_are_not_shown() -> None:
    request = Request.of("GET", "http://me:p%40ss@host/a")

    assert request.header("authorization") == "Basic bWU6cEBzcw=="
    assert "ss" not in request.shown + request.url + repr(request)


@given(st.text("abcdefgh", min_size=8, max_size=12), st.sampled_from(["X-Amz-Signature", "sig", "token", "Key", "x"]))
def test_what_may_be_a_secret_is_not_shown(secret: str, name: str) -> None:
    url = f"https://u:{secret}@host/path?{name}={secret}&partNumber=3&flag#{secret}"

    assert shown_url(url) == f"https://host/path?{name}=…&partNumber=3&flag"
    assert secret not in repr(Request.of("GET", url))


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://me:se/same@host:1/path", "https://host:1/path"),
        ("https://me:se?same@host/path", "https://host/path"),
        ("postgresql://me:se#s/a?me@host/path", "postgresql://host/path"),
        ("https://me:s@same@host/path", "https://host/path"),
        ("https://host:80/a@b", "https://host:80/a@b"),
        ("https://[::1]:80/a@b", "https://[::1]:80/a@b"),
        ("https://host/a:b/c@d?name=e@f", "https://host/a:b/c@d?name=e@f"),
        ("https://host:80?name=e@f", "https://host:80?name=e@f"),
    ],
)
def test_a_password_that_should_have_been_encoded_is_not_shown_either(url: str, shown: str) -> None:
    assert shown_url(url) == shown


def test_headers_take_the_place_of_those_of_the_same_name() -> None:
    request = Request.of("GET", "http://host/", (("Range", "1"), ("A", "b"))).with_headers(("range", "2"))

    assert request.headers == (("A", "b"), ("range", "2"))
    assert (request.header("RANGE"), request.header("none")) == ("2", None)
