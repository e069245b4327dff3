"""Versions go when their time is over or enough newer ones are there, unless something names them."""

import datetime
import time
from pathlib import Path

import pytest
from msgspec.structs import replace

import lading
from lading.api.portal import blocking
from lading.api.workspace import Workspace
from lading.catalog import DISABLED, INHERIT, Version
from lading.upkeep.retention import delete, may_go, outdated

from .conftest import Log

DAY = 86400.0


def listed(
    workspace: Workspace, keep_last: int | None = None, *, days: float = 0, only: tuple[tuple[str, str, str], ...] = ()
) -> list[str]:
    async def run() -> list[str]:
        found = outdated(workspace.catalog, keep_last, only, time.time() + days * DAY)
        return [f"{each.place.collection}:v{each.place.index}" async for each in found]

    return blocking(run)()


@pytest.fixture
def version(log: Log) -> Version:
    return replace(log({"a": "a"}).logged_version("x"), aliases=(), created_at=1000.0)


@pytest.mark.parametrize(
    ("ttl", "inherited", "goes"),
    [(100, None, True), (101, None, False), (INHERIT, 100, True), (INHERIT, None, False), (DISABLED, 100, False)],
)
def test_time_to_live_is_the_versions_own_or_its_collections(
    version: Version, ttl: int, inherited: int | None, goes: bool
) -> None:
    assert may_go(replace(version, ttl=ttl, inherited_ttl=inherited), 0, 1100.0, None) is goes


def test_an_alias_keeps_a_version_whatever_its_age_and_number(version: Version) -> None:
    old = replace(version, ttl=1)

    assert may_go(old, 9, 9e9, 1)
    assert not may_go(replace(old, aliases=("best",)), 9, 9e9, 1)


def test_the_last_so_many_are_kept_by_number_alone(version: Version) -> None:
    assert [may_go(version, position, 0.0, 2) for position in range(4)] == [False, False, True, True]


def test_expired_and_surplus_versions_are_found_in_all_collections(log: Log, workspace: Workspace) -> None:
    for name in ("a", "b"):
        for number in range(4):
            log({"x": f"{name}{number}"}, name, aliases=["best"] if number == 1 else None)
    old = lading.Api().artifact("a:v2")
    old.ttl = datetime.timedelta(days=3)
    old.save()

    assert listed(workspace) == []
    assert listed(workspace, days=4) == ["a:v2"]
    assert listed(workspace, 2) == ["a:v0", "b:v0"]
    assert listed(workspace, 1, only=(("me", "p", "b"),)) == ["b:v2", "b:v0"]


def test_what_is_linked_stays(log: Log, workspace: Workspace) -> None:
    first = log({"x": "1"})
    first.link("p/shown")
    log({"x": "2"})

    assert listed(workspace, 0) == []
    lading.Api().artifact("p/shown:v0").unlink()
    assert listed(workspace, 0) == ["ds:v0"]


def test_what_gets_an_alias_in_between_is_not_deleted(log: Log, workspace: Workspace, home: Path) -> None:
    versions = [log({"x": str(number)}).logged_version("x") for number in range(3)]
    named = lading.Api().artifact("ds:v0")
    named.aliases.append("best")
    named.save()

    gone = blocking(delete)(workspace.catalog, versions[:2])

    assert [each.id for each in gone] == [versions[1].id]
    assert [each.version for each in lading.Api().artifact_collection("dataset", "ds").artifacts()] == ["v2", "v0"]
