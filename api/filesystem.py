"""The file system `lading://`: artifacts for whatever reads through fsspec, without downloading them."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NoReturn, cast

from msgspec import Struct

from ..errors import EntryNotFoundError, InvalidValueError, UnknownNameError, UsageError
from ..manifest.entry import Entry, shown_digest
from ..transfer.reading import reading
from .opening import ArtifactFile
from .portal import run
from .public import Api
from .readable import Readable, find_readable
from .references.manner import Manner
from .tree import Tree, load_tree

if TYPE_CHECKING:  # fsspec brings no types; this is what we use of it

    class AbstractFileSystem:
        storage_args: tuple[Any, ...]
        storage_options: dict[str, Any]

        def __init__(self, *arguments: Any, **options: Any) -> None: ...
        @classmethod
        def _strip_protocol(cls, path: Any) -> Any: ...
        def find(self, path: str, maxdepth: int | None = None, **options: Any) -> Any: ...
        def open(self, path: str, mode: str = "rb", **options: Any) -> Any: ...
        def walk(self, path: str, maxdepth: int | None = None, **options: Any) -> Any: ...
        def glob(self, path: str, maxdepth: int | None = None, **options: Any) -> Any: ...
        def du(self, path: str, **options: Any) -> Any: ...
        def isfile(self, path: str) -> bool: ...
        def isdir(self, path: str) -> bool: ...
        def get(self, rpath: Any, lpath: Any, recursive: bool = False, **options: Any) -> Any: ...
        def expand_path(self, path: Any, recursive: bool = False, **options: Any) -> list[str]: ...
        def invalidate_cache(self, path: str | None = None) -> None: ...
else:
    try:
        from fsspec.spec import AbstractFileSystem
    except ImportError as error:
        raise UsageError("lading:// needs fsspec", hint="pip install 'lading[fsspec]'") from error

FILES_AT_ONCE = 8
Info = dict[str, Any]


class Located(Struct, frozen=True):
    """A path taken apart: the name of an artifact, and a path in it ("" for its root)."""

    name: str
    path: str

    def full(self, path: str) -> str:
        return f"{self.name}/{path}" if path else self.name


class LadingFileSystem(AbstractFileSystem):
    """Read-only. Paths are `[[entity/]project/]name:alias/path/in/it`.

    What an alias means is looked up at first use, and stays so for this object and its pickled copies: who reads half of `latest`
    reads the other half of the same version. `invalidate_cache` looks it up again. Sizes and names come from the manifest, of
    which only the pages that are needed are read; content is read leaf by leaf, verified. Any thread may use it.
    """

    protocol = "lading"
    root_marker = ""
    cachable = False  # else `latest` would stay for the life of the process

    def __init__(
        self,
        entity: str | None = None,
        project: str | None = None,
        versions: Mapping[str, str] | None = None,
        allow_local_references: bool = False,
        **options: Any,
    ) -> None:
        """`entity` and `project` stand for what a path does not say. `versions` (name → version id) is what names mean that were
        looked up before. `allow_local_references` is that of `Artifact.download`."""
        super().__init__(entity=entity, project=project, **options)
        self._manner = Manner(allow_local=allow_local_references)
        self._api = Api(entity=entity, project=project)
        self._pinned = dict(versions or {})
        self._trees: dict[str, Tree] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        options = self.storage_options | {"versions": dict(self._pinned)}
        return _made, (type(self), self.storage_args[:2], options)

    def invalidate_cache(self, path: str | None = None) -> None:
        """Look up again what `path`, or every path, means."""
        names = [*self._pinned] if path is None else [located(self._strip_protocol(path)).name]
        for name in names:
            self._pinned.pop(name, None)
            self._trees.pop(name, None)
        super().invalidate_cache(path)

    # -- looking ------------------------------------------------------------------------------------------------------
    def info(self, path: str, **options: Any) -> Info:
        """Name, size (bytes, None where a reference does not say) and type; of a file also its `digest`, and the `ref` of a
        reference. Raise FileNotFoundError."""
        where = located(self._strip_protocol(path))
        return run(lambda: self._info(where))

    def ls(self, path: str, detail: bool = True, **options: Any) -> list[Any]:
        """What lies in a folder: the `info` of each, or their names. Of a file itself."""
        where = located(self._strip_protocol(path))
        found = run(lambda: self._listed(where))
        return found if detail else [each["name"] for each in found]

    def find(self, path: str, maxdepth: int | None = None, withdirs: bool = False, detail: bool = False, **options: Any) -> Any:
        """All files below a path."""
        if maxdepth is not None or withdirs:
            return super().find(path, maxdepth, withdirs=withdirs, detail=detail, **options)
        where = located(self._strip_protocol(path))
        found = run(lambda: self._found(where))
        return found if detail else list(found)

    def exists(self, path: str, **options: Any) -> bool:
        """Whether there is such a file or folder. Other errors than that there is none are raised."""
        try:
            self.info(path)
        except FileNotFoundError:
            return False
        return True

    def checksum(self, path: str) -> str:
        """The digest of a file; of a folder, that of its artifact's document and its path."""
        where = located(self._strip_protocol(path))
        info = run(lambda: self._info(where))
        return cast("str", info.get("digest") or f"{run(lambda: self._tree(where)).version.document}/{where.path}")

    ukey = checksum

    def created(self, path: str) -> datetime:
        """When the version was committed."""
        where = located(self._strip_protocol(path))
        return datetime.fromtimestamp(run(lambda: self._tree(where)).version.created_at, UTC)

    modified = created

    # -- reading ------------------------------------------------------------------------------------------------------
    def _open(self, path: str, mode: str = "rb", **options: Any) -> ArtifactFile:
        if mode != "rb":
            self._refuse(path)
        where = located(self._strip_protocol(path))
        return ArtifactFile(run(lambda: self._readable(where)))

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **options: Any) -> bytes:
        """The bytes [start, end) of a file; negative numbers count from its end."""
        (found,) = self.cat_ranges([path], [start], [end], on_error="raise")
        return cast("bytes", found)

    def cat_ranges(
        self,
        paths: Sequence[str],
        starts: Any,
        ends: Any,
        max_gap: int | None = None,
        on_error: str = "return",
        **options: Any,
    ) -> list[Any]:
        """Bytes of several files, each opened once, a few side by side. Instead of what cannot be read stands the error, unless
        it is to "raise"."""
        del max_gap  # leaves lie closer together than any gap
        if not isinstance(paths, list):
            raise InvalidValueError("cat_ranges takes a list of paths")
        starts, ends = _for_each(starts, len(paths)), _for_each(ends, len(paths))
        if not len(paths) == len(starts) == len(ends):
            raise InvalidValueError(f"{len(starts)} starts and {len(ends)} ends for {len(paths)} paths")
        asked: dict[str, list[tuple[int, Any, Any]]] = {}
        for number, (path, start, end) in enumerate(zip(paths, starts, ends, strict=True)):
            asked.setdefault(self._strip_protocol(path), []).append((number, start, end))
        found = run(lambda: self._ranges(asked))
        if on_error == "raise" and (
            errors := [found[number] for number in sorted(found) if isinstance(found[number], Exception)]
        ):
            raise cast("Exception", errors[0])
        return [found[number] for number in range(len(paths))]

    def cat(self, path: Any, recursive: bool = False, on_error: str = "raise", **options: Any) -> Any:
        """The content of a file; of several (a list, a pattern, a folder with `recursive`) by path. What cannot be read is
        raised, left out ("omit"), or stands in its place ("return")."""
        paths = self.expand_path(path, recursive=recursive)
        if len(paths) == 1 and not isinstance(path, list) and paths[0] == self._strip_protocol(path):
            return self.cat_file(paths[0])
        if recursive:
            paths = [each for each in paths if self.info(each)["type"] == "file"]
        found = dict(zip(paths, self.cat_ranges(paths, None, None, on_error=on_error), strict=True))
        return {each: what for each, what in found.items() if on_error != "omit" or not isinstance(what, Exception)}

    # -- what cannot be -----------------------------------------------------------------------------------------------
    def _refuse(self, path: str, *arguments: Any, **options: Any) -> NoReturn:
        raise UsageError(
            f"lading://{path} cannot be changed: a version stays as it is", hint="artifact.new_draft() makes the next"
        )

    mkdir = makedirs = rmdir = cp_file = rm = rm_file = _rm = touch = pipe_file = put_file = mv = _refuse

    # -- on the bridge's loop -----------------------------------------------------------------------------------------
    async def _tree(self, where: Located) -> Tree:
        tree = self._trees.get(where.name)
        if tree is None:
            try:
                version, workspace = (await self._version(where.name)).logged_in("open")
            except UnknownNameError as error:
                missing = EntryNotFoundError(where.path, where.name)
                missing.hint = error.message
                raise missing from error
            tree = await load_tree(workspace, version)
            # Another thread may have been faster: then that is what the name means.
            tree = self._trees.setdefault(where.name, tree)
            self._pinned[where.name] = tree.version.id
        return tree

    async def _version(self, name: str) -> Any:
        if name in self._pinned:
            return await self._api.artifact_async(f"lading://_id/{self._pinned[name]}")
        return await self._api.artifact_async(name)

    async def _info(self, where: Located) -> Info:
        tree = await self._tree(where)
        if where.path and (entry := await tree.entry(where.path)):
            return _file(where, where.path, entry)
        if not where.path or await tree.is_folder(where.path):
            return _folder(where, where.path)
        raise EntryNotFoundError(where.path, str(tree.version.place))

    async def _listed(self, where: Located) -> list[Info]:
        info = await self._info(where)
        if info["type"] == "file":
            return [info]
        children = await (await self._tree(where)).children(where.path)
        return [_described(where, f"{where.path}/{name}".lstrip("/"), entry) for name, entry in children.items()]

    async def _found(self, where: Located) -> dict[str, Info]:
        tree = await self._tree(where)
        if where.path and (entry := await tree.entry(where.path)):
            return {where.full(where.path): _file(where, where.path, entry)}
        return {where.full(path): _file(where, path, entry) for path, entry in (await tree.below(where.path)).items()}

    async def _readable(self, where: Located) -> Readable:
        tree = await self._tree(where)
        entry = await tree.entry(where.path) if where.path else None
        if entry is not None:
            return await find_readable(tree.workspace, tree.version, where.path, entry, self._manner)
        if not where.path or await tree.is_folder(where.path):
            raise IsADirectoryError(f"{where.full(where.path)} is a folder")
        raise EntryNotFoundError(where.path, str(tree.version.place))

    async def _ranges(self, asked: Mapping[str, Iterable[tuple[int, Any, Any]]]) -> dict[int, Any]:
        found, slots = dict[int, Any](), asyncio.Semaphore(FILES_AT_ONCE)

        async def read(path: str, spans: Iterable[tuple[int, Any, Any]]) -> None:
            numbers = [number for number, _, _ in spans]
            async with slots:
                try:
                    readable = await self._readable(located(path))
                    async with readable.reported(), reading(readable.content()) as reader:
                        for number, start, end in spans:
                            start, stop, _ = slice(start, end).indices(readable.size)
                            found[number] = await reader.read(start, stop)
                except Exception as error:  # for the caller to judge
                    found.update({number: error for number in numbers if number not in found})

        async with asyncio.TaskGroup() as tasks:
            for path, spans in asked.items():
                tasks.create_task(read(path, spans))
        return found


def _for_each(given: "int | list[int | None] | None", count: int) -> "list[int | None]":
    return given if isinstance(given, list) else [given] * count


def located(path: str) -> Located:
    """Take a path apart. Raise `InvalidValueError` for one that names no version."""
    before, colon, rest = path.strip("/").partition(":")
    alias, _, inside = rest.partition("/")
    if not (colon and alias):
        raise InvalidValueError(
            f"lading://{path} names no version", hint="write lading://[[entity/]project/]name:alias/path, for example name:latest"
        )
    return Located(f"{before}:{alias}", inside.strip("/"))


def _made(kind: type[LadingFileSystem], arguments: tuple[Any, ...], options: dict[str, Any]) -> LadingFileSystem:
    return kind(*arguments, **options)


def _described(where: Located, path: str, entry: Entry | None) -> Info:
    return _folder(where, path) if entry is None else _file(where, path, entry)


def _file(where: Located, path: str, entry: Entry) -> Info:
    info: Info = {"name": where.full(path), "size": entry.size, "type": "file", "digest": shown_digest(entry)}
    return info if entry.ref is None else info | {"ref": entry.ref}


def _folder(where: Located, path: str) -> Info:
    return {"name": where.full(path), "size": 0, "type": "directory"}
