"""The engine over Google Cloud Storage: the right bytes there and back, whatever happens on the way."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from lading.errors import StoreUnavailableError
from lading.manifest.digest import LEAF_SIZE
from lading.store.gcs.components import Upload, subject_of
from lading.store.gcs.store import GcsStore
from lading.testing.gcs_server import Damage, Drop, Fault, Flip, GcsServer, LoseAnswer, Refuse, Truncate
from lading.testing.moves import fetch_tree, send_tree
from lading.testing.trees import fetch_items, read_tree, seeded, send_items, write_tree
from lading.transfer.budget import ByteBudget
from lading.transfer.engine import Engine
from lading.transfer.plan import part_size
from lading.transfer.scheduler import Limits, Retry

from .uploads import dead

LARGE = seeded(4 * LEAF_SIZE + 12345)
CONTENTS = {"large": LARGE, "leaf": seeded(LEAF_SIZE, 1), "empty": b"", "a/one": b"1", "z": seeded(50000, 2)}


@pytest.fixture
def server() -> Iterator[GcsServer]:
    with GcsServer(page=4) as server:
        yield server
        assert server.unused == []


@pytest.fixture
def engine(server: GcsServer) -> Iterator[Engine]:
    yield from opened(server, attempts=4)


@pytest.fixture
def patient(server: GcsServer) -> Iterator[Engine]:
    yield from opened(server, attempts=20)


def opened(server: GcsServer, attempts: int) -> Iterator[Engine]:
    store = GcsStore(f"gs://bucket/p?endpoint={server.url}&anonymous=1")
    engine = Engine(store, None, Limits(4, 4), Retry(attempts=attempts, unanswered=attempts, base=0.0), ByteBudget(256 << 20))
    yield engine
    engine.close()


def objects(server: GcsServer) -> dict[str, bytes]:
    return {name: one.data for name, one in server.bucket.objects.items()}


@pytest.mark.parametrize(
    "faults",
    [
        [],
        [("insert", Refuse(503, 0)), ("insert", Drop()), ("insert", LoseAnswer()), ("insert", Damage(0))],
        [("compose", LoseAnswer()), ("delete", Refuse(500)), ("list", Refuse(429, 0)), ("get", Drop())],
        [("compose", Drop()), ("insert", Damage(5)), ("delete", LoseAnswer())],
    ],
)
async def test_what_is_sent_is_there(server: GcsServer, engine: Engine, tmp_path: Path, faults: list[tuple[str, Fault]]) -> None:
    write_tree(tmp_path, CONTENTS)
    items = send_items(tmp_path)
    for kind, fault in faults:
        server.fail(kind, fault)

    await send_tree(engine, items)

    assert objects(server) == {f"p/{item.key}": CONTENTS[item.path] for item in fetch_items(CONTENTS)}
    assert server.count("compose") >= 1


@pytest.mark.parametrize(
    "faults", [[], [Flip(0), Truncate(100), Refuse(503, 0), Drop()], [Truncate(0), Flip(0), Refuse(429, 0), Refuse(500)]]
)
async def test_what_is_there_is_fetched(server: GcsServer, engine: Engine, tmp_path: Path, faults: list[Fault]) -> None:
    items = fetch_items(CONTENTS)
    for item in items:
        server.bucket.insert(f"p/{item.key}", CONTENTS[item.path])
    server.fail("media", *faults)

    await fetch_tree(engine, items, tmp_path / "out")

    assert read_tree(tmp_path / "out") == CONTENTS


async def test_a_send_that_fails_for_good_leaves_no_components(server: GcsServer, engine: Engine, tmp_path: Path) -> None:
    write_tree(tmp_path, {"large": LARGE})
    server.fail("compose", *(Refuse(500) for _ in range(4)))

    with pytest.raises(StoreUnavailableError):
        await send_tree(engine, send_items(tmp_path))

    assert server.bucket.objects == {}


async def test_what_a_dead_process_had_sent_is_compared_and_not_sent_again(
    server: GcsServer, engine: Engine, tmp_path: Path
) -> None:
    write_tree(tmp_path, {"large": LARGE})
    (item,) = send_items(tmp_path)
    part = part_size(item.size)
    folder = Upload(item.key.rpartition("/")[0] + "/", subject_of(item.key), dead(), "1").folder
    right, wrong = LARGE[:part], LARGE[part + 1 : 2 * part + 1]
    server.bucket.insert(f"p/{folder}0-{part}", right)
    server.bucket.insert(f"p/{folder}{part}-{2 * part}", wrong)

    moved = await send_tree(engine, [item])

    sent = [name.removeprefix(f"p/{folder}") for kind, name in server.calls if kind == "insert"]
    assert sorted(sent) == sorted([f"{part}-{2 * part}", f"{2 * part}-{len(LARGE)}", "owner"])
    assert objects(server) == {f"p/{item.key}": LARGE}
    assert moved.bytes_reused == part


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_happens_there_and_back_the_bytes_are_right(
    server: GcsServer, patient: Engine, tmp_path: Path, seed: int
) -> None:
    """Faults at random, but fewer than the engine retries; those that nothing met are taken back."""
    chance = random.Random(seed)
    write_tree(tmp_path / "in", CONTENTS)
    everywhere = (Refuse(503, 0), Refuse(500), Refuse(408), Drop(), LoseAnswer(), Truncate(0), Truncate(7))
    for kind in ("insert", "compose", "delete", "list", "get"):
        server.fail(kind, *(chance.choice((*everywhere, Damage(0)) if kind == "insert" else everywhere) for _ in range(2)))
    for _ in range(3):
        server.fail("media", chance.choice((*everywhere, Flip(0))))

    await send_tree(patient, send_items(tmp_path / "in"))
    await fetch_tree(patient, fetch_items(CONTENTS), tmp_path / "out")

    assert read_tree(tmp_path / "out") == CONTENTS
    assert objects(server) == {f"p/{item.key}": CONTENTS[item.path] for item in fetch_items(CONTENTS)}
    server.forgive()
