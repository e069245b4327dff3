"""The doctor: what is well, what could be better, what is wrong, and what to do about it. Nothing is changed."""

import asyncio
import os
import shutil
import ssl
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from msgspec import Struct

from ..catalog import Catalog, open_catalog
from ..errors import LadingError, NotFoundError, StoreForeignError
from ..store.http.request import shown_url
from ..store.http.route import proxy_for, trust
from ..store.listing import Persist
from ..store.ownership import KEY, ownership
from ..store.server import request_to, server_time
from ..store.store import Store
from ..store.threads import in_thread
from .uploads import OLD, Leftover, may_go

PATIENCE = 20.0  # seconds for each question to the store
SKEWED = 60.0  # seconds: from here on signatures and times become doubtful
TIGHT, FULL = 5 << 30, 256 << 20  # bytes that are free
# What lading can use, for what, and of which stores it cannot do without.
PACKAGES = (
    ("aiobotocore", "AWS credentials beyond keys and files", ()),
    ("awscrt", "checksums in hardware", ()),
    ("gcloud-aio-storage", "gs:// stores", ("gs",)),
    ("gcloud-aio-auth", "gs:// stores", ("gs",)),
    ("google-crc32c", "checksums of gs:// stores", ()),
    ("asyncpg", "PostgreSQL catalogues", ()),
    ("fsspec", "lading:// paths and references of other kinds", ()),
    ("numpy", "tables and images", ()),
    ("pillow", "images", ()),
    ("opentelemetry-api", "spans", ()),
)


class Verdict(StrEnum):
    """`lading doctor` fails if something is wrong."""

    OK = "ok"
    ADVICE = "advice"
    WRONG = "wrong"


class Finding(Struct, frozen=True):
    """What was looked at, what was seen, and what to do about it unless all is well."""

    check: str
    verdict: Verdict
    text: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Patient:
    """What is examined. `store` is None where its URL could not be opened: then `trouble` says why."""

    catalog: str
    store: Store | None
    trouble: LadingError | None
    folders: Sequence[Path]  # on whose disks there must be room
    leftovers: Sequence[Leftover]
    persist: Persist  # asks the store


async def examine(patient: Patient) -> list[Finding]:
    """Everything, in the order in which it matters."""
    catalog, found = await _open(patient.catalog)
    try:
        found += await _store(patient, catalog, found[-1])
    finally:
        if catalog is not None:
            await catalog.close()
    found += about_trust(os.environ, ssl.get_default_verify_paths().cafile)
    found += about_packages(installed(), patient.store.url.partition("://")[0] if patient.store else "")
    found.append(about_leftovers(patient.leftovers, time.time()))
    found += await in_thread(lambda: _space(patient.folders))
    return found


async def _open(url: str) -> tuple[Catalog | None, list[Finding]]:
    shown = shown_url(url)
    path = url.partition(":///")[2]
    if url.startswith("sqlite:") and not await in_thread(lambda: Path(path).exists()):
        return None, [Finding("catalogue", Verdict.OK, f"{shown} is not there yet; the first command that needs it makes it")]
    began = time.monotonic()
    try:
        catalog = await open_catalog(url, busy_timeout=PATIENCE)
    except LadingError as error:
        return None, [_wrong("catalogue", error)]
    try:
        projects = len(await catalog.projects())
    except LadingError as error:
        return catalog, [_wrong("catalogue", error)]
    text = f"{shown} answers in {(time.monotonic() - began) * 1000:.0f} ms; projects: {projects}"
    return catalog, [Finding("catalogue", Verdict.OK, text)]


async def _store(patient: Patient, catalog: Catalog | None, seen: Finding) -> list[Finding]:
    """The store itself, and the way to it. `seen` is what was found of the catalogue."""
    store, way = patient.store, list[Finding]()
    if store is None:
        return [_wrong("store", patient.trouble)] if patient.trouble else []
    try:
        async with asyncio.timeout(2 * PATIENCE):
            way += await patient.persist(lambda: _way(store))
            reached = await patient.persist(lambda: _reach(store, catalog, seen))
    except TimeoutError:
        late = f"{shown_url(store.url)} did not answer within {2 * PATIENCE:.0f} s"
        reached = Finding("store", Verdict.WRONG, late, "check the network and the proxy")
    except LadingError as error:
        reached = _wrong("store", error)
    return [reached, *way]


async def _way(store: Store) -> list[Finding]:
    request = request_to(store)
    if request is None:
        return []
    proxy = proxy_for(request.scheme, request.host, request.port)
    text = f"through {proxy.url}" if proxy else f"none; straight to {request.host}"
    return [Finding("proxy", Verdict.OK, text), about_clock((await server_time(request)).skew)]


async def _reach(store: Store, catalog: Catalog | None, seen: Finding) -> Finding:
    shown, began = shown_url(store.url), time.monotonic()
    try:
        await store.head(KEY)
    except NotFoundError:
        return await _unclaimed(catalog, shown)
    return await _ownership(store, catalog, seen, f"{shown} answers in {(time.monotonic() - began) * 1000:.0f} ms")


async def _ownership(store: Store, catalog: Catalog | None, seen: Finding, text: str) -> Finding:
    try:
        found = await ownership(store)
    except StoreForeignError as error:
        return _wrong("store", error)
    if catalog is not None and (await catalog.id(), await catalog.store_id()) == (found.catalog, found.store):
        return Finding("store", Verdict.OK, f"{text}; it belongs to this catalogue")
    if catalog is None and seen.verdict is Verdict.WRONG:
        return Finding(
            "store",
            Verdict.ADVICE,
            f"{text}; whether it belongs to this catalogue, the catalogue cannot say now",
            "mend the catalogue; if it is lost, make a new one from the store: lading doctor --rebuild",
        )
    return Finding(
        "store",
        Verdict.WRONG,
        f"{text}; it belongs to another catalogue ({found.catalog}): it can be read, not written",
        "point LADING_CATALOG at the catalogue that owns it, LADING_STORE at a place of its own, or, if that catalogue is lost, "
        "make a new one from the store: lading doctor --rebuild",
    )


async def _unclaimed(catalog: Catalog | None, shown: str) -> Finding:
    if catalog is None or await catalog.store_id() is None:
        return Finding("store", Verdict.OK, f"{shown} answers; nothing was logged to it yet")
    return Finding(
        "store",
        Verdict.WRONG,
        f"{shown} is not the store of this catalogue: it has no {KEY}",
        "point LADING_STORE at the store that belongs to it",
    )


def about_clock(skew: float | None) -> Finding:
    if skew is None:
        return Finding("clock", Verdict.ADVICE, "the store does not tell the time", "nothing, if this machine's clock is right")
    where = f"{abs(skew):.0f} s {'behind' if skew > 0 else 'ahead of'} the store's"
    if abs(skew) > SKEWED:
        return Finding("clock", Verdict.WRONG, f"this machine's clock is {where}", "set it by NTP: signatures depend on it")
    return Finding("clock", Verdict.OK, f"this machine's clock agrees with the store's ({where})")


def about_trust(environment: Mapping[str, str], default: str | None) -> list[Finding]:
    """Whose certificates are believed, and by whose word."""
    named = [name for name in ("SSL_CERT_FILE", "SSL_CERT_DIR") if environment.get(name)]
    for name in named:
        if not Path(environment[name]).exists():
            return [
                Finding("certificates", Verdict.WRONG, f"{name}={environment[name]} does not exist", f"unset or correct {name}")
            ]
    try:
        trust()
    except ssl.SSLError as error:
        return [
            Finding("certificates", Verdict.WRONG, f"they cannot be read: {error}", f"correct {' and '.join(named) or 'them'}")
        ]
    said = ", ".join(f"{name}={environment[name]}" for name in named)
    return [Finding("certificates", Verdict.OK, f"those of {said or default or 'the system'} are believed")]


def installed() -> dict[str, str]:
    """The optional packages that are there, with their versions."""
    found: dict[str, str] = {}
    for name, _, _ in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def about_packages(there: Mapping[str, str], scheme: str) -> list[Finding]:
    """What is there and what is not; what the store at hand needs must be."""
    missing = [(name, use) for name, use, schemes in PACKAGES if name not in there and scheme in schemes]
    wrong = [
        Finding(
            "packages", Verdict.WRONG, f"{name} is not installed, which {use} need", f"pip install 'lading[{_extra(scheme)}]'"
        )
        for name, use in missing
    ]
    has = ", ".join(f"{name} {text}" for name, text in there.items()) or "none"
    lacks = ", ".join(f"{name} ({use})" for name, use, _ in PACKAGES if name not in there)
    return [*wrong, Finding("packages", Verdict.OK, f"optional: {has}{f'; not there: {lacks}' if lacks else ''}")]


def _extra(scheme: str) -> str:
    return {"gs": "gcs"}.get(scheme, scheme)


def about_leftovers(leftovers: Sequence[Leftover], now: float) -> Finding:
    going = [each for each in leftovers if may_go(each, now, OLD)]
    others = len(leftovers) - len(going)
    stay = f"{others} in the making by writers that live, or may live, elsewhere" if others else ""
    if not going:
        return Finding("leftovers", Verdict.OK, stay or "none")
    size = sum(each.size or 0 for each in going)
    what = f"{len(going)} of dead writers, {size / 1e6:.1f} MB on disks"
    return Finding(
        "leftovers",
        Verdict.ADVICE,
        f"{what}; {stay}" if stay else what,
        "run the same command again to go on with them, or remove them: lading gc --uploads",
    )


def _space(folders: Sequence[Path]) -> list[Finding]:
    disks: dict[int, Path] = {}
    for folder in folders:
        there = folder
        while not there.exists():
            there = there.parent
        disks.setdefault(there.stat().st_dev, there)
    return [about_space(str(place), shutil.disk_usage(place).free) for place in disks.values()]


def about_space(place: str, free: int) -> Finding:
    text = f"{free / 1e9:.1f} GB are free at {place}"
    if free < FULL:
        return Finding("disk", Verdict.WRONG, text, "free some room, or move LADING_HOME, LADING_STORE or LADING_ARTIFACT_DIR")
    if free < TIGHT:
        return Finding("disk", Verdict.ADVICE, text, "lading gc frees what no version needs")
    return Finding("disk", Verdict.OK, text)


def _wrong(check: str, error: LadingError) -> Finding:
    return Finding(check, Verdict.WRONG, error.message, error.hint or "see the message")
