"""Keeping a traceback in a file: people get a sentence, whoever mends it gets the rest."""

from __future__ import annotations

import hashlib
import os
import tempfile
import traceback
from pathlib import Path


def keep_traceback(error: BaseException, folder: Path | None = None) -> Path:
    """Write an error's traceback to a file, one for each different traceback, and return its path.

    Parameters
    ----------
    error : BaseException
    folder : Path, optional
        Where; the system's folder for temporary files when not given.

    Examples
    --------
    >>> path = keep_traceback(ValueError("odd"))
    >>> path.name.startswith("tidewheel-crash-"), path.read_text().splitlines()[-1]
    (True, 'ValueError: odd')
    """
    text = "".join(traceback.format_exception(error)).encode()
    name = f"tidewheel-crash-{os.getuid()}-{hashlib.sha256(text).hexdigest()[:12]}.txt"
    path = (folder or Path(tempfile.gettempdir())) / name
    if path.is_symlink() or not path.exists():
        descriptor, fresh = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(descriptor, "wb") as file:
            file.write(text)
        Path(fresh).replace(path)
    return path


def told(error: BaseException) -> str:
    """Return a sentence on an error that nobody foresaw, with the file that holds its traceback."""
    return f"tidewheel itself failed ({type(error).__name__}: {error}); details: {keep_traceback(error)}"
