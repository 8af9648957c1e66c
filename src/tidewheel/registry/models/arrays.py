"""Arrays in a file whose bytes depend on nothing but the arrays, and that runs no code when it is read."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from tidewheel.errors import CorruptError

_LONG_AGO = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip file can say."""


def pack_arrays(arrays: Mapping[str, npt.NDArray[Any]]) -> bytes:
    """Return an uncompressed ``.npz`` of `arrays`, sorted by name.

    Raises
    ------
    ValueError
        An array holds Python objects.
    """
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(arrays):
            body = io.BytesIO()
            np.lib.format.write_array(body, np.asanyarray(arrays[name]), version=(1, 0), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy", _LONG_AGO), body.getvalue())
    return out.getvalue()


def unpack_arrays(data: bytes, where: str = "") -> dict[str, npt.NDArray[Any]]:
    """Return the arrays of an ``.npz``.

    Raises
    ------
    CorruptError
        The bytes are no such file, or hold Python objects.
    """
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (ValueError, TypeError, OSError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise CorruptError(
            f"not a file of arrays ({error})", where=where, remedy="register the version again"
        ) from error
