"""Durations on the command line: 90s, 15min, 12h, 7d, 2w, or 0."""

import re
from typing import Any

import click

_SECONDS = {"": 1, "s": 1, "min": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


class Duration(click.ParamType[float]):
    """Seconds, as a number from 0 on."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?) ?(s|min|h|d|w)?", str(value).strip())
        unit = found[2] or "" if found else ""
        if found is None or (not unit and float(found[1])):
            self.fail(f"{value!r} is no duration; write 90s, 15min, 12h, 7d or 2w", param, ctx)
        return float(found[1]) * _SECONDS[unit]


DURATION = Duration()
