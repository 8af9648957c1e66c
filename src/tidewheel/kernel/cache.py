"""Where compiled code is kept.

Numba's own cache looks only at the file that holds a function, so an edit in a callee elsewhere
goes unseen. Here the folder's name carries a hash of every kernel source, of the versions of the
compiler, and of the processor: another build never meets this one's machine code.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from functools import cache
from pathlib import Path

import llvmlite
import numba
import numpy as np
from llvmlite import binding


def user_cache() -> Path:
    """Return the folder for things that can be made again: ``TIDEWHEEL_CACHE``, or the user's cache folder.

    Returns
    -------
    Path
        Not made by this function.

    Examples
    --------
    >>> os.environ["TIDEWHEEL_CACHE"] = "/somewhere/cache"
    >>> str(user_cache())
    '/somewhere/cache'
    >>> del os.environ["TIDEWHEEL_CACHE"]
    """
    if chosen := os.environ.get("TIDEWHEEL_CACHE"):
        return Path(chosen)
    if base := os.environ.get("XDG_CACHE_HOME"):
        return Path(base) / "tidewheel"
    return Path.home() / ".cache" / "tidewheel"


def build_hash() -> str:
    """Return a hash of the kernel's sources, compiler versions and processor (16 hex digits)."""
    hasher = hashlib.sha256()
    room = Path(__file__).parent
    for path in sorted(room.rglob("*.py")):
        hasher.update(str(path.relative_to(room)).encode() + b"\0" + path.read_bytes() + b"\0")
    for part in (numba.__version__, llvmlite.__version__, np.__version__, binding.get_host_cpu_name()):
        hasher.update(part.encode() + b"\0")
    return hasher.hexdigest()[:16]


@cache
def code_folder() -> str:
    """Return the folder for machine code of this build, made if need be.

    A cache that can't be written is no reason to stop: then a folder of this user under the
    system's temporary one is used. One that is another's is not: what lies in it is run.
    """
    name = f"kernel-{build_hash()}"
    chosen = user_cache()
    for base in (chosen, Path(tempfile.gettempdir()) / f"tidewheel-{os.getuid()}"):
        folder = base / name
        try:
            if base != chosen:
                base.mkdir(mode=0o700, exist_ok=True)
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        ours = base.stat().st_uid == os.getuid() and not base.stat().st_mode & 0o022
        if os.access(folder, os.W_OK) and (ours or base == chosen):
            return str(folder)
    return tempfile.mkdtemp(prefix="tidewheel-kernel-")
