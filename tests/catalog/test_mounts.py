"""A catalogue on a network file system is refused."""

from pathlib import Path

import pytest

from lading.catalog.mounts import Mount, check_local, mount_of
from lading.errors import CatalogPlaceError

_MOUNTS = r"""
27 1 254:0 / / rw,relatime - ext4 /dev/vda rw
30 27 0:40 / /home rw,relatime shared:1 - nfs4 server:/home rw,vers=4.2
31 30 0:41 / /home/me/local rw - xfs /dev/vdb rw
32 27 0:42 / /mnt/a\040b rw - fuse.sshfs me@host: rw
33 27 0:43 / /scratch rw - tmpfs tmpfs rw
34 33 0:44 / /scratch rw - lustre mds:/fs rw
35 27 0:45 / /home2 rw - ext4 /dev/vdc rw
broken line
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/tmp/catalog.db", "ext4"),
        ("/home/me/catalog.db", "nfs4"),
        ("/home/me/local/catalog.db", "xfs"),
        ("/mnt/a b/catalog.db", "fuse.sshfs"),
        ("/scratch/catalog.db", "lustre"),
        ("/home2/catalog.db", "ext4"),
    ],
)
def test_the_deepest_and_last_mount_holds_a_path(path: str, kind: str) -> None:
    found = mount_of(Path(path), _MOUNTS)

    assert found is not None
    assert found.kind == kind


@pytest.mark.parametrize(
    "kind", ["nfs", "nfs4", "cifs", "smb3", "lustre", "gpfs", "fuse.sshfs", "9p", "ceph", "afs", "fuse.glusterfs"]
)
def test_a_network_file_system_is_refused_with_the_line_to_export(kind: str) -> None:
    with pytest.raises(CatalogPlaceError) as caught:
        check_local(Path("/mnt/x/catalog.db"), f"27 1 0:1 / /mnt rw - {kind} where rw")

    assert kind in str(caught.value)
    assert str(caught.value).endswith("export LADING_CATALOG=sqlite:////var/tmp/lading/catalog.db")


@pytest.mark.parametrize("kind", ["ext4", "xfs", "btrfs", "tmpfs", "overlay", "zfs", "fuse.lxcfs"])
def test_a_local_file_system_is_fine(kind: str) -> None:
    check_local(Path("/mnt/x/catalog.db"), f"27 1 0:1 / /mnt rw - {kind} where rw")


def test_the_root_of_a_sandbox_is_no_network() -> None:
    assert not Mount(Path("/"), "9p").is_remote
    assert Mount(Path("/mnt"), "9p").is_remote


def test_where_nothing_is_known_nothing_is_refused() -> None:
    check_local(Path("/mnt/x/catalog.db"), "")
