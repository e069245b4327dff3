"""Artifact paths: which names an entry may have, and which two cannot stand side by side."""

import re
import unicodedata
from collections.abc import Collection, Iterable, KeysView
from pathlib import PurePath
from typing import cast

from ..errors import InvalidTypeError, InvalidValueError, ManifestError

RESERVED = ".lading-"
MAX_PATH = 4096
MAX_COMPONENT = 255
# Printable ASCII without / : \ and with no component that starts with a dot: nothing left to check or to change.
_PLAIN = re.compile(r"[ !-\-0-9;-\[\]-~][ !-.0-9;-\[\]-~]{0,254}+(?:/[ !-\-0-9;-\[\]-~][ !-.0-9;-\[\]-~]{0,254}+)*+").fullmatch
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]").search
_SEPARATORS = re.compile(r"[/\\]")
_DRIVE = re.compile(r"[A-Za-z]:").match


def artifact_path(path: str | PurePath, *, md5: bool = False) -> str:
    """`path` as entries spell it: relative, `/` between components, no empty or `.` component.

    With `md5`, control characters are refused: a newline would forge lines of W&B's manifest digest.
    Raise `InvalidValueError` ("Invalid artifact path: …") for anything that could escape from a folder or not be a name in it.
    """
    if type(path) is str and _PLAIN(path) and len(path) <= MAX_PATH:
        return path
    text = _text(path)
    if not text:
        raise _invalid(path, "it is empty")
    if text[0] in "/\\":
        raise _invalid(path, "it must be relative")
    if _DRIVE(text):
        raise _invalid(path, "Windows reads its beginning as a drive", "rename the file")
    if ".." in _SEPARATORS.split(text):
        raise _invalid(path, "it must not contain '..'")
    if "\0" in text:
        raise _invalid(path, "it must not contain NUL")
    if md5 and _CONTROL(text):
        raise _invalid(path, "control characters do not go with MD5", "rename the file, or use digest_algorithm='BLAKE3'")
    return _joined(path, text)


def check_path(path: str, *, md5: bool = False) -> None:
    """Raise `ManifestError` unless `path`, read from a document, is spelled as entries spell it."""
    try:
        plain = artifact_path(path, md5=md5)
    except InvalidValueError as error:
        raise ManifestError(error.message) from error
    if plain != path:
        raise ManifestError(f"Invalid artifact path: {path!r}: entries spell it {plain!r}")


def find_clash(paths: Iterable[str]) -> tuple[str, str] | None:
    """A path that is also a folder of another path, and that other path; None if there is none. Any order, O(n)."""
    known = cast("Collection[str]", paths) if isinstance(paths, dict | set | frozenset | KeysView) else set(paths)
    folders = _folders(known)
    clashes = [folder for folder in folders if folder in known]
    if not clashes:
        return None
    file = min(clashes)
    return file, min(path for path in known if path.startswith(f"{file}/"))


def find_case_clash(paths: Iterable[str]) -> tuple[str, str] | None:
    """Two paths that a file system blind to case and Unicode form cannot both hold; None if it can hold all."""
    spelled: dict[str, str] = {}
    for path in paths:
        other = spelled.setdefault(_folded(path), path)
        if other != path:
            return other, path
    clash = find_clash(spelled)
    return None if clash is None else (spelled[clash[0]], spelled[clash[1]])


def _text(path: object) -> str:
    if isinstance(path, PurePath):
        return path.as_posix()
    if not isinstance(path, str):
        raise InvalidTypeError(f"an artifact path must be a string or a path, not {type(path)}")
    return str(path)


def _joined(path: str | PurePath, text: str) -> str:
    components = [component for component in text.split("/") if component not in ("", ".")]
    if not components:
        raise _invalid(path, "it names no file")
    for component in components:
        if component.startswith(RESERVED):
            raise _invalid(path, f"names that start with '{RESERVED}' are reserved")
        if _bytes(path, component) > MAX_COMPONENT:
            raise _invalid(path, f"a name in it is longer than {MAX_COMPONENT} bytes")
    joined = "/".join(components)
    if _bytes(path, joined) > MAX_PATH:
        raise _invalid(path, f"it is longer than {MAX_PATH} bytes")
    return joined


def _bytes(path: str | PurePath, text: str) -> int:
    try:
        return len(text.encode())
    except UnicodeEncodeError:
        raise _invalid(path, "it is not UTF-8", "rename the file") from None


def _invalid(path: str | PurePath, reason: str, hint: str | None = None) -> InvalidValueError:
    shown = repr(str(path))
    return InvalidValueError(f"Invalid artifact path: {shown if len(shown) <= 200 else shown[:200] + '…'}: {reason}", hint=hint)


def _folders(paths: Iterable[str]) -> set[str]:
    folders: set[str] = set()
    for folder in {path[: path.rfind("/") + 1] for path in paths}:
        while (end := folder.rfind("/")) > 0:
            folder = folder[:end]
            if folder in folders:
                break
            folders.add(folder)
    return folders


def _folded(path: str) -> str:
    return path.lower() if path.isascii() else unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())
