"""The front door: `lading COMMAND …`. A command's module is loaded when it is called."""

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from keyword import iskeyword
from typing import Any, NoReturn

import click

from .failures import said

COMMANDS = (
    *("put", "get", "cat", "cp", "sync", "ls", "info", "diff", "verify", "rm"),
    *("link", "unlink", "lineage", "alias", "tag", "pin", "gc", "doctor", "export", "import", "config", "artifact"),
)
_EPILOG = """\b
Exit codes:
    0  it is done
    1  it failed: an `error:` line, and often a `hint:`, on stderr
    2  the command line cannot be understood
  130  interrupted by Ctrl-C (143: by SIGTERM); nothing half-written is left
  141  the reader of the output went away

\b
Results go to stdout, everything else to stderr. With --json stdout holds one
JSON value, and an error is one line of JSON on stderr: {"error": {…}}.

\b
Completion, for the shell's start-up file (or zsh_source, fish_source):
  eval "$(_LADING_COMPLETE=bash_source lading)"
"""


class FrontDoor(click.Group):
    """Loads commands late, and turns what they raise into words and exit codes."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        # The module is called like the command in it, as far as Python lets it.
        name = f"{cmd_name}_" if iskeyword(cmd_name) else cmd_name
        command: click.Command = getattr(import_module(f"{__package__}.{name}"), name)
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        options = args[: args.index("--")] if "--" in args else args
        ctx.meta["lading.json"] = "--json" in options  # known even where the rest cannot be understood
        with said(as_json=ctx.meta["lading.json"]):
            return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        with said(as_json=ctx.meta["lading.json"]):
            return super().invoke(ctx)


def _version(ctx: click.Context, _: click.Parameter, asked: bool) -> None:
    if asked and not ctx.resilient_parsing:
        from importlib.metadata import PackageNotFoundError, version

        try:
            click.echo(f"lading {version('lading')}")
        except PackageNotFoundError:
            click.echo("lading (a checkout that is not installed)")
        ctx.exit()


@click.group(cls=FrontDoor, epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Show the version and exit.")
@click.option("--quiet", "-q", is_flag=True, help="No progress, no notices: only results and errors.")
@click.pass_context
def cli(ctx: click.Context, quiet: bool) -> None:
    """Version datasets and checkpoints on storage of your own.

    NAME is [[ENTITY/]PROJECT/]NAME[:ALIAS]; an alias is `latest`, `v3` or one of your own.
    """
    ctx.meta["lading.quiet"] = quiet


def main(args: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and end the process."""
    try:
        cli(args, prog_name="lading")
    except SystemExit as end:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError):
                stream.flush()
        # At once: taking apart the entries of a large artifact one by one takes longer than much of the work.
        os._exit(end.code if isinstance(end.code, int) else end.code is not None)
    raise AssertionError("click has exited")
