"""A mark beside a store that is not flushed at each commit.

Was it closed well, and in which boot? Without a flush per commit the kernel keeps what a killed
process wrote, but a power loss may leave the file with some pages and not others. The boot id
tells the two apart: a store that was not closed in an earlier boot is not to be trusted.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from tidewheel.errors import StorageError
from tidewheel.storage.places.disks import write_durably
from tidewheel.storage.places.environments import translated

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

Trust = Literal["new", "clean", "same boot", "power lost"]


class _Mark(msgspec.Struct):
    boot: str
    clean: bool


def boot_id() -> str:
    """Return the kernel's id of this boot; "" where there is none (then no loss can be told)."""
    return BOOT_ID.read_text().strip() if BOOT_ID.exists() else ""


class CleanMark:
    """The mark of one store.

    Parameters
    ----------
    path : Path
        The mark's file, beside the store.

    Examples
    --------
    >>> import tempfile
    >>> mark = CleanMark(Path(tempfile.mkdtemp()) / "mark.json")
    >>> mark.trust()
    'new'
    >>> mark.set(clean=False); mark.trust()
    'same boot'
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def trust(self) -> Trust:
        """Say how far the store can be trusted."""
        if not self.path.exists():
            return "new"
        try:
            mark = msgspec.json.decode(self.path.read_bytes(), type=_Mark)
        except msgspec.DecodeError:
            return "power lost"
        if mark.clean:
            return "clean"
        return "same boot" if mark.boot == boot_id() else "power lost"

    def set(self, *, clean: bool) -> None:
        """Write the mark durably: ``clean=False`` before the first change, True after the last flush.

        Raises
        ------
        FullError, StorageError
        """
        with translated(str(self.path)):
            write_durably(self.path, msgspec.json.encode(_Mark(boot=boot_id(), clean=clean)))

    def try_set_clean(self) -> bool:
        """Mark the store clean. Where there is no space for that it counts as not closed, which is safe."""
        try:
            self.set(clean=True)
        except StorageError:
            return False
        return True
