"""The object store that the race runs against: an nginx of its own, on free ports of the loopback, in a folder of its own."""

import contextlib
import getpass
import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, unquote_to_bytes, urlsplit
from xml.sax.saxutils import escape

from _race_material import BUCKET, Plan, PlannedFile

TEMPLATE = Path(__file__).with_name("nginx-race.conf")
MODULES = Path("/usr/lib/nginx/modules")
SBIN = ("/usr/sbin", "/usr/local/sbin")
PAGE = 1000  # keys in one page of a listing, as with S3
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class StandIn:
    """A running stand-in. `www` is what it serves; the bucket is a folder in it."""

    place: Path
    www: Path
    http: str
    https: str
    keeping: str
    process: subprocess.Popen[bytes]

    def endpoint(self, *, tls: bool) -> str:
        return self.https if tls else self.http

    @property
    def certificate(self) -> Path:
        return self.place / "cert.pem"

    def cpu(self) -> float:
        """Seconds of CPU that its workers have used."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return sum(_cpu_of(pid) for pid in children)

    def add_listing(self, plan: Plan) -> None:
        """Prepare what it answers when the keys of this plan are listed."""
        starts = range(0, len(plan.files), PAGE)
        for number, start in enumerate(starts):
            more = number + 1 < len(starts)
            (self.place / "pages" / f"{plan.prefix}-{number}").write_text(
                _page(plan, plan.files[start : start + PAGE], str(number + 1) if more else None)
            )

    def received(self, prefix: str, since: int) -> int:
        """How many bytes were PUT below `prefix` since its log had `since` bytes; what was sent again counts once."""
        with (self.place / "puts.log").open() as log:
            log.seek(since)
            lines = [line.split() for line in log]
        below = f"/{BUCKET}/{prefix}/"
        return sum({uri: int(size) for uri, status, size in lines if status == "200" and uri.startswith(below)}.values())

    def log_size(self) -> int:
        path = self.place / "puts.log"
        return path.stat().st_size if path.exists() else 0

    def kept(self, prefix: str) -> dict[str, list[Path]]:
        """The bodies that were PUT below `prefix` where they are kept, by the rest of their key; parts in their order."""
        found: dict[str, list[tuple[int, Path]]] = {}
        for path in (self.place / "kept").iterdir():
            uri = urlsplit(unquote_to_bytes(path.name).decode())
            key = unquote_to_bytes(uri.path).decode().removeprefix(f"/{BUCKET}/")
            number = int(parse_qs(uri.query).get("partNumber", ["0"])[0])
            if key.startswith(f"{prefix}/"):
                found.setdefault(key.removeprefix(f"{prefix}/"), []).append((number, path))
        return {key: [path for _, path in sorted(parts)] for key, parts in found.items()}

    def forget(self) -> None:
        """Remove what was kept."""
        for path in (self.place / "kept").iterdir():
            path.unlink()

    def errors(self) -> str:
        """The end of its error log."""
        return (self.place / "error.log").read_text()[-2000:]


@contextlib.contextmanager
def stand_in(place: Path, www: Path) -> Generator[StandIn]:
    """Run one; its files lie in `place`. Raise RuntimeError with the line to type if nginx is not installed."""
    nginx = shutil.which("nginx", path=os.pathsep.join([os.environ.get("PATH", os.defpath), *SBIN]))
    if nginx is None or not (MODULES / "ngx_http_lua_module.so").exists():
        raise RuntimeError("no nginx with Lua: sudo apt-get install -y --no-install-recommends nginx-light libnginx-mod-http-lua")
    for name in ("bodies", "kept", "pages", "unused"):
        (place / name).mkdir(parents=True)
    _make_certificate(place)
    http, https, keeping = _free_ports(3)
    words: dict[str, object] = {"MODULES": MODULES, "PLACE": place, "WWW": www, "HTTP": http, "HTTPS": https, "KEEPING": keeping}
    # Workers of a root's nginx would be nobody and could not see files that are only the root's.
    words["USER"] = f"user {getpass.getuser()};" if os.geteuid() == 0 else ""
    config = place / "nginx.conf"
    config.write_text(re.sub(r"@([A-Z]+)@", lambda found: str(words[found[1]]), TEMPLATE.read_text()))
    process = subprocess.Popen([nginx, "-e", str(place / "error.log"), "-p", str(place), "-c", str(config)])
    try:
        _wait_for(http, process, place)
        urls = (f"http://127.0.0.1:{http}", f"https://127.0.0.1:{https}", f"http://127.0.0.1:{keeping}")
        yield StandIn(place, www, *urls, process)
    finally:
        process.terminate()
        process.wait()


def version() -> str:
    nginx = shutil.which("nginx", path=os.pathsep.join([os.environ.get("PATH", os.defpath), *SBIN])) or "nginx"
    return subprocess.run([nginx, "-v"], capture_output=True, text=True, check=True).stderr.strip().rpartition("/")[2]


def _wait_for(port: int, process: subprocess.Popen[bytes], place: Path) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.02)
    log = place / "error.log"
    raise RuntimeError(f"nginx did not start: {log.read_text() if log.exists() else 'no word from it'}")


def _free_ports(count: int) -> list[int]:
    """Held all at once, so that they differ."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def _make_certificate(place: Path) -> None:
    """One that is its own authority, so that clients can be told to trust it, and check it as they would any other."""
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj /CN=127.0.0.1"
    names = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(place / "key.pem"), "-out", str(place / "cert.pem")]
    subprocess.run([*command.split(), *names], check=True, capture_output=True)


def _page(plan: Plan, files: Sequence[PlannedFile], token: str | None) -> str:
    contents = "".join(
        f"<Contents><Key>{escape(plan.key(file))}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
        f'<ETag>"{number:x}-1"</ETag><Size>{file.size}</Size><StorageClass>STANDARD</StorageClass></Contents>'
        for number, file in enumerate(files)
    )
    more = f"<IsTruncated>true</IsTruncated><NextContinuationToken>{token}</NextContinuationToken>" if token else ""
    return (
        '<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        f"<Name>{BUCKET}</Name><Prefix>{plan.prefix}/</Prefix><KeyCount>{len(files)}</KeyCount><MaxKeys>{PAGE}</MaxKeys>"
        f"{more or '<IsTruncated>false</IsTruncated>'}{contents}</ListBucketResult>"
    )


def _cpu_of(pid: str) -> float:
    # The second field is a name in brackets, which may hold anything.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS
