"""References into buckets: objects, versions, prefixes; how many requests they cost; what is found out when they are followed."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

import lading
from lading.api import active_run
from lading.api.portal import blocking
from lading.api.references.handler import Context
from lading.api.references.registry import handler_for
from lading.api.session import workspace_here
from lading.errors import DigestMismatchError, InvalidValueError, NotFoundError
from lading.manifest.digest import Label
from lading.manifest.entry import Entry
from lading.store.s3.asking import Ask, ask
from lading.store.s3.store import S3Store, open_s3
from lading.testing.gcs_server import GcsServer
from lading.testing.http_server import HttpServer
from lading.testing.s3_server import Refuse, S3Server
from lading.testing.s3_server_bucket import Rules

_numbers = itertools.count()
Put = Callable[..., None]


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Server]:
    with S3Server(rules=Rules(page=100)) as server:
        use(server.url, monkeypatch)
        yield server


def use(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")


def put(server: S3Server, key: str, data: bytes, kind: str = "binary/octet-stream") -> None:
    server.bucket.put(key, data, {"content-type": kind})


def logged(artifact: lading.Artifact) -> lading.Artifact:
    run = active_run()
    assert run is not None
    return run.log_artifact(artifact).wait()


# -- S3 ---------------------------------------------------------------------------------------------------------------
def test_an_object(run: lading.Run, s3: S3Server, tmp_path: Path) -> None:
    """SEMANTICS 2.3: digest the ETag without quotes, extra etag; 2.2: `"size": 10, "extra": {"etag": …}`."""
    put(s3, "deep/a.bin", b"0123456789")
    artifact = lading.Artifact("s3", "dataset")

    (entry,) = artifact.add_reference("s3://bucket/deep/a.bin")

    assert [call.kind for call in s3.calls] == ["head"]
    assert (entry.path, entry.size, entry.ref) == ("a.bin", 10, "s3://bucket/deep/a.bin")
    assert entry.extra == {"etag": entry.digest}
    logged(artifact).download(tmp_path / "there")
    assert (tmp_path / "there/a.bin").read_bytes() == b"0123456789"
    assert s3.count("head") == 1  # to follow it, reading is enough


def test_a_prefix_costs_its_pages_and_no_request_per_object(run: lading.Run, s3: S3Server, tmp_path: Path) -> None:
    """Seed 000: all objects below `prefix/` go to the root; SEMANTICS 5.7: no HEAD for each, and no crash on a sibling."""
    for number in range(250):
        put(s3, f"prefix/{number:03}.txt", str(number).encode())
    put(s3, "prefix-two/x.txt", b"x")
    artifact = lading.Artifact("s3", "dataset")

    entries = artifact.add_reference("s3://bucket/prefix")

    assert [entry.path for entry in entries] == [f"{number:03}.txt" for number in range(250)]
    assert (s3.count("head"), s3.count("get")) == (1, 0)
    assert s3.count("list") == 3 + 1  # one asks whether there are versions
    logged(artifact).download(tmp_path / "there")
    assert (tmp_path / "there/249.txt").read_text() == "249"


def test_folder_markers_are_skipped_and_empty_objects_are_not(home: Path, s3: S3Server) -> None:
    """SEMANTICS 2.3: x-directory; 5.7: zero-byte objects silently gave nothing."""
    put(s3, "data/", b"", "application/x-directory")
    put(s3, "data/sub/", b"", "application/x-directory; charset=UTF-8")
    put(s3, "data/sub/empty", b"")
    put(s3, "data/other", b"", "application/x-directory")
    put(s3, "data/other-file", b"1")
    put(s3, "data/other/file", b"2")
    put(s3, "marked", b"", "application/x-directory")
    put(s3, "marked/file", b"3")
    artifact = lading.Artifact("s3", "dataset")

    paths = [entry.path for entry in artifact.add_reference("s3://bucket/data/", name="all")]
    (marked,) = artifact.add_reference("s3://bucket/marked")

    assert paths == ["all/other-file", "all/other/file", "all/sub/empty"]
    assert marked.path == "file"


def test_more_than_max_objects_is_an_error(home: Path, s3: S3Server) -> None:
    """SEMANTICS 2.3: `.limit(max_objects)` truncates silently (known bug); ours does not."""
    for number in range(250):
        put(s3, f"p/{number}", b"")
    artifact = lading.Artifact("s3", "dataset")

    with pytest.raises(ValueError, match="Exceeded 249 objects"):
        artifact.add_reference("s3://bucket/p", max_objects=249)

    assert len(artifact.manifest.entries) == 0
    assert len(artifact.add_reference("s3://bucket/p", max_objects=250)) == 250


def test_a_whole_bucket(home: Path, s3: S3Server) -> None:
    """SEMANTICS 2.3: listing when the key is empty."""
    put(s3, "a", b"1")
    put(s3, "deep/b", b"2")
    artifact = lading.Artifact("s3", "dataset")

    entries = [*artifact.add_reference("s3://bucket"), *artifact.add_reference("s3://bucket/", name="again")]

    assert [entry.path for entry in entries] == ["a", "deep/b", "again/a", "again/deep/b"]
    assert entries[1].ref == "s3://bucket/deep/b"
    assert s3.count("head") == 0


def test_a_missing_prefix_is_an_error(home: Path, s3: S3Server) -> None:
    """SEMANTICS 2.3: a missing prefix gave `[]`."""
    put(s3, "other", b"1")

    for uri in ("s3://bucket/none", "s3://bucket/none/", "s3://bucket/othe"):
        with pytest.raises(FileNotFoundError):
            lading.Artifact("s3", "dataset").add_reference(uri)


def test_without_checksum_nothing_is_asked(run: lading.Run, s3: S3Server) -> None:
    """SEMANTICS 2.3: one entry, digest = ref = URI, s3: path = name or full key, stored ref without query."""
    put(s3, "deep/a", b"1")
    artifact = lading.Artifact("s3", "dataset")

    (plain,) = artifact.add_reference("s3://bucket/deep/a", checksum=False)
    (pinned,) = artifact.add_reference("s3://bucket/deep/a?versionId=v1", name="b", checksum=False)

    assert s3.calls == []
    assert (plain.path, plain.digest, plain.ref, plain.size) == ("deep/a", "s3://bucket/deep/a", "s3://bucket/deep/a", None)
    assert (pinned.path, pinned.ref, pinned.extra) == ("b", "s3://bucket/deep/a", {"versionID": "v1"})
    artifact.remove("b")
    assert Path(logged(artifact).get_entry("deep/a").download()).read_bytes() == b"1"


def test_a_listing_that_fails_in_its_midst_goes_on(home: Path, s3: S3Server) -> None:
    for number in range(250):
        put(s3, f"p/{number:03}", b"")
    s3.fail("list", Refuse(503, "SlowDown"), Refuse(500, "InternalError"))

    entries = lading.Artifact("s3", "dataset").add_reference("s3://bucket/p/")

    assert len({entry.path for entry in entries}) == 250
    assert s3.unused == []


def test_an_object_that_was_replaced_is_refused_and_one_that_is_gone_is_skipped(run: lading.Run, s3: S3Server) -> None:
    """SEMANTICS 2.3: etag compared; missing → FileNotFoundError; allow_missing_references swallows only that."""
    for name in ("a", "b", "c"):
        put(s3, f"p/{name}", name.encode())
    artifact = lading.Artifact("s3", "dataset")
    artifact.add_reference("s3://bucket/p")
    logged(artifact)
    del s3.bucket.objects["p/a"]

    with pytest.raises(FileNotFoundError, match="a: s3://bucket/p/a"):
        artifact.download()
    path = artifact.download(allow_missing_references=True)
    assert sorted(each.name for each in Path(path).iterdir()) == ["b", "c"]
    put(s3, "p/b", b"other")
    with pytest.raises(ValueError, match="Digest mismatch for s3://bucket/p/b"):
        artifact.download(path_prefix="b", allow_missing_references=True)
    with pytest.raises(DigestMismatchError):
        artifact.get_entry("b").download()
    assert Path(path, "b").read_text() == "b"


@pytest.fixture
def versioned(home: Path, moto: str, monkeypatch: pytest.MonkeyPatch) -> S3Store:
    """A bucket of its own, with versions."""
    use(moto, monkeypatch)
    store = open_s3(f"s3://bucket-{next(_numbers)}")
    blocking(ask)(store.place, Ask("PUT"))
    body = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
    blocking(ask)(store.place, Ask("PUT", query=(("versioning", ""),), body=body))
    return store


def write(store: S3Store, key: str, data: bytes) -> str:
    answer = blocking(ask)(store.place, Ask("PUT", key, body=data))
    return str(answer.headers["x-amz-version-id"])


def test_versions(run: lading.Run, versioned: S3Store, tmp_path: Path) -> None:
    """SEMANTICS 2.3: versionID if versioned; `?versionId=` parsed, stored ref without query."""
    first, second = write(versioned, "p/a", b"first"), write(versioned, "p/a", b"second")
    last, bucket = write(versioned, "p/b", b"b"), f"s3://{versioned.place.bucket}"
    write(versioned, "p/gone", b"gone")
    blocking(versioned.delete)(["p/gone"])
    artifact = lading.Artifact("s3", "dataset")

    (old,) = artifact.add_reference(f"{bucket}/p/a?versionId={first}", name="old")
    (now,) = artifact.add_reference(f"{bucket}/p/a", name="now")
    listed = artifact.add_reference(f"{bucket}/p", name="p")

    assert (old.ref, old.extra["versionID"], now.extra["versionID"]) == (f"{bucket}/p/a", first, second)
    assert [(each.path, each.extra["versionID"], each.size) for each in listed] == [("p/a", second, 6), ("p/b", last, 1)]
    write(versioned, "p/a", b"third")
    blocking(versioned.delete)(["p/b"])
    logged(artifact).download(tmp_path / "there")
    read = {name: (tmp_path / "there" / name).read_text() for name in ("old", "now", "p/a", "p/b")}
    assert read == {"old": "first", "now": "second", "p/a": "second", "p/b": "b"}


def test_a_version_that_bears_no_name_is_not_noted(run: lading.Run, versioned: S3Store) -> None:
    """SEMANTICS 2.3: versionID if versioned and ≠ "null", as in a bucket that has stopped to keep versions."""
    body = b"<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>"
    blocking(ask)(versioned.place, Ask("PUT", query=(("versioning", ""),), body=body))
    blocking(ask)(versioned.place, Ask("PUT", "p/a", body=b"first"))
    artifact, bucket = lading.Artifact("s3", "dataset"), f"s3://{versioned.place.bucket}"

    entries = [*artifact.add_reference(f"{bucket}/p/a"), *artifact.add_reference(f"{bucket}/p", name="all")]

    assert [(entry.path, entry.extra) for entry in entries] == [(path, {"etag": entries[0].digest}) for path in ("a", "all/a")]
    assert Path(logged(artifact).get_entry("all/a").download()).read_bytes() == b"first"


def test_an_earlier_version_is_found_by_its_etag(run: lading.Run, versioned: S3Store) -> None:
    """SEMANTICS 2.3: if not versioned [when it was added], searches object_versions."""
    write(versioned, "a", b"first")
    artifact = lading.Artifact("s3", "dataset")
    (entry,) = artifact.add_reference(f"s3://{versioned.place.bucket}/a")
    plain = lading.Artifact("plain", "dataset")
    found = artifact.draft.entry("a")
    plain.draft.enter(
        {"a": (type(found)(found.digest, found.size, found.ref, extra={"etag": entry.digest}), None)}, (), overwrite=False
    )
    write(versioned, "a", b"second")

    path = logged(plain).get_entry("a").download()

    assert Path(path).read_text() == "first"
    with plain.get_entry("a").open() as file:
        assert file.read() == b"first"


# -- Google Cloud Storage ---------------------------------------------------------------------------------------------
@pytest.fixture
def gcs(monkeypatch: pytest.MonkeyPatch) -> Iterator[GcsServer]:
    with GcsServer("my-bucket", page=100) as server:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.url)
        yield server


def test_objects_of_google(run: lading.Run, gcs: GcsServer, tmp_path: Path) -> None:
    """SEMANTICS 2.3: digest the etag, extra versionID = generation; names ending "/" skipped; seed 000: `name="path"`."""
    for number in range(250):
        gcs_put(gcs, f"prefix/{number:03}", str(number).encode())
    gcs_put(gcs, "prefix/sub/", b"")
    gcs_put(gcs, "prefix-two/x", b"x")
    artifact = lading.Artifact("gs", "dataset")

    (single,) = artifact.add_reference("gs://my-bucket/prefix/000")
    several = artifact.add_reference("gs://my-bucket/prefix", name="path")

    there = gcs.bucket.objects["prefix/000"]
    assert (single.path, single.digest, single.size) == ("000", there.etag, 1)
    assert (single.ref, single.extra) == ("gs://my-bucket/prefix/000", {"versionID": str(there.generation)})
    assert [each.path for each in several] == [f"path/{number:03}" for number in range(250)]
    assert (gcs.count("get"), gcs.count("list")) == (2, 3)
    logged(artifact).download(tmp_path / "there")
    assert (tmp_path / "there/path/249").read_text() == "249"
    assert (gcs.count("get"), gcs.count("list")) == (2, 3)


def test_a_generation_that_is_gone_is_refused(run: lading.Run, gcs: GcsServer) -> None:
    """SEMANTICS 2.3: `#generation` fragment; `ValueError "Digest mismatch"`."""
    gcs_put(gcs, "a", b"first")
    generation = gcs.bucket.objects["a"].generation
    artifact = lading.Artifact("gs", "dataset")
    (entry,) = artifact.add_reference(f"gs://my-bucket/a#{generation}")
    logged(artifact)
    gcs_put(gcs, "a", b"second")

    assert entry.ref == "gs://my-bucket/a"
    with pytest.raises(ValueError, match="Digest mismatch for gs://my-bucket/a"):
        artifact.download()
    del gcs.bucket.objects["a"]
    with pytest.raises(FileNotFoundError):
        artifact.download()
    artifact.download(allow_missing_references=True)


def test_of_google_too_nothing_is_asked_without_checksum(run: lading.Run, gcs: GcsServer) -> None:
    """SEMANTICS 2.3: "`checksum=False` (s3/gs/azure/http): one entry, digest = ref = URI, no listing, no network"."""
    gcs_put(gcs, "deep/a", b"first")
    generation, asked = gcs.bucket.objects["deep/a"].generation, gcs.count("get")
    artifact = lading.Artifact("gs", "dataset")

    (plain,) = artifact.add_reference("gs://my-bucket/deep/a", checksum=False)
    (pinned,) = artifact.add_reference(f"gs://my-bucket/deep/a#{generation}", name="b", checksum=False)

    assert (plain.digest, plain.ref, plain.size, plain.extra) == (plain.ref, "gs://my-bucket/deep/a", None, {})
    assert (pinned.ref, pinned.extra) == ("gs://my-bucket/deep/a", {"versionID": str(generation)})
    assert (gcs.count("get"), gcs.count("list")) == (asked, 0)
    gcs_put(gcs, "deep/a", b"second")
    assert Path(logged(artifact).get_entry(plain.path).download()).read_bytes() == b"second"
    with pytest.raises(DigestMismatchError):
        artifact.get_entry("b").download()


def test_an_object_of_google_is_opened_at_its_generation(run: lading.Run, gcs: GcsServer) -> None:
    gcs_put(gcs, "a", b"0123456789")
    artifact = lading.Artifact("gs", "dataset")
    artifact.add_reference("gs://my-bucket/a")
    entry = logged(artifact).get_entry("a")

    with entry.open() as file:
        file.seek(4)
        assert file.read(3) == b"456"
    gcs_put(gcs, "a", b"9876543210")
    with pytest.raises(DigestMismatchError, match="generation"):
        entry.open()


def test_a_missing_prefix_of_google_is_an_error(home: Path, gcs: GcsServer) -> None:
    with pytest.raises(NotFoundError):
        lading.Artifact("gs", "dataset").add_reference("gs://my-bucket/none")


@pytest.mark.parametrize("scheme", ["s3", "gs"])
def test_a_reference_cannot_choose_who_is_asked(home: Path, scheme: str) -> None:
    """DESIGN 5, Trust: nor with which credentials. With options behind its bucket, ours would be sent to a stranger."""
    with HttpServer({}) as stranger:
        uri = f"{scheme}://bucket?endpoint={quote(stranger.url, safe='')}&anonymous=1/key"

        async def find() -> None:
            handler = handler_for(scheme, Context((await workspace_here()).engine, Label.BLAKE3))
            assert handler is not None
            await handler.find(uri, Entry(uri, ref=uri), look=True)

        with pytest.raises(InvalidValueError, match="names no bucket"):
            blocking(find)()
        assert stranger.seen == []


def gcs_put(server: GcsServer, name: str, data: bytes) -> None:
    from lading.store.gcs.calls import GcsCalls
    from lading.store.gcs.store import GcsStore

    blocking(GcsCalls(GcsStore("gs://my-bucket").place).insert)(name, data)
