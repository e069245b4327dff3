"""What a transfer was bound by."""

import pytest

from lading.transfer.gauges import Gauges
from lading.transfer.verdict import verdict


@pytest.mark.parametrize(
    ("gauges", "bound_by", "says"),
    [
        (Gauges(store=8.0, disk=1.0, cpu=1.0), "network", "80%"),
        (Gauges(store=1.0, disk=3.0, cpu=1.0), "disk", "60%"),
        (Gauges(store=1.0, disk=1.0, cpu=2.0), "cpu", "bound by hashing: 50%"),
        (Gauges(store=9.0, worked=18.0), "cpu", "90% of what they could do"),
        (Gauges(store=1.0, throttled=9.0), "store throttling", "90%"),
        (Gauges(store=1.0, pace=3.0), "bandwidth limit", "75%"),
        (Gauges(store=1.0, memory=3.0), "memory", "75%"),
        (Gauges(), "nothing", "no bytes"),
    ],
)
def test_it_names_what_took_most_of_the_time(gauges: Gauges, bound_by: str, says: str) -> None:
    found = verdict(gauges, seconds=10.0, cores=2, near=False)

    assert found.bound_by == bound_by
    assert found.sentence.startswith("bound by ")
    assert says in found.sentence


def test_waiting_for_a_store_on_this_machine_is_waiting_for_its_disk() -> None:
    assert verdict(Gauges(store=8.0, cpu=1.0), seconds=10.0, cores=2, near=True).bound_by == "disk"
