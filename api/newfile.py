"""Files that an artifact makes itself: one temporary file each, which is also the only copy until it is logged."""

import contextlib
import os
import sys
from collections.abc import Generator
from typing import IO, Any

from ..errors import InvalidValueError
from ..manifest.paths import artifact_path
from .draft import Draft
from .workspace import Workspace


@contextlib.contextmanager
def open_new_file(
    draft: Draft, workspace: Workspace, name: str, mode: str, encoding: str | None
) -> Generator[tuple[IO[Any], str]]:
    """The open file and its path; on a disk when the block ends. Raise ValueError for a name that cannot be or is taken with
    "x" in `mode`, and for a mode that cannot write. If the block raises, nothing is left."""
    if not set(mode) <= set("xwbt+") or len(set(mode) & set("xw")) != 1:
        raise InvalidValueError(f"Invalid mode {mode!r}", hint="'x' makes a new file, 'w' replaces one; add 'b' for bytes")
    if artifact_path(name) in draft.manifest and "x" in mode:
        raise InvalidValueError(f"File with name {name!r} already exists in artifact {draft.name}", hint="mode='w' replaces it")
    path = draft.temporary_file(workspace, name)
    try:
        with open(path, mode.replace("w", "x"), encoding=encoding or (None if "b" in mode else "utf-8")) as file:
            yield file, path
            file.flush()
            os.fsync(file.fileno())
    except BaseException as error:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        if isinstance(error, UnicodeEncodeError):
            sys.stderr.write(
                f"ERROR Failed to open the provided file (UnicodeEncodeError): give new_file({name!r}) an encoding\n"
            )
        raise
