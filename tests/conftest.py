"""Fixtures that several folders of tests share."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from moto.server import ThreadedMotoServer

from lading.store.http.connection import close_idle

# The same examples in each run: what is found belongs to who changed something, not to who happens to run it. And no clock.
settings.register_profile("lading", derandomize=True, database=None, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("lading")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # Whoever runs the tests in the background ignores Ctrl-C, and so would all that they start and interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def strangers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is known of any endpoint. Ports are given out again: what one test's server asked for (to be left alone for a
    minute, say) must not be held against the next one's."""
    monkeypatch.setattr("lading.transfer.endpoints._known", {})
    monkeypatch.setattr("lading.store.s3.facts._facts", {})
    monkeypatch.setattr("lading.store.http.dialing._names", {})


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MiB, so that a disk can be filled. It needs root, or a namespace as `make test` makes it."""
    place = tmp_path / "disk"
    place.mkdir()
    if os.geteuid():
        pytest.fail("a full disk needs a mount: run as root, or with unshare --map-root-user --map-auto --mount pytest")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(place)], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.fixture
def nobody() -> Iterator[Path]:
    """A folder of a user who may not do everything; the test runs as that user."""
    place = Path(tempfile.mkdtemp())
    try:
        os.chown(place, 65534, 65534)
        os.setegid(65534)
        os.seteuid(65534)
        yield place
    finally:
        os.seteuid(0)
        os.setegid(0)
        shutil.rmtree(place)


@pytest.fixture
def aws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with one pair of AWS keys; the folder where AWS's files would lie."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setattr("lading.store.s3.credentials._chains", {})
    return tmp_path


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    """Where moto's S3 server listens; it knows S3's semantics and looks at no checksum. Each test has a bucket of its own."""
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    close_idle()
    server.stop()
