"""Our Google Cloud Storage keeps to what Google documents: otherwise tests against it would prove nothing."""

import base64
import http.client
import json
from collections.abc import Iterator
from typing import Any, cast
from urllib.parse import quote, urlencode

import aiohttp
import pytest
from gcloud.aio.storage import Storage

from lading.store.checksum import checksum
from lading.testing.gcs_server import Drop, Flip, GcsServer, LoseAnswer, Refuse, Truncate
from lading.testing.gcs_server_bucket import Bucket, Refusal, Source


class Client:
    """One connection."""

    def __init__(self, server: GcsServer) -> None:
        host, _, port = server.url.removeprefix("http://").partition(":")
        self.connection = http.client.HTTPConnection(host, int(port), timeout=5)

    def ask(self, method: str, path: str, body: bytes = b"", **headers: Any) -> tuple[int, dict[str, str], bytes]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.connection.request(method, path, body or None, named)
        answer = self.connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()

    def insert(self, name: str, data: bytes, query: dict[str, str] | None = None, **headers: Any) -> tuple[int, dict[str, Any]]:
        asked = urlencode({"uploadType": "media", "name": name, **(query or {})})
        status, _, body = self.ask("POST", f"/upload/storage/v1/b/bucket/o?{asked}", body=data, **headers)
        return status, json.loads(body)

    def media(self, name: str, query: str = "", **headers: Any) -> tuple[int, dict[str, str], bytes]:
        return self.ask("GET", f"/storage/v1/b/bucket/o/{quote(name, safe='')}?alt=media{query}", **headers)


@pytest.fixture
def server() -> Iterator[GcsServer]:
    with GcsServer() as server:
        yield server


@pytest.fixture
def client(server: GcsServer) -> Iterator[Client]:
    client = Client(server)
    yield client
    client.connection.close()


def test_an_object_has_a_generation_and_both_checksums(client: Client) -> None:
    status, found = client.insert("a/b", b"0123456789")

    assert status == 200
    assert (found["name"], found["size"], found["bucket"]) == ("a/b", "10", "bucket")
    assert found["crc32c"] == checksum("crc32c", b"0123456789").base64
    assert found["md5Hash"] == checksum("md5", b"0123456789").base64
    assert found["generation"].isdigit()
    assert "componentCount" not in found


@pytest.mark.parametrize(
    ("asked", "status", "content_range", "body"),
    [
        ("bytes=2-4", 206, "bytes 2-4/10", b"234"),
        ("bytes=7-", 206, "bytes 7-9/10", b"789"),
        ("bytes=-2", 206, "bytes 8-9/10", b"89"),
        ("bytes=8-99", 206, "bytes 8-9/10", b"89"),
        ("bytes=-99", 206, "bytes 0-9/10", b"0123456789"),
        ("bytes=10-12", 416, None, None),
        ("bytes=4-2", 200, None, b"0123456789"),
        ("lines=1-2", 200, None, b"0123456789"),
    ],
)
def test_ranges(client: Client, asked: str, status: int, content_range: str | None, body: bytes | None) -> None:
    client.insert("o", b"0123456789")

    found, headers, data = client.media("o", Range=asked)

    assert (found, headers.get("content-range")) == (status, content_range)
    assert body is None or data == body


def test_a_read_pinned_to_another_generation_is_refused(client: Client) -> None:
    _, first = client.insert("o", b"first")
    _, second = client.insert("o", b"second")

    assert client.media("o", f"&generation={first['generation']}")[0] == 404
    assert client.media("o", f"&ifGenerationMatch={first['generation']}")[0] == 412
    assert client.media("o", f"&ifGenerationNotMatch={second['generation']}")[0] == 304
    assert client.media("o", "&ifMetagenerationMatch=2")[0] == 412
    assert client.media("o", f"&ifGenerationMatch={second['generation']}")[2] == b"second"


def test_creating_only_what_is_not_there(client: Client) -> None:
    assert client.insert("o", b"first", {"ifGenerationMatch": "0"})[0] == 200
    assert client.insert("o", b"second", {"ifGenerationMatch": "0"})[0] == 412
    assert client.media("o")[2] == b"first"


@pytest.mark.parametrize("kind", ["crc32c", "md5"])
def test_a_wrong_checksum_in_the_header_is_refused(client: Client, kind: str) -> None:
    right, wrong = checksum(kind, b"data").base64, checksum(kind, b"dato").base64

    status, found = client.insert("o", b"data", x_goog_hash=f"{kind}={wrong}")

    assert (status, found["error"]["errors"][0]["reason"]) == (400, "invalid")
    assert client.media("o")[0] == 404
    assert client.insert("o", b"data", x_goog_hash=f"{kind}={right}")[0] == 200


def test_a_body_in_chunks_is_an_object(client: Client) -> None:
    client.connection.request(
        "POST", "/upload/storage/v1/b/bucket/o?uploadType=media&name=o", iter((b"one", b"two")), encode_chunked=True
    )
    client.connection.getresponse().read()

    assert client.media("o")[2] == b"onetwo"


def test_a_resumable_upload_goes_piece_by_piece(client: Client, server: GcsServer) -> None:
    piece = bytes(256 << 10)
    path = "/upload/storage/v1/b/bucket/o?uploadType=resumable&name=o"
    where = client.ask("POST", path, b"{}")[1]["location"].removeprefix(server.url)

    odd = client.ask("PUT", where, b"123", Content_Range="bytes 0-2/*")
    first = client.ask("PUT", where, piece, Content_Range=f"bytes 0-{len(piece) - 1}/*")
    state = client.ask("PUT", where, b"", Content_Range="bytes */*")
    last = client.ask("PUT", where, b"end", Content_Range=f"bytes {len(piece)}-{len(piece) + 2}/{len(piece) + 3}")

    assert [odd[0], first[0], state[0], last[0]] == [400, 308, 308, 200]
    assert state[1]["range"] == f"bytes=0-{len(piece) - 1}"
    assert server.bucket.objects["o"].data == piece + b"end"


async def test_gcloud_aio_storage_works_with_it(server: GcsServer) -> None:
    async with aiohttp.ClientSession() as session:
        storage = Storage(session=cast("Any", session), token=cast("Any", object()), api_root=server.url)

        await storage.upload("bucket", "0-media", b"media")
        await storage.upload("bucket", "1-multipart", b"multipart", metadata={"metadata": {"a": "b"}})
        await storage.upload("bucket", "2-resumable", b"resumable", force_resumable_upload=True)
        made = await storage.compose("bucket", "3-all", ["0-media", "1-multipart", "2-resumable"])

        assert await storage.download("bucket", "3-all") == b"mediamultipartresumable"
        assert made["componentCount"] == 3
        assert (await storage.download_metadata("bucket", "1-multipart"))["metadata"] == {"a": "b"}
        assert [one["name"][0] for one in (await storage.list_objects("bucket"))["items"]] == ["0", "1", "2", "3"]
        await storage.delete("bucket", "3-all")
        with pytest.raises(aiohttp.ClientResponseError, match="No such object"):
            await storage.download_metadata("bucket", "3-all")
        assert (await storage.get_bucket_metadata("bucket"))["name"] == "bucket"


# The bucket itself.


def test_a_composed_object_has_a_crc32c_a_count_and_no_md5() -> None:
    bucket = Bucket("b")
    one, two = bucket.insert("1", b"one"), bucket.insert("2", b"two")
    bucket.compose("12", [Source("1", generation_match=one.generation), Source("2", two.generation)], {})

    made = bucket.compose("1212", [Source("12"), Source("12")], {"ifGenerationMatch": "0"}).resource("b")

    assert bucket.objects["1212"].data == b"onetwoonetwo"
    assert (made["componentCount"], made["crc32c"]) == (4, checksum("crc32c", b"onetwoonetwo").base64)
    assert "md5Hash" not in made


@pytest.mark.parametrize(
    ("sources", "query", "status"),
    [
        ([Source("1")] * 33, {}, 400),
        ([], {}, 400),
        ([Source("1"), Source("none")], {}, 404),
        ([Source("1", generation=5)], {}, 404),
        ([Source("1", generation_match=5)], {}, 412),
        ([Source("1")], {"ifGenerationMatch": "0"}, 412),
    ],
)
def test_a_compose_that_cannot_be(sources: list[Source], query: dict[str, str], status: int) -> None:
    bucket = Bucket("b")
    bucket.insert("1", b"one")
    bucket.insert("made", b"before")

    with pytest.raises(Refusal) as refusal:
        bucket.compose("made", sources, query)

    assert refusal.value.status == status
    assert bucket.objects["made"].data == b"before"


def test_32_sources_are_not_too_many() -> None:
    bucket = Bucket("b")
    bucket.insert("1", b"1")

    assert bucket.compose("made", [Source("1")] * 32, {}).data == b"1" * 32


@pytest.mark.parametrize("most", [1, 2, 3, 1000])
def test_pages_give_everything_once_and_in_order(most: int) -> None:
    bucket = Bucket("b")
    for name in ("b/2", "a", "b/1/x", "b/1/y", "ba", "é", "c/1"):
        bucket.insert(name, b"")

    def walk(**query: str) -> list[str]:
        found, page = list[str](), bucket.list(query, most)
        while True:
            found += sorted([*(one.name for one in page.objects), *page.prefixes])
            assert len(page.objects) + len(page.prefixes) <= most
            if page.token is None:
                return found
            page = bucket.list({**query, "pageToken": page.token}, most)

    assert walk() == ["a", "b/1/x", "b/1/y", "b/2", "ba", "c/1", "é"]
    assert walk(prefix="b/") == ["b/1/x", "b/1/y", "b/2"]
    assert walk(delimiter="/") == ["a", "b/", "ba", "c/", "é"]
    assert walk(prefix="b/", delimiter="/") == ["b/1/", "b/2"]
    assert walk(prefix="none") == []
    assert walk(matchGlob="b*") == ["ba"]
    assert walk(matchGlob="**/?") == ["b/1/x", "b/1/y", "b/2", "c/1"]
    assert walk(prefix="b/1", matchGlob="**x**") == ["b/1/x"]


def test_a_page_token_of_nobody_is_refused() -> None:
    with pytest.raises(Refusal):
        Bucket("b").list({"pageToken": "?"})


def test_a_deletion_may_be_pinned() -> None:
    bucket = Bucket("b")
    made = bucket.insert("o", b"")

    for query, status in (({"ifGenerationMatch": "1"}, 412), ({"generation": "1"}, 404)):
        with pytest.raises(Refusal) as refusal:
            bucket.delete("o", query)
        assert refusal.value.status == status
    bucket.delete("o", {"ifGenerationMatch": str(made.generation)})

    assert bucket.objects == {}


def test_the_same_seed_gives_the_same_generations() -> None:
    one, same, other = (Bucket("b", seed).insert("o", b"").generation for seed in (1, 1, 2))

    assert one == same != other


# Who may, and faults.


def test_buckets_that_are_missing_or_anothers(client: Client) -> None:
    assert client.ask("GET", "/storage/v1/b/none")[0] == 404
    with GcsServer("mine", denied=frozenset({"theirs"})) as server:
        other = Client(server)
        assert other.ask("GET", "/storage/v1/b/mine")[0] == 200
        assert other.ask("GET", "/storage/v1/b/theirs/o")[0] == 403
        other.connection.close()


def test_only_the_present_token_is_good() -> None:
    with GcsServer(token="old") as server:
        client = Client(server)
        given = json.loads(client.ask("POST", "/token", b"")[2])["access_token"]
        server.api.token = "new"

        statuses = [client.ask("GET", "/storage/v1/b/bucket", Authorization=f"Bearer {token}")[0] for token in (given, "new")]

        assert (given, statuses, client.ask("GET", "/storage/v1/b/bucket")[0]) == ("old", [401, 200], 401)
        client.connection.close()


def test_faults_are_met_once_each_and_known_when_unmet(client: Client, server: GcsServer) -> None:
    client.insert("o", b"0123456789")
    server.fail("media", Refuse(503, retry_after=7), Flip(3))
    server.fail("compose", Drop())

    refused, flipped, right = client.media("o"), client.media("o"), client.media("o")

    assert (refused[0], refused[1]["retry-after"]) == (503, "7")
    assert (flipped[2], right[2]) == (b"0122456789", b"0123456789")
    assert server.unused == [("compose", Drop())]
    assert server.count("media") == 3


def test_a_lost_answer_is_of_a_call_that_was_done(client: Client, server: GcsServer) -> None:
    server.fail("insert", LoseAnswer(), Drop())

    for name in ("lost", "dropped"):
        with pytest.raises(http.client.RemoteDisconnected):
            client.insert(name, b"1")

    assert list(server.bucket.objects) == ["lost"]


def test_a_truncated_body_says_its_full_length(client: Client, server: GcsServer) -> None:
    client.insert("o", b"0123456789")
    server.fail("media", Truncate(4))

    with pytest.raises(http.client.IncompleteRead) as error:
        client.media("o")

    assert error.value.partial == b"0123"


def test_a_body_that_breaks_off_makes_nothing(server: GcsServer) -> None:
    client = Client(server)
    client.connection.putrequest("POST", "/upload/storage/v1/b/bucket/o?uploadType=media&name=o")
    client.connection.putheader("Content-Length", "10")
    client.connection.endheaders(b"0123")
    client.connection.close()

    assert server.bucket.objects == {}


def test_the_etag_is_another_for_each_generation() -> None:
    bucket = Bucket("b")

    first, second = bucket.insert("o", b"").etag, bucket.insert("o", b"").etag

    assert first != second
    assert base64.b64decode(first)
