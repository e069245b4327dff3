"""What of a list is wanted, and in which order."""

from typing import Any

import pytest

import lading
from lading.api import Api
from lading.api.choice import Choice, Kind
from lading.api.paginator import Paginator, slice_of
from lading.catalog import Page
from lading.errors import InvalidValueError

Thing = dict[str, Any]
THINGS: list[Thing] = [
    {"name": "a", "tag": ["x"], "loss": 0.5, "config": {"lr": 1, "deep": {"value": 7}}, "created_at": "2026-01-01T00:00:00Z"},
    {"name": "b", "tag": ["x", "y"], "loss": 0.1, "config": {"lr": 2}, "created_at": "2026-02-01T00:00:00Z"},
    {"name": "c", "tag": [], "loss": None, "config": {}, "created_at": "2026-03-01T00:00:00Z"},
    {"name": "d", "tag": ["z"], "loss": "nan", "config": {"lr": 1}, "created_at": "2026-04-01T00:00:00Z"},
]


def facts(thing: Thing) -> Thing:
    return thing


KIND = Kind("things", ("name", "tag", "loss", "config", "created_at"), facts, by="name")


def listed(filters: Thing | None = None, order: str | None = None) -> str:
    """The names, from a catalogue that knows two orders."""
    choice = Choice(KIND, filters, order)

    async def fetch(limit: int, cursor: str | None) -> Page[Thing]:
        return slice_of(THINGS[::-1] if choice.order == "-name" else THINGS, limit, cursor)

    pages = Paginator(choice.of(fetch), 2)
    names = "".join(each["name"] for each in pages)
    assert len(pages) == len(names)
    return names


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        ({}, "abcd"),
        ({"name": "a"}, "a"),
        ({"tag": "x"}, "ab"),
        ({"tag": "x", "name": {"$ne": "a"}}, "b"),
        ({"tag": {"$ne": "x"}}, "cd"),
        ({"tag": {"$in": ["y", "z"]}}, "bd"),
        ({"tag": {"$nin": ["y", "z"]}}, "ac"),
        ({"tag": ["x", "y"]}, "b"),
        ({"tag": {"$exists": True}}, "abd"),
        ({"loss": None}, "c"),
        ({"loss": {"$lt": 0.5}}, "b"),
        ({"loss": {"$lte": 0.5, "$gt": 0.1}}, "a"),
        ({"loss": {"$gte": "a"}}, "d"),
        ({"config.lr": 1}, "ad"),
        ({"config.lr.value": 1}, "ad"),
        ({"config.deep.value": 7}, "a"),
        ({"config.none.there": {"$exists": False}}, "abcd"),
        ({"config": {"lr": 2}}, "b"),
        ({"createdAt": {"$gte": "2026-02-01", "$lt": "2026-04-01"}}, "bc"),
        ({"name": {"$regex": "[bc]"}}, "bc"),
        ({"name": {"$not": {"$regex": "[bc]"}}}, "ad"),
        ({"$or": [{"name": "a"}, {"$and": [{"tag": "x"}, {"tag": "y"}]}]}, "ab"),
        ({"$nor": [{"name": "a"}, {"name": "b"}]}, "cd"),
    ],
)
def test_filters_are_those_of_wandb(filters: Thing, names: str) -> None:
    """SEMANTICS 1.3: `filters=None`; W&B's are MongoDB's $and, $or, $nor, $eq, $ne, $gt, $gte, $lt, $lte, $in, $nin, $exists,
    $regex."""
    assert listed(filters) == names


@pytest.mark.parametrize(
    ("order", "names"),
    [
        (None, "abcd"),
        ("+name", "abcd"),
        ("-name", "dcba"),
        ("loss", "badc"),  # what has none comes last
        ("-loss", "dabc"),
        ("config.lr", "adbc"),
        ("-created_at", "dcba"),
    ],
)
def test_orders_go_up_and_down(order: str | None, names: str) -> None:
    """SEMANTICS 1.3: `order=…`."""
    assert listed(order=order) == names


def test_the_catalogues_own_order_is_read_page_by_page() -> None:
    assert Choice(KIND, order="-name").order == "-name"
    assert Choice(KIND, order="loss").order == "+name"
    assert Choice(KIND, {"name": "a"}, "-name").order == "-name"
    assert listed({"tag": "x"}, "-name") == "ba"


@pytest.mark.parametrize(
    ("filters", "text"),
    [
        ({"size": 1}, r"things cannot be chosen or ordered by 'size'\n.*there are: name, tag, loss, config, created_at"),
        ({"name": {"$like": "a"}}, r"a filter cannot be \{'\$like': 'a'\}\n.*operators are \$eq, \$exists"),
        ({"name": {"$in": "a"}}, r"a filter cannot be \{'\$in': 'a'\}"),
        ({"name": {"$regex": "["}}, r"'\[' is no regular expression"),
        ({"$or": {"name": "a"}}, r"\$or takes a list of filters"),
        ({"$and": ["name"]}, "a filter is a dict, not 'name'"),
        (["name"], "a filter is a dict"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_read(filters: Any, text: str) -> None:
    with pytest.raises(InvalidValueError, match=text):
        Choice(KIND, filters)


def test_runs_are_chosen_and_ordered_by_what_they_hold(home: object) -> None:
    """SEMANTICS 1.3: `runs(path=None, filters=None, order=…, per_page=50, …)`."""
    for number, loss in enumerate((0.5, 0.1, 0.9)):
        with lading.init(project="p", id=f"r{number}", group=f"g{number % 2}", config={"lr": number}) as run:
            run.log({"loss": loss})
    api = Api()

    assert [each.id for each in api.runs("p", {"config.lr": {"$gt": 0}})] == ["r1", "r2"]
    assert [each.id for each in api.runs("p", {"group": "g0", "state": "finished"}, "-created_at")] == ["r2", "r0"]
    best = api.runs("p", order="+summary_metrics.loss", per_page=1)
    assert [best[0].id, len(best)] == ["r1", 3]
    assert [each.id for each in api.runs("p", order="+summary_metrics.loss", start=best.cursor)] == ["r0", "r2"]
