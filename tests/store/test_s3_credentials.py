"""Credentials and settings are found where AWS's tools find them, and its SDK is loaded only for what needs it."""

import asyncio
import datetime
import json
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from lading.errors import SettingsError, StoreDeniedError
from lading.store.s3 import credentials as module
from lading.store.s3.credentials import Anonymous, Chain, Static, find_source
from lading.store.s3.profile import read_profile
from lading.store.s3.signing import Credentials
from lading.store.s3.store import open_s3

Files = Callable[[str, str], None]


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Files:
    """An empty machine; call it with the two files' text."""
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setattr(module, "_chains", {})

    def write(credentials: str, config: str) -> None:
        (tmp_path / "credentials").write_text(credentials)
        (tmp_path / "config").write_text(config)

    return write


KEYS = "aws_access_key_id = {0}A\naws_secret_access_key = {0}S\n"


def test_variables_come_first(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    files("[default]\n" + KEYS.format("f"), "")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "vA")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "vS")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "vT")

    assert find_source() == Static(Credentials("vA", "vS", "vT"))


def test_a_profile_that_was_asked_for_outranks_variables(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    files("[mine]\n" + KEYS.format("m") + "aws_session_token = mT\n", "")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "vA")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "vS")

    assert find_source("mine") == Static(Credentials("mA", "mS", "mT"))


def test_the_credentials_file_outranks_the_config_file(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    config = f'[profile one]\n{KEYS.format("c1")}[profile "the other"]\n{KEYS.format("c2")}[default]\n{KEYS.format("cd")}'
    files("[one]\n" + KEYS.format("f1"), config)

    found = list[object]()
    for name in ("one", "the other", "default"):
        monkeypatch.setenv("AWS_PROFILE", name)
        found.append(find_source())

    assert found == [Static(Credentials(f"{name}A", f"{name}S")) for name in ("f1", "c2", "cd")]


@pytest.mark.parametrize(
    "config",
    [
        "role_arn = arn:aws:iam::1:role/r\nsource_profile = base",
        "sso_session = s\nsso_account_id = 1",
        "credential_process = /bin/true",
        "region = eu-west-1",
    ],
)
def test_what_has_to_be_fetched_is_left_to_the_chain(files: Files, config: str) -> None:
    files("", f"[profile mine]\n{config}\n")

    assert find_source("mine") == Chain("mine")


def test_a_web_identity_and_a_bare_machine_are_left_to_the_chain(monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_source() == Chain(None)
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", "/token")
    assert find_source() == Chain(None)


@pytest.mark.parametrize(
    ("profile", "text", "message"),
    [
        ("mine", "[other]\n" + KEYS, "no AWS profile 'mine'"),
        ("mine", "[mine]\naws_access_key_id = a\n", "a key without its secret"),
    ],
)
def test_a_profile_that_is_not_there_or_half_there_is_named(files: Files, profile: str, text: str, message: str) -> None:
    files(text, "")

    with pytest.raises(StoreDeniedError, match=message):
        find_source(profile)


def test_half_a_pair_of_variables_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "vA")

    with pytest.raises(StoreDeniedError, match="AWS_SECRET_ACCESS_KEY is not"):
        find_source()


def test_a_damaged_file_is_named_and_its_lines_are_not_shown(files: Files) -> None:
    files("hunter2\n", "")

    with pytest.raises(SettingsError, match="credentials cannot be read") as caught:
        find_source()
    assert "hunter2" not in str(caught.value)


def test_settings_of_a_profile_are_read(files: Files) -> None:
    files(
        "",
        "[profile mine]\nregion = eu-west-1\ns3 =\n  addressing_style = path\nservices = here\nendpoint_url = http://all\n"
        "[services here]\ns3 =\n  endpoint_url = http://s3\n[profile plain]\nendpoint_url = http://all\n",
    )

    mine, plain = read_profile("mine"), read_profile("plain")

    assert (mine.get("region"), mine.style, mine.endpoint) == ("eu-west-1", "path", "http://s3")
    assert (plain.get("region"), plain.style, plain.endpoint) == (None, None, "http://all")


def test_no_credentials_anywhere_says_what_to_do() -> None:
    with pytest.raises(StoreDeniedError, match=r"(?s)AWS_ACCESS_KEY_ID.*AWS_PROFILE.*anonymous=1"):
        find_source().credentials()


def _process(path: Path, files: Files, *, expires: str = "2999-01-01T00:00:00Z") -> Path:
    """A profile whose credentials a process makes, others each time, and that counts how often."""
    script, count = path / "process.py", path / "count"
    script.write_text(
        "import json, os, sys\n"
        f"open({str(count)!r}, 'a').write('x')\n"
        f"n = os.path.getsize({str(count)!r})\n"
        "print(json.dumps({'Version': 1, 'AccessKeyId': f'A{n}', 'SecretAccessKey': 'S', 'SessionToken': 'T',"
        f" 'Expiration': {expires!r}}}))\n"
    )
    files("", f"[profile made]\ncredential_process = {sys.executable} {script}\n")
    return count


def test_a_process_is_asked_once_by_all_threads_and_again_when_the_store_refuses(tmp_path: Path, files: Files) -> None:
    count, found = _process(tmp_path, files), list[Credentials | None]()
    source = pickle.loads(pickle.dumps(find_source("made")))  # as a lane in another process has it

    threads = [threading.Thread(target=lambda: found.append(source.credentials())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == [Credentials("A1", "S", "T")] * 4
    assert source.renew(found[0])
    assert source.renew(found[0])  # a second lane, refused with the same
    assert source.credentials() == Credentials("A2", "S", "T")
    assert count.read_text() == "xx"


def test_credentials_that_expire_are_renewed_before(tmp_path: Path, files: Files) -> None:
    soon = datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=5)
    _process(tmp_path, files, expires=soon.isoformat())
    source = find_source("made")

    at_once = source.credentials(), source.credentials()
    a_minute_later = _chained_again(source)

    assert at_once[0] == at_once[1]
    assert a_minute_later not in (None, at_once[1])


def _chained_again(source: Chain | Static | Anonymous) -> Credentials | None:
    """What is found once the belief in what was found before has run out."""
    module._chained("made")._believed = 0.0  # pyright: ignore[reportPrivateUsage]
    return source.credentials()


def test_a_failing_process_is_our_error(files: Files) -> None:
    files("", "[profile broken]\ncredential_process = /bin/false\n")

    with pytest.raises(StoreDeniedError, match="could not be fetched"):
        find_source("broken").credentials()


def test_static_keys_load_no_sdk(files: Files) -> None:
    files("[default]\n" + KEYS.format("f"), "")
    code = (
        "import sys, json; from lading.store.s3.credentials import find_source; find_source().credentials();"
        "print(json.dumps([name for name in sys.modules if 'botocore' in name or name == 'aiohttp']))"
    )

    out = subprocess.run([sys.executable, "-P", "-c", code], check=True, capture_output=True, text=True).stdout

    assert json.loads(out) == []


def test_nobody_and_static_keys_cannot_be_renewed() -> None:
    keys = Credentials("A", "S")

    assert (Anonymous().credentials(), Static(keys).credentials()) == (None, keys)
    assert not Anonymous().renew(None)
    assert not Static(keys).renew(keys)


async def test_waiting_for_credentials_can_be_given_up(files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "slow.sh").write_text("touch begun; until [ -e over ]; do sleep 0.02; done")
    monkeypatch.chdir(tmp_path)
    files("", "[profile slow]\ncredential_process = sh slow.sh\n")
    store = open_s3("s3://bucket?profile=slow")
    tasks = [asyncio.create_task(store.head("k")) for _ in range(3)]
    while not os.path.exists("begun"):  # noqa: ASYNC110, ASYNC240, PTH110  # by another process
        await asyncio.sleep(0.01)

    for task in tasks:
        task.cancel()
    ended = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 30)

    assert [type(error) for error in ended] == [asyncio.CancelledError] * 3
    (tmp_path / "over").touch()  # it goes on until then, for nobody
    for thread in threading.enumerate():
        if thread.name == "lading-aside":
            await asyncio.to_thread(thread.join)


class _Container(BaseHTTPRequestHandler):
    """What a container asks for its credentials."""

    def do_GET(self) -> None:
        assert self.headers["Authorization"] == "let me in"
        document = {"AccessKeyId": "cA", "SecretAccessKey": "cS", "Token": "cT", "Expiration": "2999-01-01T00:00:00Z"}
        body = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        del format, args


def test_a_container_gives_credentials_over_http(monkeypatch: pytest.MonkeyPatch) -> None:
    with HTTPServer(("127.0.0.1", 0), _Container) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))  # who has no answer within two seconds asks again
        thread.start()
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"http://127.0.0.1:{server.server_port}/credentials")
        monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "let me in")

        found = find_source().credentials()
        server.shutdown()
        thread.join()

    assert found == Credentials("cA", "cS", "cT")
