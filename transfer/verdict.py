"""The verdict: what a transfer was bound by, from its own gauges. Pure."""

from typing import Literal

from msgspec import Struct

from .gauges import Gauges

Bound = Literal["network", "disk", "cpu", "store throttling", "bandwidth limit", "memory", "nothing"]
BUSY = 0.8  # of the processors, from where on it is they who are waited for
BRIEF = 0.001  # seconds of lanes: what took less was bound by nothing

_SENTENCES: dict[Bound, str] = {
    "network": "bound by the network and the store: {share} of the time of its lanes went into waiting for them",
    "disk": "bound by the disk: {share} of the time of its lanes went into reading and writing",
    "cpu": "bound by the processors: {share} of what they could do was done",
    "store throttling": "bound by the store, which was busy or did not answer: {share} of the time went into waiting before it"
    " was asked again",
    "bandwidth limit": "bound by the bandwidth limit that was set: {share} of the time of its lanes went into keeping to it",
    "memory": "bound by the memory it may use: {share} of the time went into waiting for some",
    "nothing": "bound by nothing: no bytes had to move",
}


class Verdict(Struct, frozen=True):
    """What a transfer was bound by, and the same as a sentence for a person."""

    bound_by: Bound
    sentence: str


def verdict(gauges: Gauges, *, seconds: float, cores: int, near: bool) -> Verdict:
    """What took most of the time; where it is hashing, or where the processors had hardly a rest, it is they. `near`: the store
    lies on a disk of this machine."""
    spent: dict[Bound, float] = {
        "network": 0.0 if near else gauges.store,
        "disk": gauges.disk + (gauges.store if near else 0.0),
        "cpu": gauges.cpu,
        "store throttling": gauges.throttled,
        "bandwidth limit": gauges.pace,
        "memory": gauges.memory,
    }
    total = sum(spent.values())
    if total < BRIEF:
        return _verdict("nothing", 0.0)
    possible = max(seconds * cores, 1e-9)
    if gauges.worked >= BUSY * possible:
        return _verdict("cpu", min(1.0, gauges.worked / possible))
    most = max(spent, key=spent.__getitem__)
    if most == "cpu":
        return Verdict("cpu", f"bound by hashing: {spent[most] / total:.0%} of the time of its lanes went into it")
    return _verdict(most, spent[most] / total)


def _verdict(bound_by: Bound, share: float) -> Verdict:
    return Verdict(bound_by, _SENTENCES[bound_by].format(share=f"{share:.0%}"))
