"""`lading config`: the settings that hold here."""

from typing import TYPE_CHECKING, Any

import click

from .console import Console
from .table import Column
from .work import with_console

if TYPE_CHECKING:
    from ..settings import Origin

_COLUMNS = (Column("SETTING"), Column("VALUE"), Column("FROM"))


@click.group(short_help="Show the settings.")
def config() -> None:
    """Settings come from LADING_… variables, then lading.toml (upward from here), then the user's config.toml, then defaults."""


@config.command(short_help="Each setting, its value, and where it came from.")
@with_console
async def show(console: Console) -> None:
    """Each setting, its value, and where it came from. Secrets are masked."""
    from ..settings import origins

    found = [origin for origin in origins() if origin.name != "quiet" or not console.quiet]
    console.table(
        [setting_record(each) for each in found], _COLUMNS, [[each.name, _text(_shown(each)), each.source] for each in found]
    )


def setting_record(origin: "Origin") -> dict[str, Any]:
    """A setting as `--json` shows it; secrets are masked."""
    from ..settings import TABLE

    setting = next(each for each in TABLE if each.name == origin.name)
    return {
        "name": origin.name,
        "variable": setting.variable,
        "value": _shown(origin),
        "source": origin.source,
        "about": setting.about,
    }


def _shown(origin: "Origin") -> Any:
    from ..settings import TABLE, shown_place

    secret = next(each.secret for each in TABLE if each.name == origin.name)
    if secret and origin.value is not None:
        return "********"
    if origin.value is None or isinstance(origin.value, bool | int):
        return origin.value
    return shown_place(str(origin.value))


def _text(value: Any) -> str:
    return "-" if value is None else str(value)
