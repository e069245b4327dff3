"""Sees to it that the programs which tests need, and which pip cannot bring, are there. Run by `make test` before the tests.

As root on Debian it installs what is missing; for anybody else it prints the line to run, and fails. A test may therefore
count on every program of the table, and none is skipped for want of one.
"""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class SystemPart:
    """A program (or a module of one), the Debian package that brings it, and which tests need it."""

    program: str
    package: str
    needed_by: str
    places: tuple[str, ...] = ()  # patterns of folders below /, beside PATH, where Debian puts it

    def present(self) -> bool:
        folders = [str(folder) for pattern in self.places for folder in Path("/").glob(pattern)]
        path = os.pathsep.join([os.environ.get("PATH", os.defpath), *folders])
        return shutil.which(self.program, mode=os.F_OK, path=path) is not None  # a module need not be executable


# To add one that lies in a folder per version: SystemPart("postgres", "postgresql", "tests/x",
# places=("usr/lib/postgresql/*/bin",)).
SYSTEM_PARTS = (
    SystemPart("git", "git", "make, and whoever installs from a clone"),
    SystemPart(
        "nginx",
        "nginx-light",
        "tests/store/test_http_nginx.py, and tests/test_benches.py as the server of the race",
        places=("usr/sbin",),
    ),
    SystemPart("ngx_http_lua_module.so", "libnginx-mod-http-lua", "the same", places=("usr/lib/nginx/modules",)),
    SystemPart("openssl", "openssl", "the same, for its certificate"),
    SystemPart("tc", "iproute2", "the same, for slow links", places=("usr/sbin", "sbin")),
    SystemPart("mount", "mount", "tests that fill a disk", places=("bin", "usr/bin")),
    SystemPart("b3sum", "b3sum", "tests/docs/test_formats.py, which checks a store by hand"),
    SystemPart("jq", "jq", "the same"),
    SystemPart("xxd", "xxd", "the same"),
    SystemPart("unshare", "util-linux", "make test without root, for a namespace of its own"),
    SystemPart("newuidmap", "uidmap", "the same: that namespace has users beside root"),
)


def missing(parts: tuple[SystemPart, ...]) -> tuple[SystemPart, ...]:
    return tuple(part for part in parts if not part.present())


def line_to_run(parts: tuple[SystemPart, ...]) -> str:
    """What installs `parts`, to be typed as it stands."""
    return f"sudo apt-get install -y --no-install-recommends {' '.join(sorted({part.package for part in parts}))}"


def install(parts: tuple[SystemPart, ...]) -> None:
    """Install `parts` with apt-get. Raise `CalledProcessError` if it cannot."""
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    command = line_to_run(parts).split()[1:]
    print("system parts:", *command, flush=True)
    subprocess.run(["apt-get", "update", "-qq"], check=True, env=quiet)
    subprocess.run([*command[:1], "-qq", *command[1:]], check=True, env=quiet)


def main(parts: tuple[SystemPart, ...] = SYSTEM_PARTS) -> int:
    """0 if all `parts` are there, if need be after installing them."""
    lacking = missing(parts)
    if lacking and os.geteuid() == 0 and shutil.which("apt-get"):
        try:
            install(lacking)
        except subprocess.CalledProcessError as error:
            print(f"system parts: {error}", file=sys.stderr)
        lacking = missing(parts)
    for part in lacking:
        print(f"system parts: no {part.program} (Debian package {part.package}), needed by {part.needed_by}", file=sys.stderr)
    if lacking:
        print(f"system parts: run this, then again what you ran:\n\n    {line_to_run(lacking)}\n", file=sys.stderr)
    return 1 if lacking else 0


if __name__ == "__main__":
    sys.exit(main())
