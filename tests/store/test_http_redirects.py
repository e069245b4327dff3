"""Where redirects may lead, and what goes along."""

import pytest

from lading.errors import StoreError
from lading.store.http.redirects import redirected
from lading.store.http.request import Request

HEADERS = (("Range", "bytes=0-1"), ("Authorization", "secret"), ("Cookie", "secret"), ("x-amz-security-token", "secret"))


def follow(url: str, location: str, method: str = "GET") -> Request:
    return redirected(Request.of(method, url, HEADERS), 302, {"location": location})


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("/b", "http://host/b"),
        ("b?x=1", "http://host/a/b?x=1"),
        ("//other/b", "http://other/b"),
        ("https://other/b", "https://other/b"),
        ("/ü".encode().decode("latin-1"), "http://host/%C3%BC"),
    ],
)
def test_a_redirect_leads_on(location: str, url: str) -> None:
    assert follow("http://host/a/c?sig=1", location).url == url


def test_only_the_same_server_hears_who_we_are() -> None:
    assert follow("https://host/a", "/b").headers == HEADERS
    for elsewhere in ("https://other/b", "https://host:444/b", "https://me:word@other/b"):
        assert follow("https://host/a", elsewhere).headers == (("Range", "bytes=0-1"),)


@pytest.mark.parametrize(
    "location", ["http://host/a?sig=secret", "ftp://host/?sig=secret", "http://[/?sig=secret", "file:///etc/passwd"]
)
def test_a_redirect_to_less_safety_or_elsewhere_than_http_is_refused(location: str) -> None:
    with pytest.raises(StoreError) as caught:
        follow("https://host/a", location)

    assert "secret" not in str(caught.value)


def test_a_put_is_not_sent_elsewhere() -> None:
    with pytest.raises(StoreError, match="redirects a PUT"):
        follow("https://host/a", "https://other/a", method="PUT")
