"""What the disk under a path is, and writing to it so that it lasts.

Network file systems are refused: shared memory maps and locks are not safe there.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from tidewheel.errors import StorageError

_NETWORK = "nfs nfs4 cifs smb smb2 smb3 smbfs ncpfs afs ceph glusterfs lustre gpfs beegfs orangefs pvfs2 moosefs"
NETWORK_FILE_SYSTEMS = frozenset(_NETWORK.split())
NETWORK_FUSE = ("sshfs", "s3fs", "rclone", "glusterfs", "gcsfuse", "blobfuse", "goofys", "mount-s3", "juicefs", "ceph")
MOUNTS = Path("/proc/self/mountinfo")
_ESCAPED = re.compile(r"\\([0-7]{3})")
"""How that file writes a blank, a tab, a line's end and a backslash."""


def file_system_of(path: Path) -> str:
    """Name of the file system that holds `path` (or its nearest existing parent); "" when unknown.

    Examples
    --------
    >>> file_system_of(Path("/proc/self"))
    'proc'
    """
    if not MOUNTS.exists():
        return ""
    target = os.path.realpath(path)
    best, kind = "", ""
    for line in MOUNTS.read_text().splitlines():
        left, _, right = line.partition(" - ")
        mount = _ESCAPED.sub(lambda found: chr(int(found[1], 8)), left.split()[4])
        inside = target == mount or target.startswith(mount.rstrip("/") + "/")
        if inside and len(mount) >= len(best):
            best, kind = mount, right.split()[0]
    return kind


def is_network(kind: str) -> bool:
    """Whether a file system of this name is shared over a network."""
    return kind in NETWORK_FILE_SYSTEMS or (kind.startswith("fuse.") and kind[5:].startswith(NETWORK_FUSE))


def refuse_network(path: Path) -> None:
    """Raise `StorageError` when `path` lies on a network file system."""
    kind = file_system_of(path)
    if is_network(kind):
        raise StorageError(
            f"the folder is on a network file system ({kind}), where shared memory maps and locks are not safe",
            where=str(path),
            remedy="keep the workspace's data on a local disk (`data = ...` in tidewheel.toml)",
        )


def write_durably(path: Path, content: bytes) -> None:
    """Replace the file at `path` as a whole: readers see the old bytes or the new, also after a power loss."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(path.parent)


def make_folder(folder: Path) -> None:
    """Make a folder, and those that it is to lie in, so that all of them survive a power loss."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for each in missing:
        sync_folder(each.parent)


def sync_folder(folder: Path) -> None:
    """Flush a folder's entries, so that a file made or renamed in it survives a power loss."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
