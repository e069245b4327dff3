"""What transfers say to a logger and to OpenTelemetry."""

import logging
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from lading.errors import StoreUnavailableError
from lading.manifest.digest import Algorithm
from lading.store.memory import MemoryStore
from lading.testing.trees import fetch_items, seeded, send_items, write_tree
from lading.transfer.endpoints import SharedGate
from lading.transfer.engine import Engine
from lading.transfer.fetch import fetch
from lading.transfer.limiter import Limiter
from lading.transfer.progress import Meter
from lading.transfer.send import send
from lading.transfer.trace import Seldom, traced

A = Algorithm.BLAKE3


@pytest.fixture(scope="module")
def exporter() -> InMemorySpanExporter:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    return exporter


async def landed(_: object) -> None:
    """Nobody waits for it."""


async def test_a_transfer_is_a_span_with_what_it_moved(
    tmp_path: Path, make_engine: Callable[..., Engine], exporter: InMemorySpanExporter
) -> None:
    contents = {"a": seeded(1000), "b": seeded(9 << 20)}
    write_tree(tmp_path / "in", contents)
    store = MemoryStore()
    exporter.clear()

    await send(make_engine(store), send_items(tmp_path / "in"), A, meter=Meter(), landed=landed)
    await fetch(make_engine(store), fetch_items(contents), str(tmp_path / "out"), A, meter=Meter())
    spans = [(span.name, dict(span.attributes or {})) for span in exporter.get_finished_spans()]

    assert [name for name, _ in spans] == ["lading.send", "lading.fetch"]
    for _, facts in spans:
        assert (facts["bytes"], facts["files"], facts["store"]) == (1000 + (9 << 20), 2, store.url)
        assert facts["bound_by"] in ("network", "disk", "cpu")
        assert float(str(facts["seconds"])) > 0


async def test_a_transfer_that_fails_is_a_span_too_and_says_no_secret(exporter: InMemorySpanExporter) -> None:
    exporter.clear()

    with pytest.raises(StoreUnavailableError), traced("lading.fetch", "https://me:word@host/x?sig=1", Meter(), near=False):
        raise StoreUnavailableError("down")
    (span,) = exporter.get_finished_spans()

    assert not span.status.is_ok
    assert dict(span.attributes or {})["store"] == "https://host/x"


def test_without_an_application_that_traces_nothing_is_loaded() -> None:
    script = (
        "import sys; from lading.transfer.trace import traced; from lading.transfer.progress import Meter\n"
        "with traced('x', 'memory://', Meter(), near=False): pass\n"
        "print('opentelemetry' in sys.modules)"
    )

    done = subprocess.run([sys.executable, "-P", "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout == "False\n"
    assert done.stderr == ""


def test_a_storm_is_a_warning_once(caplog: pytest.LogCaptureFixture) -> None:
    gate: Any = SharedGate(Limiter(64), "s3://bucket (parts)")
    with caplog.at_level(logging.WARNING, "lading"):
        for _ in range(64):
            gate.take(0.0, lambda: None)
        for _ in range(64):
            gate.throttled(1.0, None)

    assert [record.getMessage() for record in caplog.records] == [
        "s3://bucket (parts) is busy or does not answer: only 32 at the same time, before 64"
    ]


def test_seldom_is_seldom() -> None:
    seldom, always = Seldom(1000.0), Seldom(0.0)

    assert [seldom() for _ in range(3)] == [True, False, False]
    assert [always() for _ in range(3)] == [True, True, True]
