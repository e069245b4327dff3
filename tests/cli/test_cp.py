import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from lading.api.portal import blocking
from lading.store.http.connection import close_idle
from lading.store.s3.asking import Ask, ask
from lading.store.s3.store import open_s3
from lading.testing.gcs_server import GcsServer
from lading.testing.http_server import HttpServer
from lading.testing.s3_server import S3Server
from lading.testing.trees import read_tree, seeded, write_tree

from .conftest import Lading

TREE = {"a.txt": b"a", "empty": b"", "sub/b.npz": b"bb", "sub/big.npz": seeded(9 << 20)}


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name in ("CONFIG_FILE", "SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(f"AWS_{name}", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setattr("lading.store.s3.facts._facts", {})
    monkeypatch.setattr("lading.store.s3.credentials._chains", {})
    write_tree(tmp_path / "x", TREE)
    return tmp_path / "x"


@pytest.fixture
def s3(tree: Path) -> Iterator[S3Server]:
    with S3Server() as server:
        yield server
        close_idle()


@pytest.fixture
def http() -> Iterator[HttpServer]:
    with HttpServer() as server:
        yield server
        close_idle()


def test_a_folder_is_copied_and_counted(lading: Lading, tree: Path, tmp_path: Path) -> None:
    answer = lading("cp", "x/", "out")

    assert (answer.code, answer.out) == (0, "")
    assert answer.err.startswith("4 files, 9.4 MB in ")
    assert len(answer.err.splitlines()) == 1
    assert read_tree(tmp_path / "out") == TREE


def test_json_and_quiet(lading: Lading, tree: Path) -> None:
    answer = lading("cp", "-q", "--json", "--explain", "x/a.txt", "file:" + "//" + str(tree.parent / "b.txt"))

    assert answer.err == ""
    assert answer.json["transfer"]["files"] == 1
    assert set(answer.json) == {"source", "destination", "deleted", "transfer", "bound_by", "explanation"}
    assert (tree.parent / "b.txt").read_bytes() == b"a"


def test_explain_says_what_it_was_bound_by(lading: Lading, tree: Path) -> None:
    assert lading("cp", "--explain", "x/", "out").err.splitlines()[1].startswith("bound by ")


def test_to_s3_and_back(lading: Lading, s3: S3Server, tmp_path: Path) -> None:
    options = ("--anonymous", "--endpoint", s3.url)

    up = lading("cp", *options, "--verify", "x", "s3://bucket/p/")
    down = lading("cp", *options, "--verify", "s3://bucket/p/x/*.npz", "out/")
    listed = lading("ls", *options, "s3://bucket/p/", "--exclude", "*.npz", "--json")

    assert (up.code, down.code, up.out + down.out) == (0, 0, "")
    assert sorted(s3.bucket.objects) == [f"p/x/{name}" for name in sorted(TREE)]
    assert read_tree(tmp_path / "out") == {name: data for name, data in TREE.items() if name.endswith(".npz")}
    assert [(each["url"], each["size"]) for each in listed.json] == [("s3://bucket/p/x/a.txt", 1), ("s3://bucket/p/x/empty", 0)]


def test_what_is_there_is_replaced_unless_told_otherwise(lading: Lading, s3: S3Server, tree: Path) -> None:
    options = ("--anonymous", "--endpoint", s3.url)
    lading("cp", *options, "x/", "s3://bucket")
    write_tree(tree, {"a.txt": b"changed", "empty": b"", "sub/big.npz": b"small"})
    for name in TREE:
        os.utime(tree / name, (1, 1))

    kept = lading("cp", *options, "-n", "--json", "x/", "s3://bucket").json
    sized = lading("cp", *options, "-s", "--json", "x/", "s3://bucket").json
    newer = lading("cp", *options, "-u", "--json", "x/", "s3://bucket").json
    always = lading("cp", *options, "--json", "x/", "s3://bucket").json

    assert [each["transfer"]["files_reused"] for each in (kept, sized, newer, always)] == [4, 2, 4, 0]
    assert s3.bucket.objects["a.txt"].data == b"changed"
    assert s3.bucket.objects["sub/big.npz"].data == b"small"


def test_a_bucket_that_moto_serves(
    lading: Lading, tree: Path, tmp_path: Path, moto: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto)
    store = open_s3("s3://bucket-cp")

    async def make() -> None:
        await ask(store.place, Ask("PUT"))

    blocking(make)()

    up, down = lading("cp", "x/", "s3://bucket-cp/p"), lading("cp", "s3://bucket-cp/p/", "out")

    assert (up.err + down.err).count("error") == 0
    assert read_tree(tmp_path / "out") == TREE


def test_from_s3_to_google_and_to_a_folder(lading: Lading, s3: S3Server, tmp_path: Path) -> None:
    expected = {name: data for name, data in TREE.items() if name != "a.txt"}
    with GcsServer("bucket") as google:
        options, there = ("--anonymous", "--verify"), f"gs://bucket/q?endpoint={google.url}"
        lading("cp", *options, "--endpoint", s3.url, "x/", "s3://bucket/p")

        across = lading("cp", *options, f"s3://bucket/p/?endpoint={s3.url}", there, "--exclude", "a*")
        down = lading("cp", *options, there, ".")
        close_idle()

        assert (across.code, down.code) == (0, 0), across.err + down.err
        assert {name: each.data for name, each in google.bucket.objects.items()} == {
            f"q/{name}": data for name, data in expected.items()
        }
        assert read_tree(tmp_path / "q") == expected


def test_a_web_address_is_copied_under_its_name(lading: Lading, http: HttpServer, tmp_path: Path) -> None:
    data = seeded(20 << 20)
    http.objects["/pub/model.bin"] = data
    digest = hashlib.sha256(data).hexdigest()

    answer = lading("cp", f"{http.url}/pub/model.bin?token=secret", ".", "--digest", f"sha256:{digest}", "--json")

    assert answer.json["transfer"]["bytes"] == len(data)
    assert (tmp_path / "model.bin").read_bytes() == data


def test_a_wrong_digest_leaves_nothing(lading: Lading, http: HttpServer, tmp_path: Path) -> None:
    http.objects["/model.bin"] = b"damaged"

    answer = lading("cp", f"{http.url}/model.bin", "out/", "--digest", "md5:" + "0" * 32)

    assert (answer.code, answer.out) == (1, "")
    assert answer.err.startswith("error: Digest mismatch for model.bin: expected md5:0000")
    assert read_tree(tmp_path / "out") == {}


def test_a_file_is_put_to_a_web_address(lading: Lading, http: HttpServer, tree: Path) -> None:
    for name in ("a.txt", "sub/big.npz"):
        assert lading("cp", f"x/{name}", f"{http.url}/up/{name}?signature=s").code == 0

    assert http.objects["/up/sub/big.npz"] == TREE["sub/big.npz"]
    assert http.objects["/up/a.txt"] == b"a"


def test_a_dry_run_says_what_would_be_copied(lading: Lading, tree: Path, tmp_path: Path) -> None:
    text = lading("cp", "--dry-run", "x/", "out", "--include", "*.txt", "--include", "empty")
    json = lading("cp", "--dry-run", "--json", "x/", "out", "--include", "*.txt")

    assert text.lines == ["copy x/a.txt out/a.txt", "copy x/empty out/empty"]
    assert text.err == "dry run: 2 files, 1 B would be copied\n"
    assert json.json == [{"action": "copy", "destination": "out/a.txt", "source": "x/a.txt", "size": 1}]
    assert not (tmp_path / "out").exists()


def test_a_batch_does_what_it_can_and_tells_the_rest(lading: Lading, tree: Path, tmp_path: Path) -> None:
    (tmp_path / "list").write_text(
        "# a comment\n\nx/a.txt out/one\ncp 'x/a.txt' \"out/two words\"   # as s5cmd has it\nnope out/three\n"
    )

    answer = lading("cp", "--batch", "list", "--json")

    assert answer.code == 1
    assert (answer.json["tasks"], answer.json["transfer"]["files"]) == (3, 2)
    assert answer.json["failed"] == [{"source": "nope", "destination": "out/three", "code": "local-file"}]
    assert "nope out/three: nope: no such file or folder" in answer.err
    assert read_tree(tmp_path / "out") == {"one": b"a", "two words": b"a"}


def test_a_batch_comes_from_stdin(lading: Lading, tree: Path, tmp_path: Path) -> None:
    answer = lading("cp", "--batch", "-", answers="x/a.txt out/\nx/empty out/\n")

    assert answer.code == 0
    assert answer.err.startswith("2 files, 1 B in ")
    assert sorted(read_tree(tmp_path / "out")) == ["a.txt", "empty"]


@pytest.mark.parametrize("line", ["a", "a b c", "a 'b"])
def test_a_batch_with_a_line_that_cannot_be_read_does_nothing(lading: Lading, tree: Path, tmp_path: Path, line: str) -> None:
    answer = lading("cp", "--batch", "-", answers=f"x/a.txt out/\n{line}\n")

    assert answer.code == 1
    assert "error: -, line 2: " in answer.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "args",
    [
        ["cp", "a"],
        ["cp", "a", "b", "--batch", "c"],
        ["cp", "a", "b", "c"],
        ["cp", "a/x", "b/x", "c/"],
        ["cp", "a", "b", "c/", "--digest", "md5:" + "0" * 32],
        ["cp", "--batch", "c", "--digest", "md5:0"],
        ["cp", "-n", "-s", "a", "b"],
        ["cp", "a", "b", "--concurrency", "0"],
        ["ls", "s3://b/", "--files"],
    ],
)
def test_what_makes_no_sense_exits_with_2(lading: Lading, args: list[str]) -> None:
    assert lading(*args).code == 2


@pytest.mark.parametrize(
    ("args", "text"),
    [
        (["nope", "out"], "nope: no such file or folder"),
        (["x", "x/in"], "lies inside of"),
        (["ftp://h/x", "out"], "ftp:// is no kind of place"),
        (["x/", "s3://b*/"], "names no bucket"),
        (["x/a.txt", "out", "--digest", "crc:1"], "is no digest"),
        (["x/", "https://h/x"], "is one web address"),
    ],
)
def test_what_cannot_be_done_says_why(lading: Lading, tree: Path, tmp_path: Path, args: list[str], text: str) -> None:
    answer = lading("cp", *args)

    assert (answer.code, answer.out) == (1, "")
    assert text in answer.err
    assert not (tmp_path / "out").exists()


def test_secrets_of_an_address_are_not_told(lading: Lading, http: HttpServer, tmp_path: Path) -> None:
    address = f"http://ann:pass@{http.url.removeprefix('http://')}/there?token=hidden"
    gone = address.replace("there", "gone")
    http.objects["/there"] = b"x"

    told = [lading("cp", each, "out", *more) for each in (address, gone) for more in ((), ("--json",), ("--dry-run",))]
    told.append(lading("cp", "--batch", "-", "--json", answers=f"{address} out\n{gone} out\n"))

    assert [answer.code for answer in told] == [0, 0, 0, 1, 1, 1, 1]
    assert not any(secret in answer.err + answer.out for answer in told for secret in ("pass", "hidden"))


def test_several_sources_go_into_a_folder(lading: Lading, tree: Path, tmp_path: Path) -> None:
    answer = lading("cp", "x/a.txt", "x/sub/", "x/sub", "out/")

    assert (answer.code, answer.out) == (0, "")
    assert answer.err.startswith("5 files, ")
    assert sorted(read_tree(tmp_path / "out")) == ["a.txt", "b.npz", "big.npz", "sub/b.npz", "sub/big.npz"]
