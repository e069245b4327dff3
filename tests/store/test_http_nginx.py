"""nginx as a server of files: what it says by itself is understood."""

import asyncio
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from lading.errors import NotFoundError, ObjectChangedError, StoreDeniedError, StoreError, StoreUnavailableError
from lading.store.http.connection import close_idle
from lading.store.http.store import HttpStore
from lading.store.store import read_bytes
from lading.testing.trees import read_tree, seeded
from lading.transfer import copy

BIG = seeded((20 << 20) + 5)
TEXT = b"words and words " * 1000

CONFIG = """
{user}
daemon off;
pid {place}/nginx.pid;
error_log {place}/error.log;
events {{ }}
http {{
  access_log off;
  keepalive_requests 3;
  gzip on;
  gzip_types *;
  client_body_temp_path {place}/t; proxy_temp_path {place}/t; fastcgi_temp_path {place}/t;
  uwsgi_temp_path {place}/t; scgi_temp_path {place}/t;
  server {{
    listen 127.0.0.1:{port};
    root {place}/files;
    location /denied {{ deny all; }}
    location /busy {{ return 503; }}
    location /moved {{ return 302 /text; }}
    location /round {{ return 302 /round; }}
    location /whole {{ max_ranges 0; alias {place}/files/text; }}
  }}
}}
"""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("nginx") / "files"
    folder.mkdir()
    (folder / "big").write_bytes(BIG)
    (folder / "text").write_bytes(TEXT)
    return folder


@pytest.fixture(scope="module")
def url(files: Path) -> Iterator[str]:
    place = files.parent
    user = "" if os.geteuid() else "user root;"  # else its workers may not see the files
    nginx = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin") or "nginx"
    command = [nginx, "-e", f"{place}/error.log", "-p", str(place), "-c", f"{place}/nginx.conf"]
    with socket.create_server(("127.0.0.1", 0)) as listener:  # handed over, so that nobody else has the port meanwhile
        port, number = listener.getsockname()[1], listener.fileno()
        (place / "nginx.conf").write_text(CONFIG.format(place=place, port=port, user=user))
        process = subprocess.Popen(command, env=os.environ | {"NGINX": f"{number};"}, pass_fds=[number])
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()
        close_idle()


async def test_files_are_read_in_ranges_over_connections_that_end_soon(url: str, tmp_path: Path) -> None:
    for name in ("big", "text"):
        await copy(f"{url}/{name}", f"{tmp_path}/")

    assert read_tree(tmp_path) == {"big": BIG, "text": TEXT}


async def test_it_says_what_a_file_is_and_sends_it_as_it_lies_there(url: str, files: Path) -> None:
    meta = await HttpStore(url).head("text")

    assert (meta.size, meta.ranges, meta.modified) == (len(TEXT), True, int((files / "text").stat().st_mtime))
    assert meta.etag.startswith('"')
    assert await read_bytes(HttpStore(url), "text") == TEXT  # it would compress it for others


async def test_a_file_that_is_replaced_is_noticed(url: str, files: Path) -> None:
    (files / "other").write_bytes(b"first")
    store = HttpStore(url)
    meta = await store.head("other")
    (files / "other").write_bytes(b"second")

    with pytest.raises(ObjectChangedError):
        await asyncio.to_thread(store.read("other", 0, 5, etag=meta.etag).read, memoryview(bytearray(9)), bytearray().extend)


async def test_a_range_beyond_the_end_is_refused(url: str) -> None:
    job = HttpStore(url).read("text", len(TEXT), len(TEXT) + 1)

    with pytest.raises(StoreError, match="shorter"):
        await asyncio.to_thread(job.read, memoryview(bytearray(9)), bytearray().extend)


async def test_a_server_that_is_told_to_have_no_ranges_is_read_in_one_stream(url: str, tmp_path: Path) -> None:
    await copy(f"{url}/whole", f"{tmp_path}/")

    assert not (await HttpStore(url).head("whole")).ranges
    assert read_tree(tmp_path) == {"whole": TEXT}


async def test_its_redirects_are_followed_but_not_for_ever(url: str) -> None:
    assert await read_bytes(HttpStore(url), "moved") == TEXT
    with pytest.raises(StoreError, match="redirects"):
        await HttpStore(url).head("round")


@pytest.mark.parametrize(
    ("name", "kind"), [("none", NotFoundError), ("denied", StoreDeniedError), ("busy", StoreUnavailableError)]
)
async def test_its_refusals_are_understood(url: str, name: str, kind: type[StoreError]) -> None:
    with pytest.raises(kind) as caught:
        await HttpStore(url).head(name)

    assert type(caught.value) is kind
