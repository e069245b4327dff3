"""Proxies by the environment."""

import pytest

from lading.errors import StoreError
from lading.store.http.route import Proxy, proxy_for


def test_without_a_word_there_is_no_proxy() -> None:
    assert proxy_for("https", "host", 443) is None


@pytest.mark.parametrize(
    ("variables", "scheme", "host", "port", "found"),
    [
        ({"HTTP_PROXY": "http://p:1"}, "http", "host", 80, Proxy("p", 1)),
        ({"HTTP_PROXY": "http://p:1"}, "https", "host", 443, None),
        ({"https_proxy": "p:2"}, "https", "host", 443, Proxy("p", 2)),
        ({"ALL_PROXY": "http://p"}, "https", "host", 443, Proxy("p", 80)),
        ({"ALL_PROXY": "http://p", "HTTPS_PROXY": "http://q"}, "https", "host", 443, Proxy("q", 80)),
        ({"HTTPS_PROXY": "http://me:a%3Ab@p:1"}, "https", "host", 443, Proxy("p", 1, "Basic bWU6YTpi")),
        ({"HTTPS_PROXY": "http://p", "NO_PROXY": "host"}, "https", "host", 443, None),
        ({"HTTPS_PROXY": "http://p", "NO_PROXY": ".example"}, "https", "a.example", 443, None),
        ({"HTTPS_PROXY": "http://p", "NO_PROXY": "host:444"}, "https", "host", 443, Proxy("p", 80)),
        ({"HTTPS_PROXY": "http://p", "NO_PROXY": "*"}, "https", "host", 443, None),
    ],
)
def test_the_environment_names_proxies(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], scheme: str, host: str, port: int, found: Proxy | None
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    assert proxy_for(scheme, host, port) == found


@pytest.mark.parametrize("url", ["socks5://me:hidden@p:1", "https://me:hidden@p:1", "http://me:hidden@p:x", "http://"])
def test_a_proxy_that_we_cannot_use_is_named_without_its_password(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("ALL_PROXY", url)

    with pytest.raises(StoreError, match="cannot be used") as caught:
        proxy_for("https", "host", 443)

    assert "hidden" not in str(caught.value)


def test_a_proxy_does_not_show_its_password() -> None:
    assert "secret" not in repr(Proxy("p", 1, "Basic secret"))
