"""Measuring whole processes: wall time, CPU seconds and peak memory, as the kernel counts them."""

import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one process: seconds of wall clock and CPU, peak resident bytes, and what it printed."""

    wall: float
    cpu: float
    rss: int
    output: str = ""


def run(command: Sequence[str], environment: Mapping[str, str] | None = None, folder: Path | None = None) -> Cost:
    """Run a command to its end, with compiled modules kept as any installation keeps them. Raise RuntimeError with what it
    said if it fails."""
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"} | dict(environment or {})
    began = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=folder, env=variables)
    assert child.stdout is not None
    output = child.stdout.read()
    _, status, used = os.wait4(child.pid, 0)
    wall = time.perf_counter() - began
    child.returncode = os.waitstatus_to_exitcode(status)
    child.stdout.close()
    if child.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {child.returncode}:\n{output}")
    return Cost(wall, used.ru_utime + used.ru_stime, used.ru_maxrss << 10, output)


def warm_memory(size: int) -> None:
    """Let the kernel have `size` bytes of memory at hand. A virtual machine gives free memory back to its host within seconds,
    and who next fills its page cache pays for fetching it again: up to three times the time of a copy, and by chance whose."""
    fill = "import mmap, sys; mmap.mmap(-1, int(sys.argv[1]), flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE)"
    subprocess.run([sys.executable, "-c", fill, str(size)], check=True)


def lading(*arguments: str) -> list[str]:
    """The command line of this environment's lading."""
    return [sys.executable, "-P", "-m", "lading", *arguments]


def median(costs: Sequence[Cost]) -> Cost:
    """Each figure's median; of memory the largest."""
    return Cost(
        statistics.median(cost.wall for cost in costs),
        statistics.median(cost.cpu for cost in costs),
        max(cost.rss for cost in costs),
    )


def heading(title: str) -> None:
    """What is measured, where and when."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    system = f"{platform.system()} {platform.release()}"
    print(f"# {title}")
    print(f"# {system}, {cores} cores, Python {platform.python_version()}, {datetime.now(UTC):%Y-%m-%d}", flush=True)


def row(name: str, cost: Cost, bar: str = "") -> None:
    print(f"{name:44} {cost.wall:7.2f} s  {cost.cpu:7.2f} CPU-s  {cost.rss / 1e6:6.0f} MB  {bar}")


def verdict(value: float, bar: float) -> str:
    """How a figure stands to its bar; smaller is better."""
    return f"bar {bar:g}: {'reached' if value <= bar else 'NOT REACHED'}"


def timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
