"""Every error that lading raises on purpose.

LadingError                      .code (stable, for programs), .hint (what to do), .retryable
├─ InvalidValueError             + ValueError      a name, path, alias, tag, metadata or argument that cannot be
│  └─ NotAModelError             + AssertionError  … where a model is wanted
├─ InvalidTypeError              + TypeError       an argument of a kind that cannot be
├─ UsageError                                      a call that makes no sense here and now
│  ├─ NotBuiltError              + AttributeError  what W&B has and this version of lading does not
│  ├─ DisabledError              + NotImplementedError  what cannot be done in mode "disabled"
│  └─ SettingsError                                a setting that cannot be
├─ ArtifactStatusError           + AttributeError  the artifact is in the wrong state for this
│  ├─ ArtifactNotLoggedError                       … not logged yet
│  └─ ArtifactFinalizedError                       … logged already
├─ WaitTimeoutError              + TimeoutError    wait(timeout) ran out
├─ DeadlineError                 + TimeoutError    the time that a transfer was given ran out; it was given up
├─ CommError                                       the catalogue says no
│  ├─ UnknownNameError           + LookupError     no such entity, project, collection, version, alias, run
│  ├─ NameConflictError          + ValueError      the name is taken by something of another type or state
│  ├─ AliasesRemainError                           delete() of a version that still has aliases
│  ├─ LeaseLostError                               the write session ran out or was closed
│  ├─ PremiseError                                 what a commit was made from has changed: make it again
│  ├─ CatalogBusyError           retryable         another process held the catalogue for too long
│  ├─ CatalogNewerError                            the catalogue was written by a newer lading
│  └─ CatalogPlaceError                            a SQLite file where SQLite is not safe
├─ EntryNotFoundError            + KeyError, FileNotFoundError   the artifact has no such entry
├─ ManifestError                 + ValueError      a document that is damaged or hostile
│  └─ FormatNewerError                             … or written by a newer lading
├─ DigestMismatchError           + ValueError      bytes do not hash to what they should
├─ VerificationError             + ValueError      local files are not what their artifact says
├─ FileChangedError              + ValueError      a local file changed while it was being logged
├─ LocalFileError                + OSError         a local file or folder cannot be read or written
│  └─ DiskFullError                                … because the disk is full
└─ StoreError                    + OSError         the store cannot do it
   ├─ NotFoundError              + FileNotFoundError
   ├─ AlreadyExistsError         + FileExistsError
   ├─ StoreFullError
   ├─ StoreForeignError                            store and catalogue do not belong together
   ├─ StoreDeniedError                             credentials are missing, wrong or not enough
   ├─ ObjectChangedError                           an object was replaced while it was being read
   └─ StoreUnavailableError      retryable
"""

import errno
import re
from typing import ClassVar


class LadingError(Exception):
    """The root. `str()` is one line for a person and, where there is a remedy, a second line with it."""

    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message, self.hint = message, hint

    @property
    def code(self) -> str:
        """A stable word for programs: the class's name in kebab case, without `Error`."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", type(self).__name__.removesuffix("Error")).lower()

    def __str__(self) -> str:
        return f"{self.message}\n  hint: {self.hint}" if self.hint else self.message

    def __reduce__(self) -> tuple[object, ...]:
        # Exceptions are pickled by their arguments; ours also carry facts as attributes.
        return _rebuild, (type(self), self.args, self.__dict__)


Error = LadingError
"""W&B's name of it."""


def _rebuild(kind: type[LadingError], args: tuple[object, ...], facts: dict[str, object]) -> LadingError:
    # By the base that has room for an errno, where there is one: what Python finds first may be that of another.
    error = OSError.__new__(kind, *args) if issubclass(kind, OSError) else kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(facts)
    return error


class InvalidValueError(LadingError, ValueError):
    """A name, path, alias, tag, metadata or argument that cannot be."""


class NotAModelError(InvalidValueError, AssertionError):
    """Where a model is wanted: an artifact whose type does not say "model", or a path for a model's name."""


class InvalidTypeError(LadingError, TypeError):
    """An argument of a kind that cannot be."""


class UsageError(LadingError):
    """A call that makes no sense here and now."""


class NotBuiltError(UsageError, AttributeError):
    """`what` is known to W&B, and not built yet in this version of lading."""

    def __init__(self, what: str) -> None:
        super().__init__(f"`{what}` is not built yet in this version of lading")
        self.what = what


class DisabledError(UsageError, NotImplementedError):
    """`method` needs the catalogue, and the run is in mode "disabled"."""

    def __init__(self, method: str) -> None:
        super().__init__(f"run.{method}() on a run that is disabled", hint="unset LADING_MODE, or init(mode='online')")
        self.method = method


class SettingsError(UsageError, ValueError):
    """A setting that cannot be; the message says where it came from."""


class ArtifactStatusError(LadingError, AttributeError):
    """The artifact is in the wrong state for this."""


class ArtifactNotLoggedError(ArtifactStatusError):
    """`attribute` exists only once the artifact is logged."""

    def __init__(self, attribute: str) -> None:
        super().__init__(
            f"'Artifact.{attribute}' used prior to logging artifact or while in offline mode. "
            "Call wait() before accessing logged artifact properties.",
            hint="a draft is logged by run.log_artifact(artifact), or by artifact.save()",
        )
        self.attribute = attribute


class ArtifactFinalizedError(ArtifactStatusError):
    """`attribute` would change an artifact that can no longer change."""

    def __init__(self, attribute: str) -> None:
        super().__init__(
            f"'Artifact.{attribute}' used on logged artifact. Can't modify finalized artifact.",
            hint="make a new Artifact of the same name: equal files are neither stored nor moved again",
        )
        self.attribute = attribute


class WaitTimeoutError(LadingError, TimeoutError):
    """`wait(timeout)` ran out; the logging goes on."""


class DeadlineError(LadingError, TimeoutError):
    """`what` was not done in the `seconds` that it was given: it was given up, and has cleaned up."""

    def __init__(self, what: str, seconds: float) -> None:
        super().__init__(f"{what}: not done within {seconds:g} seconds, and given up", hint="give it more time")
        self.what, self.seconds = what, seconds


class CommError(LadingError):
    """The catalogue says no."""


class UnknownNameError(CommError, LookupError):
    """There is no `kind` (entity, project, collection, version, alias, run …) called `name`."""

    def __init__(self, kind: str, name: str, *, within: str = "", hint: str | None = None) -> None:
        place = f" in {within}" if within else ""
        super().__init__(f"{kind} '{name}' not found{place}", hint=hint)
        self.kind, self.name, self.within = kind, name, within


class NameConflictError(CommError, ValueError):
    """The name is taken by something of another type or in another state."""


class AliasesRemainError(CommError):
    """The version still has `aliases`; deleting it would take them away."""

    def __init__(self, name: str, aliases: tuple[str, ...]) -> None:
        super().__init__(
            f"{name} still has the aliases {', '.join(aliases)}",
            hint="move them first, or delete with delete_aliases=True (--delete-aliases)",
        )
        self.name, self.aliases = name, aliases


class LeaseLostError(CommError):
    """The write session ran out or was closed: nothing was committed."""


class PremiseError(CommError):
    """What a version was to be made from has changed meanwhile; nothing was committed. Made again from what is there now, it may
    be."""


class CatalogBusyError(CommError):
    """Another process held the catalogue for too long."""

    retryable = True


class CatalogNewerError(CommError):
    """The catalogue was written by a newer lading."""


class CatalogPlaceError(CommError):
    """A SQLite file would lie where SQLite is not safe."""


class EntryNotFoundError(LadingError, KeyError, FileNotFoundError):
    """The artifact `artifact` has no entry `path`."""

    def __init__(self, path: str, artifact: str) -> None:
        super().__init__(f"Path not contained in artifact: {path} ({artifact})")
        self.path, self.artifact = path, artifact


class ManifestError(LadingError, ValueError):
    """A document that is damaged or hostile; nothing of it was used."""


class FormatNewerError(ManifestError):
    """A document written by a newer lading."""


class DigestMismatchError(LadingError, ValueError):
    """The bytes of `name` hash to `actual`, not to the `expected` digest."""

    retryable = True

    def __init__(self, name: str, *, expected: str, actual: str, hint: str | None = None) -> None:
        super().__init__(f"Digest mismatch for {name}: expected {expected}, got {actual}", hint=hint)
        self.name, self.expected, self.actual = name, expected, actual


class VerificationError(LadingError, ValueError):
    """Local files are not what their artifact says. `problems` has a line for each."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        first, *others = problems
        super().__init__(
            f"{first} (and {len(others)} more)" if others else first,
            hint="download() puts right what is missing or wrong, checkout() also removes what is foreign",
        )
        self.problems = problems


class FileChangedError(LadingError, ValueError):
    """The local file `path` changed between being added and being logged; no version was committed."""

    def __init__(self, path: str, *, what: str) -> None:
        super().__init__(
            f"{path}: {what} while it was being logged; nothing was committed",
            hint="once nothing writes to it, add it again (overwrite=True, merge=True for a folder) and log",
        )
        self.path = path


class LocalFileError(LadingError, OSError):
    """A local file or folder cannot be read or written."""


class DiskFullError(LocalFileError):
    """The disk that holds a destination is full; nothing half-written was left."""

    errno = errno.ENOSPC


class StoreError(LadingError, OSError):
    """The store cannot do it."""


class NotFoundError(StoreError, FileNotFoundError):
    """There is no object under `key`: the content of the file `path`, where that is known."""

    def __init__(self, key: str, store: str, *, path: str = "", hint: str | None = None) -> None:
        place = f" in {store}" if store != key else ""  # a web address is both
        super().__init__(f"{f'{path}: ' if path else ''}{key}: no such object{place}", hint=hint)
        self.key, self.path = key, path


class AlreadyExistsError(StoreError, FileExistsError):
    """There is an object under `key` already; objects are never overwritten."""

    def __init__(self, key: str, store: str) -> None:
        super().__init__(f"{key}: exists already in {store}")
        self.key = key


class StoreFullError(StoreError):
    """There is no room left in the store."""


class StoreForeignError(StoreError):
    """Another catalogue owns this store, or this catalogue another store: it may be read, not written."""


class StoreDeniedError(StoreError):
    """The store does not let us in: no credentials, expired or wrong ones, or no permission for this."""


class ObjectChangedError(StoreError):
    """The object `key` was replaced while it was being read: bytes of two versions do not make one."""

    def __init__(self, key: str, store: str) -> None:
        super().__init__(f"{key} in {store} was replaced while it was being read", hint="run it again for the new one")
        self.key = key


class StoreUnavailableError(StoreError):
    """The store does not answer, or asks to be left alone: `throttled` if it said so, for `retry_after` seconds if it said how
    long."""

    retryable = True

    def __init__(
        self, message: str, *, hint: str | None = None, throttled: bool = False, retry_after: float | None = None
    ) -> None:
        super().__init__(message, hint=hint or "check the network and the store, and run it again")
        self.throttled, self.retry_after = throttled, retry_after
