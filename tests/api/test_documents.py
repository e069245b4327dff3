"""Documents that somebody else wrote: damaged ones are mended, hostile ones do no harm."""

import gzip
import json
import secrets
from collections.abc import Callable
from pathlib import Path

import pytest

import lading
from lading.api.documents import AT_ONCE
from lading.api.portal import blocking
from lading.api.workspace import Workspace
from lading.catalog import Content, Labels
from lading.errors import LadingError, ManifestError
from lading.manifest.digest import LEAF_SIZE, Algorithm, tree_digest
from lading.store.store import write_bytes
from lading.transfer.plan import manifest_key

Make = Callable[..., lading.Artifact]


async def plant(workspace: Workspace, page: bytes, first: str, count: int = 1, *more: tuple[str, bytes]) -> None:
    """Commit version v1 of me/p/ds whose document is this page, and more, as somebody could who may write to store
    and catalogue."""
    session = await workspace.catalog.open_session(secrets.token_hex(16), "me", "p", "ds", "dataset")
    algorithm = Algorithm.BLAKE3
    some = [(first, page, count), *((path, data, len(json.loads(data))) for path, data in more)]
    made = [(tree_digest(algorithm, data), data) for _, data, _ in some]
    pages = [
        {"first": path, "digest": digest, "count": number, "size": len(data)}
        for (path, data, number), (digest, _) in zip(some, made, strict=True)
    ]
    index = {"format": 1, "algorithm": "BLAKE3", "leaf_size": LEAF_SIZE, "size": 0, "pages": pages}
    raw = json.dumps(index | {"count": sum(number for *_, number in some)}).encode()
    document = tree_digest(algorithm, raw)
    for digest, data in (*made, (document, raw)):
        await write_bytes(workspace.store, manifest_key(session.entity_id, algorithm, digest), gzip.compress(data))
    content = Content(
        digest=document, tree_digest=document, digest_algorithm="BLAKE3", document=document, size=0, file_count=count
    )
    await workspace.catalog.commit(session, content, Labels(), None)


def entries_of(artifact: lading.Artifact) -> dict[str, dict[str, object]]:
    entry = artifact.manifest.entries["a"]
    return {"a": {"digest": entry.digest, "size": entry.size}}


@pytest.mark.parametrize(
    "path",
    [
        "../x",
        "/x",
        "a/../../x",
        "a//b",
        "./a",
        "a/",
        "",
        "..",
        "a\\..\\..\\x",
        "C:x",
        "\\x",
        ".lading-x",
        "a/.lading-x",
        "a\0b",
        "x" * 256,
    ],
)
@pytest.mark.parametrize("what", ["download", "checkout", "get_entry", "file", "manifest"])
def test_a_path_that_leads_out_is_refused(dataset: Make, workspace: Workspace, tmp_path: Path, path: str, what: str) -> None:
    """DESIGN 4: paths of documents are checked when they are read; nothing is written anywhere."""
    good = entries_of(dataset({"a": "evil"}))["a"]
    blocking(plant)(workspace, json.dumps({path: good}).encode(), path)
    outside = sorted(each.as_posix() for each in tmp_path.rglob("*") if "home" not in each.parts)
    artifact = lading.Api().artifact("p/ds:v1")

    calls: dict[str, Callable[[], object]] = {
        "download": lambda: artifact.download("out"),
        "checkout": lambda: artifact.checkout("out"),
        "get_entry": lambda: artifact.get_entry(path).download("out"),
        "file": lambda: artifact.file("out"),
        "manifest": lambda: artifact.manifest,
    }

    with pytest.raises(ManifestError):
        calls[what]()
    assert sorted(each.as_posix() for each in tmp_path.rglob("*") if "home" not in each.parts) == outside


@pytest.mark.parametrize(
    "page",
    [
        b"[]",
        b"not json",
        b'{"a":{"digest":"x","size":4}}',
        b'{"a":{"digest":"%064d","size":-1}}' % 0,
        b'{"a":{"digest":"%064d","size":1,"ref":"x","place":{"pack":"p","start":0,"stop":1}}}' % 0,
        b'{"a":{"digest":"%064d"}}' % 0,
        b'{"a":{"digest":"%064d","size":20000000,"leaves":"%0192d"}}' % (0, 0),
        b'{"a":{"digest":"%064d","size":1,"evil":1}}' % 0,
    ],
)
def test_entries_that_cannot_be_are_refused(dataset: Make, workspace: Workspace, page: bytes) -> None:
    dataset({"a": "good"})
    blocking(plant)(workspace, page, "a")

    with pytest.raises(ManifestError, match="manifest page"):
        lading.Api().artifact("p/ds:v1").download("out")
    assert not Path("out").exists()


@pytest.mark.parametrize("count", [2, AT_ONCE + 1])
def test_pages_that_overlap_are_refused(dataset: Make, workspace: Workspace, count: int) -> None:
    """Else a file by its name could be another than the one of a whole download."""
    good = entries_of(dataset({"a": "evil"}))["a"]
    pages = [(path, json.dumps({path: good}).encode()) for path in "abcdefghijklmnop"[:count]]
    wide = json.dumps({pages[-2][0]: good, "y": good}).encode()
    if count == 2:
        blocking(plant)(workspace, wide, "a", 2, pages[1])
    else:
        blocking(plant)(workspace, pages[0][1], "a", 1, *pages[1:-2], (pages[-2][0], wide), pages[-1])
    artifact = lading.Api().artifact("p/ds:v1")

    with pytest.raises(ManifestError, match="is behind 'y'"):
        artifact.download("out")
    with pytest.raises(ManifestError, match="is behind 'y'"):
        list(artifact.files())
    assert not Path("out").exists()


def test_a_file_that_is_also_a_folder_is_refused(dataset: Make, workspace: Workspace) -> None:
    good = entries_of(dataset({"a": "evil"}))["a"]
    blocking(plant)(workspace, json.dumps({"a": good, "a/b": good}).encode(), "a", 2)
    artifact = lading.Api().artifact("p/ds:v1")

    with pytest.raises(ValueError, match="'a' is a file and a folder"):
        artifact.download("out")
    with pytest.raises(ValueError, match="'a'"):
        _ = artifact.manifest
    assert not Path("out").exists()


def test_an_object_that_is_not_what_the_document_says_stays_out(dataset: Make, workspace: Workspace) -> None:
    """The document names an object that lies in the store, under a wrong size."""
    good = entries_of(dataset({"a": "evil"}))["a"]
    blocking(plant)(workspace, json.dumps({"a": good | {"size": 3}}).encode(), "a")

    with pytest.raises(LadingError):
        lading.Api().artifact("p/ds:v1").download("out")
    assert not list(Path("out").glob("*"))
    assert Path(lading.Api().artifact("p/ds:v0").download(), "a").read_text() == "evil"  # nothing good was forgotten


@pytest.mark.parametrize("how", ["gone", "cut", "other"])
@pytest.mark.parametrize("which", ["index", "page"])
def test_a_damaged_document_is_named_and_mended_by_the_next_log(dataset: Make, home: Path, which: str, how: str) -> None:
    artifact = dataset({"a": "1", "b": "2"})
    document = artifact.commit_hash
    places = [path for path in (home / "store/manifests").rglob("*") if path.is_file()]
    (place,) = [path for path in places if (path.parent.name + path.name == document) == (which == "index")]
    good = place.read_bytes()
    place.unlink()
    if how != "gone":
        place.write_bytes(good[:-9] if how == "cut" else gzip.compress(b"{}"))

    with pytest.raises(ManifestError, match=r"manifest"):
        lading.Api().artifact("p/ds").download("out")

    assert dataset({"a": "1", "b": "2"}).version == "v0"
    assert place.read_bytes() == good
    lading.Api().artifact("p/ds").download("out")


def test_a_page_that_others_wrote_otherwise_is_read(dataset: Make, workspace: Workspace) -> None:
    """docs/formats.md: what is checked is the content, not the spelling."""
    entries = entries_of(dataset({"a": "good"}))
    blocking(plant)(workspace, json.dumps(entries, indent=1).encode(), "a")

    assert Path(lading.Api().artifact("p/ds:v1").download("out"), "a").read_text() == "good"


def test_who_reads_with_another_store_makes_nothing_forgotten(
    dataset: Make, workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong LADING_STORE says nothing about the store that belongs to the catalogue."""
    artifact = dataset({"a": "1"})
    for store in ("empty", "others"):
        monkeypatch.setenv("LADING_STORE", str(tmp_path / store))
        if store == "others":
            (tmp_path / store).mkdir()
            (tmp_path / store / "lading-store.json").write_text('{"format": 1, "catalog": "other", "store": "theirs"}')
        with pytest.raises(ManifestError, match=f"is not in file://{tmp_path}/{store}"):
            lading.Artifact.from_id(artifact.id or "", lading.Api()).download("out")

    version = artifact.logged_version("test")
    assert not blocking(workspace.catalog.lost)(version.entity_id)
