"""What has been begun in a store and could outlive us: one small file per upload, under the name of its owner."""

import contextlib
import hashlib
import os
from collections.abc import Generator, Iterator

import msgspec

from ..errors import LocalFileError
from .owner import Fate, Owner, fate_of, parse_temporary, temporary_name

FORMAT = 1
_NO_NOTE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class Begun(msgspec.Struct, frozen=True):
    """An upload. Until the store has named it, `upload` is empty: it may be there or not."""

    store: str  # the URL by which the store is opened again
    key: str
    size: int
    part: int  # bytes of each part but the last
    marker: str  # by which the object, once complete, is known to be of this upload
    begun: float  # seconds since 1970
    checks: str | None = None  # the checksum that was promised with each part
    upload: str = ""
    format: int = FORMAT


class Noted(msgspec.Struct, frozen=True):
    """What a file says, and the file."""

    path: str
    begun: Begun


class Leftover(msgspec.Struct, frozen=True):
    """What a process left. `certain`: it is gone. Otherwise it may live, in another container or on another machine."""

    noted: Noted
    owner: Owner
    certain: bool


class Journal:
    """A folder of notes. Its calls block, for a file's `fsync` at most; each may raise `LocalFileError`."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = os.path.abspath(folder)

    def __repr__(self) -> str:
        return f"Journal({self.folder!r})"

    def note(self, begun: Begun) -> Noted:
        """Write it down; when this returns, it survives a power cut."""
        noted = Noted(f"{self.folder}/{temporary_name(_subject(begun.store, begun.key, begun.size, begun.part))}", begun)
        with _errors(self.folder):
            os.makedirs(self.folder, mode=0o700, exist_ok=True)
            _write(noted.path, begun)
            _sync(self.folder)
        return noted

    def name(self, noted: Noted, upload: str) -> Noted:
        """Add how the store calls it; durable as `note` is."""
        noted = Noted(noted.path, msgspec.structs.replace(noted.begun, upload=upload))
        with _errors(self.folder):
            _write(noted.path, noted.begun)
        return noted

    def forget(self, noted: Noted) -> None:
        """It is complete or aborted. Repeatable."""
        with _errors(self.folder), contextlib.suppress(FileNotFoundError):
            os.unlink(noted.path)

    def find(self, store: str, key: str, size: int, part: int) -> Noted | None:
        """An upload of the same that a certainly dead owner left, and that the store has named. It is still theirs."""
        subject = _subject(store, key, size, part)
        with _errors(self.folder):
            for path, owner in self._notes(subject):
                begun = _read(path) if fate_of(owner) is Fate.GONE else None
                same = begun and (begun.store, begun.key, begun.size, begun.part) == (store, key, size, part)
                if begun and same and begun.upload:
                    return Noted(path, begun)
        return None

    def adopt(self, noted: Noted) -> Noted | None:
        """Take it over: it is ours from now on. Of two that try, one gets it."""
        begun = noted.begun
        mine = f"{self.folder}/{temporary_name(_subject(begun.store, begun.key, begun.size, begun.part))}"
        with _errors(self.folder), contextlib.suppress(FileNotFoundError):
            os.rename(noted.path, mine)
            _sync(self.folder)
            return Noted(mine, begun)
        return None

    def leftovers(self) -> list[Leftover]:
        """What processes that do not live here any more began, by key. What a crash cut short names nothing, and is removed."""
        found: list[Leftover] = []
        with _errors(self.folder):
            for path, owner in self._notes():
                fate = fate_of(owner)
                if fate is Fate.ALIVE:
                    continue
                if begun := _read(path):
                    found.append(Leftover(Noted(path, begun), owner, fate is Fate.GONE))
                elif fate is Fate.GONE and _is_cut(path):
                    with contextlib.suppress(FileNotFoundError):
                        os.unlink(path)
        return sorted(found, key=lambda left: (left.noted.begun.store, left.noted.begun.key, left.noted.path))

    def fates(self) -> dict[str, Fate]:
        """What became of those who began each upload that is noted and named."""
        with _errors(self.folder):
            notes = [(_read(path), fate_of(owner)) for path, owner in self._notes()]
        return {begun.upload: fate for begun, fate in notes if begun and begun.upload}

    def _notes(self, subject: str | None = None) -> Iterator[tuple[str, Owner]]:
        try:
            names = os.listdir(self.folder)
        except FileNotFoundError:
            return
        for name in names:
            parsed = parse_temporary(name)
            if parsed and subject in (None, parsed[0]):
                yield f"{self.folder}/{name}", parsed[1]


def _subject(store: str, key: str, size: int, part: int) -> str:
    return hashlib.sha256(f"{store}\0{key}\0{size}\0{part}".encode()).hexdigest()[:32]


def _write(path: str, begun: Begun) -> None:
    """In place: whoever dies in between leaves what is read as nothing. Longer than before, so that nothing is left behind it."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        data = msgspec.json.encode(begun)
        os.pwrite(descriptor, data, 0)
        os.ftruncate(descriptor, len(data))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read(path: str) -> Begun | None:
    """None if it was cut short, or written by a newer lading, which it is left to."""
    try:
        with open(path, "rb") as file:
            begun = msgspec.json.decode(file.read(), type=Begun)
    except (FileNotFoundError, *_NO_NOTE):
        return None
    return begun if begun.format == FORMAT else None


def _is_cut(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            msgspec.json.decode(file.read())
    except FileNotFoundError:
        return False
    except _NO_NOTE:
        return True
    return False


def _sync(folder: str) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _errors(folder: str) -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise LocalFileError(
            f"the journal {folder} cannot be written: {error.strerror or error}", hint="LADING_HOME must be writable"
        ) from error
