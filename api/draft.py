"""A draft: the contents of an artifact that is being put together from local files."""

import asyncio
import contextlib
import os
import secrets
import shutil
import threading
import weakref
from collections.abc import Mapping, Sequence

from msgspec import Struct

from ..catalog import Version, WriteSession
from ..errors import ArtifactFinalizedError, EntryNotFoundError, InvalidValueError
from ..manifest.digest import Label
from ..manifest.entry import Entries, Entry
from ..manifest.manifest import Manifest
from ..manifest.paths import artifact_path
from ..manifest.wandb import md5_label
from ..store.owner import scratch_name
from ..transfer.ahead import Ahead
from ..transfer.hashing import Hashed
from ..transfer.local import LocalFile, check_unchanged, local_errors, local_file
from ..transfer.plan import entry_of
from ..transfer.progress import Meter
from ..transfer.scan import scan
from .workspace import Workspace

POLICIES = ("mutable", "immutable")


class Source(Struct, frozen=True, gc=False):
    """The local file behind an entry."""

    file: LocalFile
    hashed: Hashed
    policy: str


class Base(Struct, frozen=True):
    """The version that a draft begins with, and its entries."""

    version: Version
    entries: Entries


class Draft:
    """Entries and the local files they come from. Several threads may add."""

    def __init__(self, name: str, label: Label, base: Base | None = None, *, incremental: bool = False) -> None:
        """Beside what is added it holds the entries of `base`; with `incremental`, whatever `latest` holds when it is logged."""
        self.name, self.base, self.incremental = name, base, incremental
        self.manifest = Manifest(label, base.entries if base else None, name=name)
        self.sources: dict[str, Source] = {}
        self.finalized = False
        self.id = secrets.token_hex(16)
        """What it is known by where it is one part of a version."""
        self.ahead: Ahead | None = None
        """Where large files go as they are added, so that the log finds them stored."""
        self.given: WriteSession | None = None
        """The version that it was given to as a part."""
        self._lock = threading.Lock()
        self._temporary: list[weakref.finalize[..., Draft]] = []
        self._paths: dict[str, str] = {}  # by local file
        self._kept: list[object] = []
        self._values: dict[int, tuple[object, str]] = {}  # which are held, so that no other object gets their ids

    @property
    def immutable(self) -> bool:
        """Whether every file was promised not to change, so that sending may go on in the background."""
        return bool(self.sources) and all(source.policy == "immutable" for source in self.sources.values())

    def go_ahead(self, ahead: Ahead | None) -> None:
        """Let large files that are added from now on go to their store at once. What is not logged goes with the artifact, in
        the thread that forgets it."""
        self.ahead = ahead
        if ahead:
            weakref.finalize(self, ahead.discard)

    def check_open(self, method: str) -> None:
        """Raise `ArtifactFinalizedError` if nothing may change any more."""
        if self.finalized:
            raise ArtifactFinalizedError(method)

    async def add_file(
        self,
        workspace: Workspace,
        path: str,
        name: str,
        *,
        is_tmp: bool,
        policy: str,
        overwrite: bool,
        meter: Meter | None = None,
    ) -> str:
        """Returns the path of the entry."""
        _check_policy(policy)
        path = os.path.abspath(path)  # noqa: ASYNC240  # asks nothing of the disk; the working folder may change before the log
        plain = artifact_path(name, md5=self.manifest.digest_algorithm is Label.MD5)
        file = await asyncio.to_thread(_found, path)
        (hashed,) = await self._hash(workspace, [file], meter or Meter())
        if is_tmp:
            plain = temporary_name(plain, hashed)
        source = Source(file, hashed, policy)
        with self._lock:
            self.manifest.add_entry(plain, _entry(source), overwrite=overwrite)
            self._set_source(plain, source)
        return plain

    async def add_dir(
        self, workspace: Workspace, root: str, name: str, *, policy: str, merge: bool, ignore: Sequence[str], meter: Meter
    ) -> None:
        _check_policy(policy)
        root = os.path.abspath(root)  # noqa: ASYNC240  # as in add_file
        prefix = f"{artifact_path(name)}/" if name else ""
        paths, files = await asyncio.to_thread(self._scan, root, prefix, ignore)
        hashed = await self._hash(workspace, files, meter)
        await asyncio.to_thread(self._add_all, paths, files, hashed, policy, merge)

    def _scan(self, root: str, prefix: str, ignore: Sequence[str]) -> tuple[list[str], list[LocalFile]]:
        if not os.path.isdir(root):
            raise InvalidValueError(f"Path is not a directory: {root!r}", hint="add_file() adds a file")
        md5 = self.manifest.digest_algorithm is Label.MD5
        found = list(scan(root, ignore))
        return [artifact_path(prefix + below, md5=md5) for below, _ in found], [file for _, file in found]

    def _add_all(self, paths: list[str], files: list[LocalFile], hashed: list[Hashed], policy: str, merge: bool) -> None:
        if not merge:
            self._check_fresh(paths, hashed)
        sources = [Source(file, one, policy) for file, one in zip(files, hashed, strict=True)]
        with self._lock:
            self.manifest.add_entries({path: _entry(source) for path, source in zip(paths, sources, strict=True)})
            for path, source in zip(paths, sources, strict=True):
                self._set_source(path, source)

    def _check_fresh(self, paths: list[str], hashed: list[Hashed]) -> None:
        entries = self.manifest.entries
        for path, one in zip(paths, hashed, strict=True):
            present = entries.get(path)
            if present is not None and present.digest != one.digest:
                raise InvalidValueError(
                    f"Cannot add the same path twice: {path!r}", hint="pass merge=True to replace what changed"
                )

    async def _hash(self, workspace: Workspace, files: Sequence[LocalFile], meter: Meter) -> list[Hashed]:
        md5 = self.manifest.digest_algorithm is Label.MD5
        return await workspace.engine.hash(files, self.manifest.algorithm, md5=md5, meter=meter, ahead=self.ahead)

    def enter(self, prepared: Mapping[str, tuple[Entry, Source | None]], kept: Sequence[object], *, overwrite: bool) -> None:
        """Add entries that are prepared, references without a source among them: all, or none. `kept` is held until the log."""
        before: dict[str, tuple[Entry | None, Source | None]] = {}
        with self._lock:
            try:
                for path, (entry, source) in prepared.items():
                    was = self.manifest.get_entry_by_path(path), self.sources.get(path)
                    self.manifest.add_entry(path, entry, overwrite=overwrite)
                    before[path] = was
                    self._set_source(path, source)
            except BaseException:
                for path, (was_entry, was_source) in before.items():
                    self.manifest.remove_entry(path)
                    if was_entry is not None:
                        self.manifest.add_entry(path, was_entry)
                    self._set_source(path, was_source)
                raise
            self._kept.extend(kept)

    def _set_source(self, path: str, source: Source | None) -> None:
        self.sources.pop(path, None)  # of the same content, the file that was added last is the last
        if source is not None:
            self.sources[path] = source
            local = source.file.path
            if self._paths.setdefault(local, path) != path and self._name_of(local) is None:  # its first name stays its name
                self._paths[local] = path

    def remember_value(self, value: object, path: str) -> None:
        """The value has become the entry `path`."""
        with self._lock:
            self._values[id(value)] = value, path

    def path_of_value(self, value: object) -> str | None:
        """The entry that the value became."""
        found = self._values.get(id(value))
        return found[1] if found else None

    def remove(self, item: str) -> list[str]:
        """Remove a file, or everything below a folder. Returns the paths. Raise FileNotFoundError."""
        path = artifact_path(item)
        with self._lock:
            paths = [path] if path in self.manifest else list(self.manifest.get_entries_in_directory(path))
            if not paths:
                raise EntryNotFoundError(item, self.name)
            for each in paths:
                self.manifest.remove_entry(each)
                self.sources.pop(each, None)
        return paths

    def entry(self, path: str) -> Entry:
        """Raise `EntryNotFoundError`."""
        entry = self.manifest.get_entry_by_path(path)
        if entry is None:
            raise EntryNotFoundError(path, self.name)
        return entry

    def path_of(self, local_path: str) -> str | None:
        """The path under which a local file was added."""
        return self._name_of(os.path.abspath(local_path))

    def _name_of(self, wanted: str) -> str | None:
        path = self._paths.get(wanted, "")
        source = self.sources.get(path)  # which may be another by now, or gone
        return path if source is not None and source.file.path == wanted else None

    def check_unchanged(self) -> None:
        """Blocking. Raise `FileChangedError` or `LocalFileError` naming a file that is not what it was when it was added."""
        path = ""
        try:
            for source in self.sources.values():
                path = source.file.path
                check_unchanged(path, source.file.stamp, os.stat(path))
        except OSError:
            with local_errors(path):
                raise

    def temporary_file(self, workspace: Workspace, name: str) -> str:
        """A path for a file that this artifact makes; it goes when the artifact is logged, or goes itself."""
        return self.temporary_path(workspace.temporary, name)

    def temporary_path(self, folder: str, name: str) -> str:
        """As `temporary_file`, in this folder."""
        path = f"{folder}/{scratch_name()}-{name.rpartition('/')[2][-100:]}"
        self._temporary.append(weakref.finalize(self, _remove_own, path, os.getpid()))
        return path

    def remove_temporary(self, path: str) -> None:
        """Remove such a file now."""
        _remove_own(path, os.getpid())

    def temporary_folder(self, workspace: Workspace) -> str:
        """A folder for copies that this artifact needs for a while; it goes with `release`, or with the artifact."""
        path = f"{workspace.temporary}/{scratch_name()}"
        self._temporary.append(weakref.finalize(self, _remove_own, path, os.getpid()))
        return path

    def release(self) -> None:
        """The local files are theirs again, whose they were; those that this artifact made go."""
        if self.ahead:
            self.ahead.discard()
        self.sources = {}
        self._paths.clear()
        self._kept.clear()
        self._values.clear()
        for remove in self._temporary:
            remove()
        self._temporary.clear()


def _found(path: str) -> LocalFile:
    if not os.path.isfile(path):
        hint = "add_dir() adds a folder" if os.path.isdir(path) else "name a regular file that is there"
        raise InvalidValueError(f"Path is not a file: {path!r}", hint=hint)
    return local_file(path)


def _entry(source: Source) -> Entry:
    label = md5_label(source.hashed.md5) if source.hashed.md5 else None
    return entry_of(source.hashed, executable=source.file.executable, md5=label)


def _remove_own(path: str, pid: int) -> None:
    if os.getpid() == pid:  # a forked child ends with its parent's artifacts, too
        if os.path.isdir(path):
            shutil.rmtree(path, ignore_errors=True)
            return
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)


def _check_policy(policy: str) -> None:
    if policy not in POLICIES:
        raise InvalidValueError(f"Invalid policy {policy!r}", hint="'mutable' or 'immutable'")


def temporary_name(path: str, hashed: Hashed) -> str:
    """Up to the first dot, the name is replaced by part of the digest: equal temporary files get equal names."""
    folder, slash, base = path.rpartition("/")
    _, dot, suffix = base.partition(".")
    stem = hashed.md5.hex() if hashed.md5 else hashed.digest
    return f"{folder}{slash}{stem[:20]}{dot}{suffix}"
