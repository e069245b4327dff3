"""Which file system a path lies on: SQLite's locks and shared memory are only sound on a local one."""

import re
import sys
from pathlib import Path

from msgspec import Struct

from ..errors import CatalogPlaceError

# As the kernel calls them; `fuse.*` also where a helper program names itself.
_REMOTE = frozenset(
    (
        *("9p", "acfs", "afp", "afs", "afpfs", "beegfs", "ceph", "cifs", "coda", "davfs", "fhgfs", "gfs", "gfs2", "glusterfs"),
        *("gpfs", "lustre", "moosefs", "ncpfs", "nfs", "nfs4", "ocfs2", "orangefs", "panfs", "pvfs2", "smb2", "smb3", "smbfs"),
        *("vboxsf", "webdav", "weka", "wekafs"),
    )
)
_REMOTE_FUSE = frozenset(
    (
        *("beegfs", "ceph", "cephfs-fuse", "curlftpfs", "davfs2", "gcsfuse", "glusterfs", "goofys", "hdfs", "juicefs", "mfs"),
        *("moosefs", "mount-s3", "mountpoint-s3", "ossfs", "rclone", "s3fs", "seaweedfs", "sshfs"),
    )
)


class Mount(Struct, frozen=True):
    point: Path
    kind: str

    @property
    def is_remote(self) -> bool:
        if self.kind == "9p" and self.point == Path("/"):
            return False  # a sandbox's own disk (gVisor), not a network
        return self.kind in _REMOTE or self.kind.removeprefix("fuse.") in _REMOTE_FUSE


def mount_of(path: Path, mountinfo: str) -> Mount | None:
    """The mount that holds the absolute `path`, from the text of `/proc/self/mountinfo`."""
    found: Mount | None = None
    for line in mountinfo.splitlines():
        left, _, right = line.partition(" - ")
        fields = left.split()
        if len(fields) < 5 or not right:
            continue
        mount = Mount(Path(_unescape(fields[4])), right.split()[0])
        if path.is_relative_to(mount.point) and (found is None or len(mount.point.parts) >= len(found.point.parts)):
            found = mount  # of two on one place the later one hides the earlier
    return found


def check_local(path: Path, mountinfo: str | None = None) -> None:
    """Raise `CatalogPlaceError` if `path` lies on a network file system. Where the system does not tell, nothing is refused."""
    mount = mount_of(path, _mountinfo() if mountinfo is None else mountinfo)
    if mount is not None and mount.is_remote:
        raise CatalogPlaceError(
            f"{path} lies on a network file system ({mount.kind}), where SQLite can lose data",
            hint="export LADING_CATALOG=sqlite:////var/tmp/lading/catalog.db",
        )


def _mountinfo() -> str:
    if not sys.platform.startswith("linux"):
        return ""
    try:
        return Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return ""


def _unescape(field: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), field)
