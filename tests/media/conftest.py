"""An album: the simplest thing that values can be put into and got from, with W&B's digests."""

import base64
import hashlib
import io
from collections.abc import Callable
from pathlib import Path

import pytest

from lading.media.document import read_document, write_document
from lading.media.registry import VALUES, kind_at
from lading.media.value import Found, Origin, Reading, Source, Stored, Value


class Album:
    """Files and references by path."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files: dict[str, bytes] = {}
        self.references: dict[str, str] = {}
        self.fetched: list[set[str]] = []
        """What readings asked for, time by time."""
        self._asked: set[str] = set()

    # -- a Sink -------------------------------------------------------------------------------------------------------
    def file(self, local: str, name: str, *, temporary: bool = False) -> Stored:
        return self._put(name, Path(local).read_bytes(), temporary=temporary)

    def reference(self, uri: str, name: str) -> Stored:
        self.references[name] = uri
        return Stored(name, uri)

    def share(self, origin: Origin, name: str | None = None) -> Stored:
        self.references[name or origin.path] = origin.uri
        return Stored(name or origin.path, origin.digest)

    def value(self, value: Value, name: str) -> Stored:
        name = type(value).named(name)
        text = io.StringIO()
        write_document(value.encode(self), text)
        return self._put(name, text.getvalue().encode(), temporary=name.startswith("media/tables"))

    def holds(self, path: str) -> bool:
        return path in self.files or path in self.references

    def keep(self, thing: object) -> None:
        del thing

    def _put(self, name: str, data: bytes, *, temporary: bool) -> Stored:
        digest = hashlib.md5(data)
        if temporary:
            folder, _, base = name.rpartition("/")
            name = f"{folder}/{digest.hexdigest()[:20]}.{base.partition('.')[2]}"
        self.files[name] = data
        return Stored(name, base64.b64encode(digest.digest()).decode())

    # -- a Source -----------------------------------------------------------------------------------------------------
    def below(self, folder: str) -> list[str]:
        return sorted(path for path in self.files if path.startswith(f"{folder}/"))

    def load(self, path: str) -> Value:
        return self.get(path)

    # `file` of a Source has another shape than that of a Sink: hence a second object.
    def get(self, name: str) -> Value:
        """The value called `name`, read from its file."""
        path = name if kind_at(name) else next(path for path in self.files if path.startswith(f"{name}.") and kind_at(path))
        kind = kind_at(path)
        assert kind is not None
        return self.finish(kind.decode(read_document(self.files[path], path), AlbumSource(self)))

    def read(self, document: object) -> Value:
        """The value of a document, by what it says it is."""
        assert isinstance(document, dict)
        return self.finish(VALUES[document["_type"]].decode(document, AlbumSource(self)))

    def finish(self, reading: Reading[Value]) -> Value:
        try:
            while True:
                wanted = {path for path in next(reading) if isinstance(path, str)}
                self._asked |= wanted
                if wanted:
                    self.fetched.append(wanted)
        except StopIteration as end:
            value: Value = end.value
            return value

    def found(self, path: str) -> Found:
        assert path in self._asked, f"{path} was not asked for"
        origin = Origin(f"album://{path}", path, "digest of it")
        if path in self.references:
            return Found(None, self.references[path], origin)
        local = self.folder / path
        local.parent.mkdir(parents=True, exist_ok=True)
        local.write_bytes(self.files[path])
        return Found(str(local), None, origin)


class AlbumSource:
    """The `Source` of an album."""

    def __init__(self, album: Album) -> None:
        self._album = album

    def file(self, path: str) -> Found:
        return self._album.found(path)

    def below(self, folder: str) -> list[str]:
        return self._album.below(folder)

    def load(self, path: str) -> Value:
        return self._album.load(path)

    def beyond(self, path: str) -> Source:
        raise AssertionError(f"{path} is not of another artifact")


@pytest.fixture
def album(tmp_path: Path) -> Album:
    return Album(tmp_path / "album")


PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAFklEQVR4nGP4z8DA8J+BgYHhPycHOwAaJgMWXFb72AAAAABJRU5ErkJggg=="
)
"""A picture of 2 by 2 pixels."""


@pytest.fixture
def picture(tmp_path: Path) -> Callable[..., Path]:
    """picture("a/b.png") writes the picture there."""

    def make(name: str = "picture.png") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(PNG)
        return path

    return make
