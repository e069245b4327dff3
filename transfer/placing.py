"""What all files on their way into a destination have in common: how they are made, written, and take their place."""

import os

from ..errors import AlreadyExistsError
from .local import Stamp, local_error, stamp_of
from .plan import FetchItem

NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
DAMAGED = "the store holds damaged bytes; log the file again from a good copy"


def mode_of(item: FetchItem) -> int:
    return 0o777 if item.executable else 0o666  # the umask takes its share


def write(descriptor: int, piece: memoryview, path: str, at: int | None = None) -> None:
    """Write all of it; a disk that fills up takes a part and says no to the rest."""
    try:
        while len(piece):
            count = os.write(descriptor, piece) if at is None else os.pwrite(descriptor, piece, at)
            piece, at = piece[count:], None if at is None else at + count
    except OSError as error:
        raise local_error(error, path) from error


def place(descriptor: int, temporary: str, folder: int, item: FetchItem, path: str, replace: bool) -> Stamp:
    """Let a finished file of the open `folder` have the item's name, and say what identifies it from now on. Raise
    `AlreadyExistsError` unless it may `replace` what is there, `LocalFileError`."""
    name = item.path.rpartition("/")[2]
    try:
        if replace:
            os.replace(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
        else:
            os.link(temporary, name, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
            os.unlink(temporary, dir_fd=folder)
        return stamp_of(os.fstat(descriptor))
    except FileExistsError as error:
        raise taken(item, path) from error
    except OSError as error:
        raise local_error(error, path) from error


def taken(item: FetchItem, path: str) -> AlreadyExistsError:
    """The error for a file that is in the way."""
    return AlreadyExistsError(item.path, path[: -len(item.path) - 1])
