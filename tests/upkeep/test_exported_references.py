"""References in exports: kept, turned into files, or refused, for an export can be anybody's work."""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import lading
from lading.api.exporting import export_project
from lading.api.importing import Imported, import_project
from lading.api.portal import blocking
from lading.api.session import workspace_here
from lading.api.workspace import close_workspaces
from lading.transfer.progress import Meter

from .conftest import Log

Import = Callable[..., Imported]


@pytest.fixture
def exported(log: Log, tmp_path: Path) -> Callable[..., None]:
    """Log an artifact of each of these URIs by name, and export all."""

    def make(uris: dict[str, str]) -> None:
        run = lading.run
        assert run is not None
        log({"plain": "plain"}, "zoo")
        for name, uri in uris.items():
            artifact = lading.Artifact(name, "dataset")
            artifact.add_reference(uri, name="it", checksum=False)
            run.log_artifact(artifact).wait()

        async def work() -> None:
            await export_project(await workspace_here(), "me", "p", str(tmp_path / "out"), (), Meter())

        blocking(work)()

    return make


@pytest.fixture
def imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Import]:
    """Import it into another lading, of the same name."""

    def run(**options: bool) -> Imported:
        if lading.run is not None:
            lading.run.finish()
        monkeypatch.setenv("LADING_HOME", str(tmp_path / "other"))

        async def work() -> Imported:
            return await import_project(await workspace_here(), str(tmp_path / "out"), None, None, Meter(), **options)

        return blocking(work)()

    yield run
    blocking(close_workspaces)()


def test_references_to_this_machine_are_refused_unless_allowed(
    exported: Callable[..., None], imported: Import, tmp_path: Path
) -> None:
    """DESIGN 5, Trust: "`file:` and private addresses from another entity's version only with `allow_local_references=True`". Who
    made an export cannot be known: that it bears one's own name says nothing."""
    secret = tmp_path / "secret"
    secret.write_text("key")
    exported({"disk": f"file://{secret}", "near": "http://127.0.0.1:9/x"})

    refused = imported()
    allowed = imported(allow_local_references=True)

    assert refused.versions == ["me/p/zoo:v0"]
    assert [line.partition(": ")[0] for line in refused.problems] == ["me/p/disk:v0", "me/p/near:v0"]
    assert all("--allow-local-references" in line for line in refused.problems)
    assert (allowed.versions, allowed.known) == (["me/p/disk:v0", "me/p/near:v0"], ["me/p/zoo:v0"])
    assert Path(lading.Api().artifact("p/disk:v0").download(), "it").read_text() == "key"


def test_public_references_are_taken_over_and_those_that_cannot_be_judged_are_not(
    exported: Callable[..., None], imported: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve = socket.getaddrinfo

    def known(host: Any, *arguments: Any, **options: Any) -> Any:
        if host == "unknown.test":
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return resolve("93.184.216.34" if host == "public.test" else host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", known)
    exported(
        {
            "bucket": "s3://bucket/a",
            "noted": "ref://shelf/4711",
            "public": "http://public.test/a",
            "unknown": "http://unknown.test/a",
        }
    )

    done = imported()

    assert done.versions == [f"me/p/{name}:v0" for name in ("bucket", "noted", "public", "zoo")]
    assert [line.partition(": ")[0] for line in done.problems] == ["me/p/unknown:v0"]
    assert lading.Api().artifact("p/public:v0").get_entry("it").ref == "http://public.test/a"


def test_a_reference_to_what_was_deleted_becomes_a_file(log: Log, tmp_path: Path) -> None:
    """A project that was deleted comes back from its export."""
    source = log({"a": "wanted"}, "source")
    referring = lading.Artifact("refers", "dataset")
    referring.add_reference(source.get_entry("a"))
    lading.log_artifact(referring).wait()

    async def out_and_in() -> Imported:
        workspace = await workspace_here()
        await export_project(workspace, "me", "p", str(tmp_path / "out"), (), Meter())
        for name in ("source", "refers"):
            await (await lading.Api().artifact_async(f"{name}:v0")).delete_async(delete_aliases=True)
        return await import_project(workspace, str(tmp_path / "out"), None, "again", Meter())

    done = blocking(out_and_in)()

    assert done.versions == ["me/again/refers:v0", "me/again/source:v0"]
    assert done.problems == ["me/again/refers:v0: a was a reference to another artifact, and is a file now"]
    assert Path(lading.Api().artifact("again/refers:v0").download(), "a").read_text() == "wanted"


def test_a_version_whose_target_could_not_be_imported_is_told(log: Log, imported: Import, tmp_path: Path) -> None:
    source = log({"a": "wanted"}, "source")
    referring = lading.Artifact("refers", "dataset")
    referring.add_reference(source.get_entry("a"))
    lading.log_artifact(referring).wait()

    async def out() -> None:
        await export_project(await workspace_here(), "me", "p", str(tmp_path / "out"), (), Meter())

    blocking(out)()
    (tmp_path / "out/source/v0/a").write_text("altered")

    done = imported()

    assert done.versions == ["me/p/refers:v0"]
    assert "Digest mismatch for a" in done.problems[0]
    assert done.problems[1:] == ["me/p/refers:v0: refers to a version of the export that could not be imported"]
