"""`lading lineage`: what a version was made from, and what was made from it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ...errors import LocalFileError
from .console import Console
from .phrases import printable
from .work import with_console

if TYPE_CHECKING:
    from ..lineage import Lineage, Node

_BRANCH, _LAST, _THROUGH, _SPACE = "├── ", "└── ", "│   ", "    "


@click.command(short_help="Draw what a version was made from and what from it.")
@click.argument("name")
@click.option("--output", "-o", type=click.Path(dir_okay=False), help="Write a file instead: .svg, .png or .json.")
@click.option(
    "--limit", default=300, show_default=True, type=click.IntRange(1), metavar="N", help="At most so many runs and versions."
)
@with_console
async def lineage(console: Console, *, name: str, output: str | None, limit: int) -> None:
    """Draw the runs and versions that the version NAME was made from, and those that were made from it, as trees. What was drawn
    already is not drawn again: it ends in an arrow."""
    from ..public import Api

    if output is not None and Path(output).suffix not in (".svg", ".png", ".json"):
        raise click.UsageError(f"{output}: a drawing is .svg, .png or .json")
    found = await (await Api().artifact_async(name)).lineage_async(limit)
    if output is not None:
        from asyncio import to_thread  # what only says --help does without it

        await to_thread(_write, output, found)
        console.result({"path": output, "complete": found.complete}, output)
    else:
        console.result(found.to_json(), "\n".join(drawn(found)))
    if not found.complete:
        console.notice(f"there is more: the nearest {limit:,} runs and versions are shown (--limit)")


def _write(path: str, found: "Lineage") -> None:
    match Path(path).suffix:
        case ".svg":
            data = found.to_svg().encode()
        case ".png":
            data = found.to_png()
        case _:
            data = json.dumps(found.to_json(), indent=2).encode() + b"\n"
    try:
        Path(path).write_bytes(data)
    except OSError as error:
        raise LocalFileError(f"{path} cannot be written: {error.strerror}") from error


def drawn(found: "Lineage") -> Iterator[str]:
    """The lines of two trees: what was before, what came after."""
    nodes = {node.key: node for node in found.nodes}
    root = found.nodes[0]
    before: dict[str, list[str]] = {}
    after: dict[str, list[str]] = {}
    for start, end in found.edges:
        after.setdefault(start, []).append(end)
        before.setdefault(end, []).append(start)
    yield _line(root)
    for title, near in (("made from", before), ("used for", after)):
        if near.get(root.key):
            yield f"{title}:"
            yield from _tree(root.key, near, nodes)


def _tree(root: str, near: Mapping[str, Sequence[str]], nodes: Mapping[str, "Node"]) -> Iterator[str]:
    drawn = {root}
    walk: list[tuple[str, Iterator[tuple[str, bool]]]] = [("", _ends(near.get(root, ())))]
    while walk:
        prefix, ends = walk[-1]
        key, last = next(ends, ("", False))
        if not key:
            walk.pop()
            continue
        again = " ↑" if key in drawn and near.get(key) else ""
        yield f"{prefix}{_LAST if last else _BRANCH}{_line(nodes[key])}{again}"
        if key not in drawn:
            drawn.add(key)
            walk.append((prefix + (_SPACE if last else _THROUGH), _ends(near.get(key, ()))))


def _ends(keys: Sequence[str]) -> Iterator[tuple[str, bool]]:
    return ((key, at == len(keys) - 1) for at, key in enumerate(keys))


def _line(node: "Node") -> str:
    return f"{'run ' if node.kind == 'run' else ''}{printable(node.title)} ({printable(node.detail)})"
