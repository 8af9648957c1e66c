"""The id of a workspace: tells its own data on a shared server from another's."""

from __future__ import annotations

import contextlib
import os
import uuid
from pathlib import Path

from tidewheel.storage.disks import write_durably


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
