"""The manner of a copy: the options that `cp`, `sync` and `ls` share, as one value."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from ...transfer import Compare, Task

_STORE_OPTIONS = (
    click.option("--endpoint", metavar="URL", help="Where the buckets are, if not at AWS or Google (S3: also AWS_ENDPOINT_URL)."),
    click.option("--profile", metavar="NAME", help="The profile in AWS's files to take credentials from."),
    click.option("--anonymous", is_flag=True, help="Sign nothing: for public buckets."),
)
_RULE_OPTIONS = (
    click.option("--include", multiple=True, metavar="PATTERN", help="Only names that match; `*` is any text. Repeatable."),
    click.option("--exclude", multiple=True, metavar="PATTERN", help="Not names that match, whatever is included. Repeatable."),
    click.option("--raw", is_flag=True, help="`*` and `?` are ordinary characters."),
)
_COPY_OPTIONS = (
    click.option("--verify", is_flag=True, help="Compare with the checksum that the store states; fail if it states none."),
    click.option("--no-sync", is_flag=True, help="Do not wait until what was copied would survive a power cut."),
    click.option("--explain", is_flag=True, help="Say what it was bound by: network, disk, processors, the store …"),
    click.option("--concurrency", type=click.IntRange(1), metavar="N", help="Most requests at a time. Default: found by trying."),
    click.option("--dry-run", is_flag=True, help="Say what would be copied and deleted; change nothing."),
)


@dataclass(frozen=True, slots=True)
class Manner:
    """What the options that are shared say: which names take part, and how tasks are carried out and told of."""

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    raw: bool = False
    verify: bool = False
    no_sync: bool = False
    explain: bool = False
    concurrency: int | None = None
    dry_run: bool = False
    endpoint: str | None = None
    profile: str | None = None
    anonymous: bool = False

    @property
    def options(self) -> dict[str, str]:
        """What goes to every bucket."""
        given = {"endpoint": self.endpoint, "profile": self.profile, "anonymous": "1" if self.anonymous else None}
        return {name: value for name, value in given.items() if value is not None}

    def task(
        self,
        source: str,
        destination: str,
        compare: "Compare",
        *,
        flatten: bool = False,
        delete: bool = False,
        digest: str | None = None,
    ) -> "Task":
        """What is to be copied, with what the command itself was told."""
        from ...transfer import Task

        return Task(
            source=source,
            destination=destination,
            include=self.include,
            exclude=self.exclude,
            flatten=flatten,
            raw=self.raw,
            compare=compare,
            delete=delete,
            digest=digest,
            verify=self.verify,
            durable=not self.no_sync,
        )


_SHARED = {field.name for field in fields(Manner)}


def store_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """--endpoint, --profile, --anonymous, and the rules of names; the function gets them as its `manner`."""
    return _with(function, (*_RULE_OPTIONS, *_STORE_OPTIONS))


def copy_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """All that `cp` and `sync` share; the function gets it as its `manner`."""
    return _with(function, (*_RULE_OPTIONS, *_COPY_OPTIONS, *_STORE_OPTIONS))


def _with(function: Callable[..., Any], options: Sequence[Callable[..., Any]]) -> Callable[..., Any]:
    @functools.wraps(function)
    def call(**given: Any) -> Any:
        shared = {name: given.pop(name) for name in _SHARED & given.keys()}
        return function(manner=Manner(**shared), **given)

    for option in reversed(options):
        call = option(call)
    return call
