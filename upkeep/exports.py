"""Exports: a project as plain files, and what is written beside them so that it can be taken in again.

lading-export.json             what this is: format, entity, project
<collection>/v<N>/…            the files of a version
<collection>/v<N>.entries      one JSON line per entry, sorted by path, references among them
<collection>/v<N>.json         its receipt, with the labels of the day; written last: without it there is no version
"""

import contextlib
import os
import re
import stat
from collections.abc import Generator, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

from ..errors import FormatNewerError, InvalidValueError, LocalFileError, ManifestError, UsageError
from ..manifest.digest import Algorithm, Label
from ..manifest.entry import Entries, Entry, check_entry, has_tree_digest
from ..manifest.names import entity_name, project_name
from ..manifest.paths import check_path
from ..manifest.receipt import Receipt, decode_receipt, encode_receipt

FORMAT = 1
HEAD = "lading-export.json"
LARGEST = 64 << 20  # bytes of a receipt, and of the line of one entry: that of a file of 8 TiB has room
_RECEIPT = re.compile(r"v(0|[1-9][0-9]{0,8})\.json").fullmatch


class Head(msgspec.Struct, frozen=True):
    """Of which project it is."""

    format: int
    entity: str
    project: str


class _Line(msgspec.Struct, frozen=True):
    path: str
    entry: Entry


_LINE = msgspec.json.Decoder(_Line)


class Export:
    """A folder with an export. Blocking; raise `LocalFileError` where the disk fails."""

    def __init__(self, root: str) -> None:
        self.root = Path(root).absolute()

    def begin(self, entity: str, project: str) -> None:
        """Make the folder, or go on with an export of the same project. Raise `UsageError` for a folder with anything else."""
        with _errors(self.root):
            self.root.mkdir(parents=True, exist_ok=True)
            names = {path.name for path in self.root.iterdir()}
        if HEAD in names:
            head = self.head()
            if (head.entity, head.project) != (entity, project):
                raise UsageError(
                    f"{self.root} holds an export of {head.entity}/{head.project}", hint="export to a folder of its own"
                )
        elif names:
            raise UsageError(f"{self.root} is not empty, and no export", hint="export to a folder of its own")
        else:
            _write(self.root / HEAD, msgspec.json.format(msgspec.json.encode(Head(FORMAT, entity, project))) + b"\n")

    def head(self) -> Head:
        """Raise `UsageError` for what is no export, `FormatNewerError`."""
        try:
            head = msgspec.json.decode(_read(self.root / HEAD), type=Head)
            entity_name(head.entity)
            project_name(head.project)
        except (LocalFileError, msgspec.DecodeError, UnicodeDecodeError, RecursionError, InvalidValueError) as error:
            raise UsageError(f"{self.root} is no export: it has no sound {HEAD}", hint="`lading export` makes one") from error
        if head.format > FORMAT:
            raise FormatNewerError(
                f"{self.root} has format {head.format}; this lading reads up to {FORMAT}", hint="upgrade lading"
            )
        return head

    def tree(self, receipt: Receipt) -> Path:
        """The folder of a version's files."""
        return self.root / receipt.collection / f"v{receipt.index}"

    def _beside(self, receipt: Receipt, suffix: str) -> Path:
        return self.root / receipt.collection / f"v{receipt.index}.{suffix}"

    def finish(self, receipt: Receipt, entries: Entries) -> None:
        """The files of this version are there: write what says so."""
        folder = self.root / receipt.collection
        with _errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
        _write(self._beside(receipt, "entries"), _lines(entries))
        _write(self._beside(receipt, "json"), encode_receipt(receipt))

    def receipts(self) -> list[Receipt]:
        """Of all versions, by collection and number. Raise `ManifestError` for one that lies where it does not belong."""
        with _errors(self.root):
            folders = [path for path in self.root.iterdir() if path.is_dir() and not path.is_symlink()]
            paths = [path for folder in folders for path in folder.iterdir() if _RECEIPT(path.name)]
        return sorted(map(_receipt, paths), key=lambda each: (each.collection, each.index))

    def entries(self, receipt: Receipt) -> Entries:
        """Those of a version. Raise `ManifestError` for entries that cannot be."""
        path = self._beside(receipt, "entries")
        with _opened(path) as file:
            try:
                return dict(_parsed(file, Label(receipt.digest_algorithm).algorithm))
            except ManifestError as error:
                raise ManifestError(f"{path}: {error.message}") from error
            except (ValueError, RecursionError) as error:  # of JSON, of text, of algorithms
                raise ManifestError(f"{path}: {error}") from error

    def file(self, receipt: Receipt, path: str) -> str:
        """The plain file of an entry. Raise `ManifestError` if it is a link, or below one: it would be a file of elsewhere."""
        place = self.tree(receipt) / path
        if place.resolve() != self.root.resolve() / receipt.collection / f"v{receipt.index}" / path:
            raise ManifestError(f"{place} is a link, or lies below one")
        return str(place)


def _receipt(path: Path) -> Receipt:
    receipt = decode_receipt(_read(path), str(path))
    if (receipt.collection, f"v{receipt.index}.json") != (path.parent.name, path.name):
        raise ManifestError(f"{path} is the receipt of {receipt.collection}:v{receipt.index}")
    return receipt


def _lines(entries: Entries) -> bytes:
    return b"".join(msgspec.json.encode(_Line(path, entries[path])) + b"\n" for path in sorted(entries))


def _parsed(file: BinaryIO, algorithm: Algorithm) -> Iterator[tuple[str, Entry]]:
    while text := file.readline(LARGEST + 1):
        if len(text) > LARGEST:
            raise ManifestError(f"a line of more than {LARGEST} bytes")
        line = _LINE.decode(text)
        check_path(line.path)
        check_entry(line.path, line.entry, algorithm)
        yield line.path, line.entry


def stored_paths(entries: Entries) -> list[str]:
    """The paths of content, sorted; all others are references."""
    return sorted(path for path, entry in entries.items() if has_tree_digest(entry))


def by_collection(receipts: Iterable[Receipt]) -> dict[str, list[Receipt]]:
    """Those of each collection, in their order."""
    found: dict[str, list[Receipt]] = {}
    for receipt in receipts:
        found.setdefault(receipt.collection, []).append(receipt)
    return found


def _read(path: Path) -> bytes:
    with _opened(path) as file:
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise LocalFileError(f"{path} has more than {LARGEST} bytes, where a small document was expected")
    return data


@contextlib.contextmanager
def _opened(path: Path) -> Generator[BinaryIO]:
    """A plain file: who made the export may have put a link to elsewhere there, or a pipe that never says anything."""
    with _errors(path):
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise LocalFileError(f"{path} is no regular file")
            yield file


def _write(path: Path, data: bytes) -> None:
    """Whole or not at all."""
    with _errors(path):
        part = path.with_name(f"{path.name}.part")
        part.write_bytes(data)
        part.replace(path)


@contextlib.contextmanager
def _errors(path: Path) -> Generator[None]:
    try:
        yield
    except LocalFileError:
        raise
    except OSError as error:
        raise LocalFileError(f"{path}: {error.strerror or error}") from error
