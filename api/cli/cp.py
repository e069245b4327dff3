"""`lading cp`: copy files and objects."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .console import Console
from .copies import carry_out, carry_out_all, read_batch
from .manner import Manner, copy_options
from .work import with_console, with_deadline

if TYPE_CHECKING:
    from ...transfer import Task


@click.command(short_help="Copy files and objects: paths, s3://, gs://, https://.")
@click.argument("places", metavar="SRC... DST", nargs=-1)
@click.option("--batch", metavar="FILE", help="Copy a `SRC DST` per line of FILE (`-`: stdin), many at the same time.")
@click.option("--no-clobber", "-n", is_flag=True, help="Leave what is there already.")
@click.option("--if-size-differ", "-s", is_flag=True, help="Only over what has another size.")
@click.option("--if-source-newer", "-u", is_flag=True, help="Only over what is older. With -s: one of the two is enough.")
@click.option("--flatten", "-f", is_flag=True, help="Drop the folders of names.")
@click.option("--digest", metavar="ALG:HEX", help="Fail unless the one object hashes to this: blake3:, sha256: or md5:.")
@copy_options
@with_console
@with_deadline
async def cp(
    console: Console,
    *,
    places: tuple[str, ...],
    batch: str | None,
    no_clobber: bool,
    if_size_differ: bool,
    if_source_newer: bool,
    flatten: bool,
    digest: str | None,
    manner: Manner,
) -> None:
    """Copy SRC to DST: files and folders of this machine, objects of s3://BUCKET/KEY and gs://BUCKET/KEY, web addresses.

    \b
    lading cp s3://b/model.bin .           one object, into this folder
    lading cp data s3://b/sets/            a folder, as sets/data/…
    lading cp data/ s3://b/sets/           what is in it, as sets/…
    lading cp 's3://b/logs/*.gz' logs/     what matches; `*` is any text, slashes too
    lading cp s3://a/x/ gs://b/y/          from store to store
    lading cp *.npz s3://b/sets/           several; the shell takes the pattern

    What is there already is replaced. A DST that ends in a slash, or is a folder, is copied into; any other is the new name of a
    single object, and a folder for more of them.
    """
    from ...transfer import Compare

    if no_clobber and (if_size_differ or if_source_newer):
        raise click.UsageError("--no-clobber goes neither with --if-size-differ nor with --if-source-newer")
    compare = {
        (False, False): Compare.NEVER if no_clobber else Compare.ALWAYS,
        (True, False): Compare.SIZE,
        (False, True): Compare.NEWER,
        (True, True): Compare.SIZE_OR_NEWER,
    }[if_size_differ, if_source_newer]

    def make(source: str, destination: str) -> "Task":
        return manner.task(source, destination, compare, flatten=flatten, digest=digest)

    if batch is not None:
        if places or digest is not None:
            raise click.UsageError("--batch takes neither SRC and DST nor --digest")
        await carry_out_all(console, read_batch(batch, make), manner)
    elif len(places) < 2:
        raise click.UsageError("SRC and DST are needed, or --batch FILE")
    elif len(places) == 2:
        await carry_out(console, make(*places), manner)
    else:
        *sources, destination = places
        _check_several(sources, destination, digest)
        await carry_out_all(console, [make(source, destination) for source in sources], manner)


def _check_several(sources: Sequence[str], destination: str, digest: str | None) -> None:
    if digest is not None:
        raise click.UsageError("--digest is that of one object")
    if not destination.partition("?")[0].endswith("/") and not Path(destination).is_dir():
        raise click.UsageError(f"several SRC go into a folder: {destination}/ (and a pattern is to be quoted)")
    names = [source.rpartition("/")[2] for source in sources]
    if twice := next((name for name in names if name and names.count(name) > 1), None):
        raise click.UsageError(f"more than one SRC is called {twice}")
