"""The console: results on stdout, as text or as JSON; everything else on stderr."""

import json
import os
import sys
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from .failures import ReaderGone
from .phrases import printable
from .table import Column, plain_table, rich_table
from .watch import Watch, watching

Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Console:
    """How this command speaks."""

    as_json: bool
    quiet: bool

    def result(self, record: Record, text: str) -> None:
        """One result: the record, or its text."""
        write(json.dumps(record) + "\n" if self.as_json else f"{text}\n")

    def results(self, records: Sequence[Record], texts: Iterable[str]) -> None:
        """Several results: an array of the records, or a text for each."""
        if not self.as_json:
            write("".join(f"{text}\n" for text in texts))
            return
        with self.array() as put:
            for record in records:
                put(record)
        write("\n")

    def table(self, records: Sequence[Record], columns: Sequence[Column], rows: Iterable[Sequence[str]], *, key: int = 0) -> None:
        """A list: the records, or a row for each. Quiet text has only the column `key`."""
        if self.as_json:
            self.results(records, ())
            return
        cells = [[printable(cell) for cell in row] for row in rows]
        if self.quiet:
            write("".join(f"{row[key]}\n" for row in cells))
        elif cells:
            write(rich_table(columns, cells) if sys.stdout.isatty() else plain_table(columns, cells))

    @contextmanager
    def array(self) -> Generator["Array"]:
        """A JSON array that is written as it comes, one record on a line."""
        array = Array()
        yield array
        array.close()

    def write(self, text: str) -> None:
        """Text on stdout, now. Raise `ReaderGone`."""
        write(text)

    def notice(self, text: str) -> None:
        """Something worth knowing that is no result."""
        if not self.quiet:
            sys.stderr.write(f"{printable(text)}\n")

    @contextmanager
    def watch(self) -> Generator[Watch]:
        """Progress is shown while the block runs."""
        with watching(quiet=self.quiet) as watch:
            yield watch


class Array:
    """Takes the records of a JSON array."""

    def __init__(self) -> None:
        self._before = "["

    def __call__(self, record: Record) -> None:
        write(f"{self._before}\n{json.dumps(record)}")
        self._before = ","

    def close(self) -> None:
        write("[]" if self._before == "[" else "\n]")


def write(text: str) -> None:
    """Write to stdout, now. Raise `ReaderGone` if nobody reads it any more."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        # What is still buffered would fail again, loudly, when the interpreter ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise ReaderGone from None
