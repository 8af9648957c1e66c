"""The id of a workspace, which tells its data on a shared server from another's; and a name for each of its hosts."""

from __future__ import annotations

import contextlib
import hashlib
import os
import socket
import uuid
from pathlib import Path

from tidewheel.storage.places.disks import write_durably


def read_or_make_id(path: Path) -> str:
    """Return the id in the file at `path`, which is made once, by whichever process comes first.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "id"
    >>> read_or_make_id(path) == read_or_make_id(path)
    True
    """
    if not path.exists():
        mine = path.with_suffix(f".{uuid.uuid4().hex}")
        write_durably(mine, uuid.uuid4().hex.encode())
        with contextlib.suppress(FileExistsError):
            os.link(mine, path)
        mine.unlink()
    return path.read_text()


def host_tag(path: Path) -> str:
    """Return a name that no other data folder on no other machine has: made of the id in `path` and the machine's name.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> len(host_tag(folder / "one")), host_tag(folder / "one") == host_tag(folder / "two")
    (8, False)
    """
    return hashlib.sha256(f"{read_or_make_id(path)} {socket.gethostname()}".encode()).hexdigest()[:8]
