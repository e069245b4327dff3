"""Versions in buckets: the whole way, by whole processes, and what is said when there is no way."""

import socket
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from lading.testing.gcs_server import GcsServer
from lading.testing.s3_server import S3Server
from lading.testing.s3_server_auth import Key
from lading.testing.sites import Site
from lading.testing.trees import read_tree, seeded, write_tree

from .conftest import Lading, Shell, bodies, ran

PART = 16 << 20
TREE = {"big.bin": seeded(2 * PART + 5), "empty": b"", "sub/a.txt": b"a" * 5000, "sub/b.txt": b"b"}


pytestmark = pytest.mark.usefixtures("keys")


def content(site: Site) -> set[str]:
    """Keys of the contents of files."""
    return {key for key in site.held() if key.startswith("objects/")}


def test_a_version_lives_in_a_bucket(site: Site, lading: Lading, shell: Shell, tmp_path: Path) -> None:
    write_tree(tmp_path / "in", TREE)

    ran(shell("put", "in", "--name", "ds"))
    first, sent = content(site), bodies(site)
    again = lading("put", "in", "--name", "ds", "--json").json
    unchanged = bodies(site) - sent
    (tmp_path / "in" / "sub" / "b.txt").write_bytes(b"another")
    lading("put", "in", "--name", "ds")
    lading("get", "ds:latest", "--root", "out")
    ran(shell("get", "ds:v0", "--root", "old"))

    assert (again["created"], again["version"], unchanged) == (False, "v0", 0)
    assert len(content(site) - first) == 1
    assert read_tree(tmp_path / "out") == TREE | {"sub/b.txt": b"another"}
    assert read_tree(tmp_path / "old") == TREE
    assert lading("verify", "ds:v0", "--root", "old").code == 0
    assert sum(key.startswith("versions/") for key in site.held()) == 2
    assert site.open_uploads() == 0
    assert not any(".lading" in key for key in site.held())


def said(lading: Lading, *command: str) -> str:
    """What an error says: one line that begins with `error:`, and one with a hint."""
    answer = lading(*command)
    assert answer.code == 1
    error, hint = answer.err.splitlines()[-2:]
    assert (error[:7], hint[:6]) == ("error: ", "hint: ")
    assert "Traceback" not in answer.err
    return answer.err


COMMANDS = ["cp", "put", "get"]


def attempt(lading: Lading, command: str, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Try to use the store of this URL."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a").write_bytes(b"a")
    if command == "cp":
        place, _, query = url.partition("?")
        options = dict(parse_qsl(query))
        flags = ["--anonymous"] if "anonymous" in options else []
        return said(lading, "cp", *flags, "--endpoint", options["endpoint"], "in/a", f"{place}/a")
    if command == "get":
        assert lading("put", "in", "--name", "ds").code == 0  # into a folder
    monkeypatch.setenv("LADING_STORE", url)
    return said(lading, "put", "in", "--name", "ds") if command == "put" else said(lading, "get", "ds:latest", "--root", "out")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_bucket_that_is_not_there(lading: Lading, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with S3Server(keys={"AKIA": Key("secret")}) as server:
        error = attempt(lading, command, f"s3://nobody/p?endpoint={server.url}", tmp_path, monkeypatch)

    assert "there is no bucket nobody" in error
    assert "create it, or check its name" in error


@pytest.mark.parametrize("command", COMMANDS)
def test_keys_that_are_unknown(lading: Lading, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with S3Server(keys={"OTHER": Key("secret")}) as server:
        error = attempt(lading, command, f"s3://bucket/p?endpoint={server.url}", tmp_path, monkeypatch)

    assert "InvalidAccessKeyId" in error
    assert "AWS_ACCESS_KEY_ID" in error


@pytest.mark.parametrize("command", COMMANDS)
def test_no_keys_at_all(lading: Lading, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with S3Server(keys={"AKIA": Key("secret")}) as server:
        error = attempt(lading, command, f"s3://bucket/p?endpoint={server.url}", tmp_path, monkeypatch)

    assert "anonymous" in error
    assert "AWS_ACCESS_KEY_ID" in error


@pytest.mark.parametrize("command", COMMANDS)
def test_no_permission(lading: Lading, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with GcsServer("bucket", denied=frozenset({"bucket"})) as server:
        error = attempt(lading, command, f"gs://bucket/p?endpoint={server.url}&anonymous=1", tmp_path, monkeypatch)

    assert "no permission" in error
    assert "roles/storage.object" in error


@pytest.mark.parametrize("command", COMMANDS)
def test_a_region_that_the_server_does_not_name(
    lading: Lading, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it does, nobody notices."""
    with S3Server(keys={"AKIA": Key("secret")}, region="no region") as server:
        error = attempt(lading, command, f"s3://bucket/p?endpoint={server.url}", tmp_path, monkeypatch)

    assert "is not in the region us-east-1" in error
    assert "AWS_REGION" in error


@pytest.mark.parametrize("command", ["cp", "put"])
def test_nobody_at_the_endpoint(lading: Lading, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    monkeypatch.setattr("lading.transfer.driver.random.random", lambda: 0.0)  # between two attempts nobody waits
    error = attempt(lading, command, f"s3://bucket/p?endpoint=http://127.0.0.1:{port}", tmp_path, monkeypatch)

    assert "cannot be reached" in error
    assert "check the address" in error
