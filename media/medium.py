"""Medium: a value that is mostly one file, which it names together with its SHA-256."""

import hashlib
import os
import re
from pathlib import PurePath
from typing import Annotated, Any, ClassVar, Self

from msgspec import Meta, Struct, field

from ..errors import FileChangedError, InvalidTypeError, InvalidValueError, LocalFileError
from .document import checked
from .scratch import Scratch
from .value import Found, Reading, Sink, Source, Value

_REFERENCE = re.compile(r"(?:gs|s3|https?)://").match
_PIECE = 1 << 20

Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]


class FileDocument(Struct, frozen=True):
    """What every medium says of its file."""

    kind: str = field(name="_type")
    path: str
    sha256: Sha256
    caption: str | None = None


class Medium(Value):
    """A value that is mostly one file. The file is not read again before it is stored: until the artifact is logged, it must stay
    what it is."""

    folder: ClassVar[str]
    """Where its files lie in an artifact."""

    def __init__(self, caption: str | None = None) -> None:
        super().__init__()
        if caption is not None and not isinstance(caption, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InvalidTypeError(f"a caption must be a string, not {type(caption)}")
        self.caption: str | None = caption
        self.sha256: str | None = None
        """Of the file, in hex; of a reference, that of its URI."""
        self._local: str | None = None
        self._uri: str | None = None
        self._scratch: Scratch | None = None
        self._found: Found | None = None
        self._stamp: tuple[int, int] | None = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._local or self._uri}>"

    def __eq__(self, other: object) -> bool:
        """Whether both are of one kind, with equal bytes and captions."""
        if not isinstance(other, Medium):
            return NotImplemented
        return type(self) is type(other) and (self.sha256, self.caption) == (other.sha256, other.caption)

    __hash__ = None  # type: ignore[assignment]  # equal by what can still change

    @property
    def path(self) -> str | None:
        """The local file, or the URI of a reference."""
        return self._local or self._uri

    @staticmethod
    def path_is_reference(path: str | os.PathLike[str] | None) -> bool:
        """Whether it names bytes in a bucket or on the web."""
        return isinstance(path, str) and _REFERENCE(path) is not None

    # -- what it holds ------------------------------------------------------------------------------------------------
    def _take_file(self, path: str) -> str:
        """Hold a local file. Returns its path. Raise `LocalFileError`."""
        local = os.path.abspath(path)
        try:
            with open(local, "rb") as file:
                stat = os.fstat(file.fileno())
                digest = hashlib.sha256()
                while piece := file.read(_PIECE):
                    digest.update(piece)
        except OSError as error:
            raise LocalFileError(f"{local}: {error.strerror or error}") from error
        self._local, self.sha256, self._stamp = local, digest.hexdigest(), (stat.st_size, stat.st_mtime_ns)
        return local

    def _take_scratch(self, scratch: Scratch) -> None:
        """Hold a file that it made itself."""
        self._take_file(scratch.path)
        self._scratch = scratch

    def _take_bytes(self, data: bytes, suffix: str) -> None:
        """Hold bytes, in a scratch file."""
        scratch = Scratch(suffix)
        with open(scratch.path, "wb") as file:
            file.write(data)
        self._take_scratch(scratch)

    def _take_reference(self, uri: str) -> None:
        """Hold what is elsewhere."""
        self._uri, self.sha256 = uri, hashlib.sha256(uri.encode()).hexdigest()

    def _take_found(self, found: Found, sha256: str) -> None:
        """Hold a file of an artifact."""
        self._found, self._local, self._uri, self.sha256 = found, found.local, found.uri, sha256

    def _take_other(self, other: "Medium") -> None:
        """Hold what another medium holds."""
        self._local, self._uri, self.sha256 = other._local, other._uri, other.sha256
        self._scratch, self._found, self._stamp = other._scratch, other._found, other._stamp

    # -- into an artifact and out of it ------------------------------------------------------------------------------
    def encode(self, sink: Sink) -> dict[str, Any]:
        document: dict[str, Any] = {"_type": self.log_type} | self._stored(sink)
        if self.caption is not None:
            document["caption"] = self.caption
        return document

    def _stored(self, sink: Sink) -> dict[str, Any]:
        if self._found is not None:
            path = sink.share(self._found.origin).path
        elif self._uri is not None:
            path = sink.reference(self._uri, f"{self.folder}/{self._prefix()}/{self._uri.rpartition('/')[2]}").path
        elif self._local is None:
            raise InvalidValueError(f"{type(self).__name__} holds nothing")
        elif self._scratch is not None:
            sink.keep(self._scratch)
            path = sink.file(self._local, f"{self.folder}/{os.path.basename(self._local)}", temporary=True).path
        else:
            self._check_unchanged(self._local)
            path = sink.file(self._local, f"{self.folder}/{self._prefix()}/{os.path.basename(self._local)}").path
        return {"path": path, "sha256": self.sha256}

    def _prefix(self) -> str:
        return (self.sha256 or "")[:20]

    def _check_unchanged(self, local: str) -> None:
        try:
            stat = os.stat(local)
        except OSError as error:
            raise LocalFileError(f"{local}: {error.strerror or error}") from error
        if (stat.st_size, stat.st_mtime_ns) != self._stamp:
            raise FileChangedError(local, what="changed")

    @classmethod
    def decode(cls, document: Any, source: Source) -> Reading[Self]:
        read = checked(document, FileDocument, cls.log_type)
        yield [read.path]
        value = cls.__new__(cls)
        Medium.__init__(value, read.caption)
        value._take_found(source.file(read.path), read.sha256)
        value._restore(document)
        return value

    def _restore(self, document: dict[str, Any]) -> None:
        """Take what the kind itself adds to the document. Raise `ManifestError`."""


def text_path(value: object) -> str | None:
    """A path that was given as a string or a path; None for anything else."""
    return os.fspath(value) if isinstance(value, str | PurePath) else None


def suffix_of(path: str) -> str:
    """`png` of `a/b.png`, in lower case."""
    return os.path.splitext(path)[1][1:].lower()
