"""`lading cat`: the bytes of one file on stdout, each leaf verified before it is written."""

import os
import sys

import click

from ...errors import InvalidValueError
from ...manifest.digest import LEAF_SIZE
from .console import Console
from .failures import ReaderGone
from .work import with_console


@click.command(short_help="Write the content of a file to stdout.")
@click.argument("target", metavar="NAME/PATH")
@click.option(
    "--allow-local-references",
    is_flag=True,
    help="Follow references of others to files of this machine and into private networks.",
)
@with_console
async def cat(console: Console, *, target: str, allow_local_references: bool) -> None:
    """Write the content of the file PATH of the version NAME to stdout, as in `lading cat pets/cats:latest/tom.txt`. Every 8 MiB
    are verified before they are written; nothing is kept on this machine. A reference is read where it leads."""
    from ..public import Api

    del console
    name, path = split_target(target)
    entry = await (await Api().artifact_async(name)).get_entry_async(path)
    async with entry.open_async(allow_local_references=allow_local_references) as file:
        while piece := await file.read(LEAF_SIZE):
            write_bytes(piece)


def split_target(target: str) -> tuple[str, str]:
    """`[[ENTITY/]PROJECT/]NAME:ALIAS` and the path behind it. Raise `InvalidValueError` where there is no such."""
    before, colon, rest = target.partition(":")
    alias, _, path = rest.partition("/")
    if not (colon and alias and path):
        raise InvalidValueError(f"{target!r} names no file", hint="write NAME:ALIAS/PATH, as in pets/cats:latest/tom.txt")
    return f"{before}:{alias}", path


def write_bytes(piece: bytes) -> None:
    """Write all of it to stdout, now. Raise `ReaderGone` if nobody reads it any more."""
    try:
        sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        # What is still buffered would fail again, loudly, when the interpreter ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise ReaderGone from None
