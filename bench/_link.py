"""A server and a client in network namespaces of their own, with a link between them that is as slow as asked.

The namespaces have no names: each lives as long as a process that waits for our word, so that nothing is left of them and of
the link, however we end.
"""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

SERVER, CLIENT, PORT = "192.0.2.1", "192.0.2.2", 8080  # addresses that are kept for examples
SBIN = ("/usr/sbin", "/sbin", "/usr/local/sbin")
PROGRAMS = {
    "ip": "iproute2",
    "tc": "iproute2",
    "unshare": "util-linux",
    "nsenter": "util-linux",
    "setpriv": "util-linux",
    "nginx": "nginx-light",
}
WIRE = Path(__file__).with_name("_wire.py")
SECONDS = 20.0  # that setting something up may take

Kind = Literal["netem", "wire"]


class ImpossibleError(Exception):
    """This machine cannot make such a link; the message says why."""


@dataclass(frozen=True, slots=True)
class Line:
    """What the link is like: bits per second, seconds there and back, the share of packets that are lost on each way."""

    rate: float
    round_trip: float
    loss: float = 0.0

    def __str__(self) -> str:
        return f"{self.rate / 1e6:,.0f} Mbit/s × {self.round_trip * 1000:g} ms" + (
            f" × {self.loss:.1%} loss" if self.loss else ""
        )

    @property
    def netem(self) -> list[str]:
        """The words of `tc` for one direction. The queue holds what is on its way, and as much again."""
        packets = max(1000, int(2 * self.rate * self.round_trip / 8 / 1500))
        words = f"netem delay {self.round_trip / 2 * 1e6:.0f}us rate {self.rate:.0f}bit loss {self.loss:%} limit {packets}"
        return words.split()


@dataclass(frozen=True, slots=True)
class Ends:
    """Both ends of a link that is there, and the process that is the wire between them, if there is one."""

    server: int
    client: int
    wire: int | None = None

    def wire_seconds(self) -> float:
        """For how long the wire has worked, or waited for a processor to work on."""
        if self.wire is None:
            return 0.0
        worked, waited, _ = Path(f"/proc/{self.wire}/schedstat").read_text().split()
        return (int(worked) + int(waited)) / 1e9

    def in_client(self, *command: str) -> list[str]:
        """The command at the client's end, where it ends with us at the latest."""
        return within(self.client, "setpriv", "--pdeathsig", "KILL", *command)


@contextlib.contextmanager
def link(line: Line, kind: Kind) -> Generator[Ends]:
    """Two namespaces with a link between them. Raise `ImpossibleError`."""
    with contextlib.ExitStack() as stack:
        ends = Ends(stack.enter_context(_namespace()), stack.enter_context(_namespace()))
        if kind == "wire":
            words = [sys.executable, "-P", str(WIRE), str(line.rate), str(line.round_trip / 2), str(line.loss)]
            wire = stack.enter_context(_waiting(within(ends.server, *words), "this user may not make tun devices"))
            ends = Ends(ends.server, ends.client, wire)
            _do(ends.server, "ip", "link", "set", "lading1", "netns", str(ends.client))
        else:
            peer = ["peer", "name", "lading1", "netns", str(ends.client)]
            _do(ends.server, "ip", "link", "add", "lading0", "type", "veth", *peer)
        for end, name, address in ((ends.server, "lading0", SERVER), (ends.client, "lading1", CLIENT)):
            _do(end, "ip", "address", "add", f"{address}/30", "dev", name)
            _do(end, "ip", "link", "set", name, "up")
            if kind == "netem":
                _do(end, "tc", "qdisc", "add", "dev", name, "root", *line.netem)
        yield ends


@contextlib.contextmanager
def serving(ends: Ends, www: Path, place: Path, congestion: str | None = None) -> Generator[str]:
    """The URL of an nginx at the server's end that serves the files of a folder; its own lie in `place`. `congestion`: how its
    TCP finds its speed, if not as everybody's here."""
    place.mkdir()
    if congestion is not None:
        _do(ends.server, "sh", "-c", 'echo "$0" > /proc/sys/net/ipv4/tcp_congestion_control', congestion)
    folders = "".join(f"{kind}_temp_path {place}/unused; " for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    config = place / "nginx.conf"
    config.write_text(
        # One process, which stays who it is; whose folders are not given away either.
        f"{'user root; ' if os.geteuid() == 0 else ''}daemon off; master_process off; pid {place}/pid;\n"
        f"events {{ worker_connections 1024; }}\n"
        f"http {{ access_log off; sendfile on; keepalive_requests 1000000; {folders}\n"
        f"  server {{ listen {SERVER}:{PORT}; root {www}; }} }}\n"
    )
    nginx = [_found("nginx") or "nginx", "-e", str(place / "error.log"), "-p", str(place), "-c", str(config)]
    words = within(ends.server, "sh", "-c", '"$0" "$@" & echo ready; read word; kill $!; wait', *nginx)
    with _waiting(words, "no nginx"):
        _do(ends.client, sys.executable, "-c", _KNOCK)
        yield f"http://{SERVER}:{PORT}/"


_KNOCK = f"""
import socket, time
for _ in range(100):
    try:
        socket.create_connection(("{SERVER}", {PORT}), 5).close()
        break
    except ConnectionRefusedError:
        time.sleep(0.05)
else:
    raise SystemExit("nobody listens")
"""


def kind_here() -> tuple[Kind, str]:
    """The kind of link that this machine can make, and why it is not the better one. Raise `ImpossibleError`."""
    packages = sorted({package for program, package in PROGRAMS.items() if _found(program) is None})
    if packages:
        raise ImpossibleError(f"the programs are missing: sudo apt-get install -y --no-install-recommends {' '.join(packages)}")
    line = Line(1e9, 0.001)
    try:
        with link(line, "netem"):
            return "netem", ""
    except ImpossibleError as error:
        why = str(error)
    with link(line, "wire"):
        return "wire", why


def within(namespace: int, *command: str) -> list[str]:
    """The command, run in the network namespace of this process."""
    return [
        _found("nsenter") or "nsenter",
        f"--net=/proc/{namespace}/ns/net",
        "--",
        _found(command[0]) or command[0],
        *command[1:],
    ]


@contextlib.contextmanager
def _namespace() -> Generator[int]:
    """The process that keeps a new network namespace."""
    words = [_found("unshare") or "unshare", "--net", _found("sh") or "sh", "-c", "echo ready; read word"]
    with _waiting(words, "this user may not make network namespaces (root may, and so may who is below `unshare -r`)") as process:
        _do(process, "ip", "link", "set", "lo", "up")
        yield process


@contextlib.contextmanager
def _waiting(words: list[str], otherwise: str) -> Generator[int]:
    """A process that says a line when it is ready, and goes on until its stdin ends: at the latest, when we do."""
    pipe = subprocess.PIPE
    process = subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=pipe, text=True, start_new_session=True)
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        if not process.stdout.readline():
            raise ImpossibleError(f"{otherwise}: {_last(process.stderr.read())}")
        yield process.pid
    finally:
        process.stdin.close()
        process.wait(SECONDS)
        process.stdout.close()
        process.stderr.close()


def _do(namespace: int, *command: str) -> None:
    done = subprocess.run(within(namespace, *command), capture_output=True, text=True, timeout=SECONDS, check=False)
    if done.returncode:
        raise ImpossibleError(f"`{' '.join(command[:3]).partition(chr(10))[0]} …` failed: {_last(done.stderr)}")


def _last(said: str) -> str:
    return said.strip().rpartition("\n")[2] or "without a word"


def _found(program: str) -> str | None:
    return shutil.which(program, path=os.pathsep.join([os.environ.get("PATH", os.defpath), *SBIN]))
