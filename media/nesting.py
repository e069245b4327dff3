"""Nesting: values that are read because another value names them, each once, and never inside of itself."""

from ..errors import ManifestError
from .document import read_local
from .value import Found, Reading, Source, Value, Wanted


class Nesting:
    """A source that remembers which documents are being read, and which were."""

    def __init__(self, source: Source, above: tuple[str, ...], read: dict[str, Value]) -> None:
        self._source, self._above, self._read = source, above, read

    @staticmethod
    def of(source: Source) -> "Nesting":
        return source if isinstance(source, Nesting) else Nesting(source, (), {})

    def file(self, path: str) -> Found:
        return self._source.file(path)

    def below(self, folder: str) -> list[str]:
        return self._source.below(folder)

    def load(self, path: str) -> Value:
        return self._source.load(path)

    def beyond(self, path: str) -> Source:
        return self._source.beyond(path)

    def read(self, path: str, kind: type[Value]) -> Reading[Value]:
        """The value in the file `path`, or in the entry of another artifact to which that refers."""
        yield [path]
        found = self.file(path)
        uri = found.origin.uri
        if uri in self._above:
            raise ManifestError(f"{path} contains itself")
        if uri not in self._read:
            source = self.beyond(path) if found.away else self._source
            reading = kind.decode(read_local(found, kind.max_size), Nesting(source, (*self._above, uri), self._read))
            self._read[uri] = yield from (_beyond(reading, path) if found.away else reading)
        return self._read[uri]


def _beyond(reading: Reading[Value], path: str) -> Reading[Value]:
    """The same reading; what it wants lies in the artifact to which the entry `path` refers."""
    while True:
        try:
            wanted = next(reading)
        except StopIteration as end:
            value: Value = end.value
            return value
        yield [Wanted(each, path) for each in wanted]


def read_at(path: str, kind: type[Value], source: Source) -> Reading[Value]:
    """The value in the file `path`. Raise `ManifestError` for one that contains itself."""
    return Nesting.of(source).read(path, kind)
