"""What the doctor says of an installation, and of what is wrong with it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from lading.catalog import open_catalog
from lading.errors import SettingsError
from lading.store.folder import FolderStore
from lading.store.http.connection import close_idle
from lading.store.opening import open_store
from lading.store.owner import Fate
from lading.store.ownership import claim
from lading.store.store import Store
from lading.testing.gcs_server import GcsServer
from lading.testing.http_server import HttpServer
from lading.testing.s3_server import Refuse, S3Server
from lading.upkeep.doctor import (
    FULL,
    TIGHT,
    Finding,
    Patient,
    Verdict,
    about_clock,
    about_leftovers,
    about_packages,
    about_space,
    about_trust,
    examine,
)
from lading.upkeep.uploads import Leftover

from .conftest import patiently


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.lower().endswith("_proxy") or name.startswith("AWS_"):
            monkeypatch.delenv(name)


@pytest.fixture
def s3() -> Iterator[S3Server]:
    with S3Server() as server:
        yield server
        close_idle()


def url(s3: S3Server) -> str:
    return f"s3://bucket/ours?endpoint={s3.url}&anonymous=1"


async def looked(tmp_path: Path, store: Store | None, trouble: SettingsError | None = None) -> dict[str, Finding]:
    catalog = f"sqlite:///{tmp_path}/catalog.db"
    found = await examine(Patient(catalog, store, trouble, [tmp_path], [], patiently))
    return {each.check: each for each in found}


async def owned(tmp_path: Path, store: Store) -> None:
    catalog = await open_catalog(f"sqlite:///{tmp_path}/catalog.db")
    await claim(store, catalog)
    await catalog.close()


async def test_a_new_place_is_well_and_nothing_is_made(tmp_path: Path) -> None:
    found = await looked(tmp_path, FolderStore(tmp_path / "store"))

    assert {each.verdict for each in found.values() if each.check != "disk"} == {Verdict.OK}
    assert os.listdir(tmp_path) == []  # noqa: PTH208


async def test_a_store_of_this_catalogue_is_well(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "store")
    await owned(tmp_path, store)

    found = await looked(tmp_path, store)

    assert (found["catalogue"].verdict, found["store"].verdict) == (Verdict.OK, Verdict.OK)
    assert "belongs to this catalogue" in found["store"].text


async def test_the_store_of_another_catalogue_is_wrong(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "store")
    await owned(tmp_path / "other", store)

    found = (await looked(tmp_path, store))["store"]

    assert (found.verdict, "another catalogue" in found.text) == (Verdict.WRONG, True)
    assert "doctor --rebuild" in found.remedy


async def test_whose_a_store_is_cannot_be_told_without_the_catalogue(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "store")
    await owned(tmp_path, store)
    (tmp_path / "catalog.db").write_bytes(b"no database at all" * 100)

    found = (await looked(tmp_path, store))["store"]

    assert (found.verdict, "another catalogue" in found.text) == (Verdict.ADVICE, False)
    assert found.remedy.startswith("mend the catalogue")


async def test_a_catalogue_whose_store_is_elsewhere_is_told(tmp_path: Path) -> None:
    await owned(tmp_path, FolderStore(tmp_path / "store"))

    found = (await looked(tmp_path, FolderStore(tmp_path / "empty")))["store"]

    assert (found.verdict, "LADING_STORE" in found.remedy) == (Verdict.WRONG, True)


async def test_a_damaged_catalogue_is_wrong_and_the_rest_is_still_looked_at(tmp_path: Path) -> None:
    (tmp_path / "catalog.db").write_bytes(b"no database at all" * 100)

    found = await looked(tmp_path, FolderStore(tmp_path / "store"))

    assert (found["catalogue"].verdict, found["store"].verdict) == (Verdict.WRONG, Verdict.OK)


async def test_a_store_that_cannot_be_opened_is_wrong(tmp_path: Path) -> None:
    found = (await looked(tmp_path, None, SettingsError("no URL", hint="write one")))["store"]

    assert found == Finding("store", Verdict.WRONG, "no URL", "write one")


async def test_a_server_tells_its_time_and_how_it_is_reached(tmp_path: Path, s3: S3Server) -> None:
    store = open_store(url(s3))
    await owned(tmp_path, store)

    found = await looked(tmp_path, store)

    assert {name: found[name].verdict for name in ("store", "clock", "proxy")} == dict.fromkeys(
        ("store", "clock", "proxy"), Verdict.OK
    )
    assert "straight to 127.0.0.1" in found["proxy"].text


async def test_google_tells_its_time_and_a_plain_server_need_not(tmp_path: Path) -> None:
    with GcsServer() as google, HttpServer() as plain:
        stores = [open_store(f"gs://bucket/x?endpoint={google.url}&anonymous=1"), open_store(f"{plain.url}/data")]
        found = [await looked(tmp_path, store) for store in stores]
        close_idle()

    assert [each["clock"].verdict for each in found] == [Verdict.OK, Verdict.ADVICE]
    assert [each["store"].verdict for each in found] == [Verdict.OK, Verdict.OK]


async def test_a_clock_that_is_wrong_is_told(tmp_path: Path, s3: S3Server) -> None:
    s3.skew = 3600.0

    found = (await looked(tmp_path, open_store(url(s3))))["clock"]

    assert (found.verdict, found.text.split(" s ")[1]) == (Verdict.WRONG, "behind the store's")


async def test_a_store_that_refuses_or_is_not_there_is_wrong(tmp_path: Path, s3: S3Server) -> None:
    s3.fail("head", *[Refuse(403)] * 3)
    s3.fail("get", *[Refuse(403, "AccessDenied")] * 3)
    refused = await looked(tmp_path, open_store(url(s3)))
    gone = await looked(tmp_path, open_store("s3://bucket/ours?endpoint=http://127.0.0.1:9&anonymous=1"))

    assert (refused["store"].verdict, gone["store"].verdict) == (Verdict.WRONG, Verdict.WRONG)
    assert "cannot be reached" in gone["store"].text
    assert refused["store"].remedy


async def test_a_store_that_is_busy_for_a_moment_is_well(tmp_path: Path, s3: S3Server) -> None:
    s3.fail("head", Refuse(503, "SlowDown"), Refuse(503, "SlowDown"))

    found = (await looked(tmp_path, open_store(url(s3))))["store"]

    assert (found.verdict, s3.unused) == (Verdict.OK, [])


async def test_a_proxy_that_cannot_be_used_is_wrong(tmp_path: Path, s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "socks5://somewhere:1")

    found = (await looked(tmp_path, open_store(url(s3))))["store"]

    assert (found.verdict, "HTTP_PROXY" in found.remedy) == (Verdict.WRONG, True)


# What is decided of what was seen


@pytest.mark.parametrize(("skew", "verdict"), [(0.4, "ok"), (-59.0, "ok"), (61.0, "wrong"), (-61.0, "wrong"), (None, "advice")])
def test_a_clock_may_be_off_by_a_minute(skew: float | None, verdict: str) -> None:
    assert about_clock(skew).verdict == verdict


@pytest.mark.parametrize(("free", "verdict"), [(TIGHT, "ok"), (TIGHT - 1, "advice"), (FULL - 1, "wrong")])
def test_disks_need_room(free: int, verdict: str) -> None:
    found = about_space("/", free)

    assert (found.verdict, bool(found.remedy)) == (verdict, verdict != "ok")


def test_packages_that_the_store_needs_must_be_there() -> None:
    wrong, listed = about_packages({"gcloud-aio-storage": "9", "pillow": "11"}, "gs")

    assert (wrong.verdict, wrong.text.split()[0], wrong.remedy) == (Verdict.WRONG, "gcloud-aio-auth", "pip install 'lading[gcs]'")
    assert "pillow 11" in listed.text
    assert len(about_packages({}, "file")) == 1


def test_certificates_that_do_not_exist_are_wrong(tmp_path: Path) -> None:
    (good,) = about_trust({}, "/etc/ssl/cert.pem")
    (missing,) = about_trust({"SSL_CERT_FILE": str(tmp_path / "no.pem")}, None)

    assert (good.verdict, "/etc/ssl/cert.pem" in good.text) == (Verdict.OK, True)
    assert (missing.verdict, missing.remedy) == (Verdict.WRONG, "unset or correct SSL_CERT_FILE")


def test_leftovers_of_the_dead_are_worth_a_word() -> None:
    dead, alive = (Leftover("upload", "s3://b", "k", fate, 0.0, 3_000_000) for fate in (Fate.GONE, Fate.ALIVE))

    assert about_leftovers([], 0.0).verdict is Verdict.OK
    assert about_leftovers([alive], 0.0).verdict is Verdict.OK
    found = about_leftovers([dead, alive], 0.0)
    assert (found.verdict, found.text[:33]) == (Verdict.ADVICE, "1 of dead writers, 3.0 MB on disk")
    assert "lading gc --uploads" in found.remedy
