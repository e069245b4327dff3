import sys
from pathlib import Path

import pytest

from lading.errors import SettingsError, UsageError
from lading.store.folder import FolderStore
from lading.store.opening import open_store


def test_a_folder_is_a_url_or_a_path(tmp_path: Path) -> None:
    assert open_store(f"file://{tmp_path}/a%20b").url == open_store(str(tmp_path / "a b")).url == f"file://{tmp_path}/a%20b"


def test_a_path_may_begin_at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ann")

    store = open_store("~/store")

    assert isinstance(store, FolderStore)
    assert store.root == "/home/ann/store"


@pytest.mark.parametrize(
    ("url", "text"), [("file://host/path", "does not name a folder"), ("ftp://x/y", "is not the URL of a store")]
)
def test_a_store_that_cannot_be_is_refused(url: str, text: str) -> None:
    with pytest.raises(SettingsError, match=text):
        open_store(url)


@pytest.mark.parametrize(
    ("url", "module", "hint"),
    [("s3://b", "s3", r"lading\[s3\]"), ("gs://b", "gcs", r"lading\[gcs\]"), ("https://h", "http", "lading")],
)
def test_a_kind_that_is_not_installed_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, url: str, module: str, hint: str
) -> None:
    monkeypatch.setitem(sys.modules, f"lading.store.{module}.store", None)

    with pytest.raises(UsageError, match=f"pip install .*{hint}"):
        open_store(url)


def test_a_web_server_is_opened_by_its_address() -> None:
    assert open_store("https://example.org").url.startswith("https://example.org")
