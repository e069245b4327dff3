"""Versions in buckets: the whole way, by whole processes, and what is said when there is no way."""

import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from lading.testing.gcs_server import GcsServer
from lading.testing.http_faults import ALWAYS, Deaf
from lading.testing.s3_server import S3Server
from lading.testing.s3_server_auth import Key
from lading.testing.sites import Site, gcs_site, s3_site
from lading.testing.trees import read_tree, seeded, write_tree

from .conftest import Lading

Shell = Callable[..., "subprocess.Popen[str]"]
PART = 16 << 20
TREE = {"big.bin": seeded(2 * PART + 5), "empty": b"", "sub/a.txt": b"a" * 5000, "sub/b.txt": b"b"}


@pytest.fixture(autouse=True)
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One pair of AWS keys, and nothing else that this machine may know of clouds."""
    for name in ("PROFILE", "REGION", "DEFAULT_REGION", "ENDPOINT_URL", "ENDPOINT_URL_S3", "SESSION_TOKEN"):
        monkeypatch.delenv(f"AWS_{name}", raising=False)
    for name in ("SHARED_CREDENTIALS_FILE", "CONFIG_FILE"):
        monkeypatch.setenv(f"AWS_{name}", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setattr("lading.store.s3.facts._facts", {})
    monkeypatch.setattr("lading.store.s3.credentials._chains", {})


@pytest.fixture(params=[s3_site, gcs_site], ids=["s3", "gcs"])
def site(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """The store of all that this test logs."""
    with request.param() as site:
        monkeypatch.setenv("LADING_STORE", site.url)
        yield site


def content(site: Site) -> set[str]:
    """Keys of the contents of files."""
    return {key for key in site.held() if key.startswith("objects/")}


def bodies(site: Site) -> int:
    """How many bytes of files and documents were sent so far."""
    return sum(len(seen.body) for seen in site.front.seen)


def ran(process: "subprocess.Popen[str]") -> str:
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    return out


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


def test_after_a_kill_only_what_is_missing_moves(site: Site, shell: Shell, home: Path, tmp_path: Path) -> None:
    write_tree(tmp_path / "in", {"big.bin": TREE["big.bin"]})
    last = "partNumber=3" if site.kind == "s3" else f"{2 * PART}-"
    site.front.fail(Deaf(), about=last, times=ALWAYS)
    process = shell("put", "in", "--name", "ds")
    while sum(len(seen.body) >= PART for seen in site.front.seen) < 2 or not any(last in seen.target for seen in site.front.seen):
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    time.sleep(0.05)  # for the answers to arrive
    process.send_signal(signal.SIGKILL)
    process.communicate()
    before = bodies(site)
    site.front.mend()

    ran(shell("put", "in", "--name", "ds"))

    assert bodies(site) - before < PART
    assert TREE["big.bin"] in site.held().values()
    assert site.open_uploads() == 0
    assert not any(".lading" in key for key in site.held())
    assert not (home / "journal").exists() or list((home / "journal").iterdir()) == []


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
