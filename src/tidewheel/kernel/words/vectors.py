"""Vectors as text: base64 of little-endian float32, the form in which a vector travels as one value.

As text it is hashed, kept and looked up like any string: an entity's state holds one word for an embedding of any
size.
"""

from __future__ import annotations

import binascii
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tidewheel.errors import InputError

Floats = NDArray[np.float64]


def pack_vector(values: object) -> str:
    """Return a vector's text; elements are rounded to float32.

    Examples
    --------
    >>> pack_vector([1.0, -0.5])
    'AACAPwAAAL8='
    """
    return binascii.b2a_base64(np.asarray(values, "<f4").tobytes(), newline=False).decode()


def unpack_vector(text: str) -> NDArray[np.float32]:
    """Return the vector that a text holds.

    Raises
    ------
    InputError
        When it holds none.

    Examples
    --------
    >>> unpack_vector("AACAPwAAAL8=").tolist()
    [1.0, -0.5]
    """
    try:
        return np.frombuffer(binascii.a2b_base64(text, strict_mode=True), "<f4")
    except (binascii.Error, ValueError) as error:
        raise InputError(
            f"{text[:40]!r} is no vector: {error}", remedy="give base64 of little-endian float32"
        ) from None


def unpack_vectors(texts: NDArray[Any], size: int) -> Floats:
    """Return vectors as rows of a matrix, nulls for a null text; equal texts are read once.

    Examples
    --------
    >>> unpack_vectors(np.array([pack_vector([1.0, 2.0]), None], object), 2).tolist()
    [[1.0, 2.0], [nan, nan]]
    """
    if len(texts) == 1 and texts[0] is not None:  # the request path
        return unpack_vector(texts[0]).astype(np.float64).reshape(1, size)
    matrix = np.full((len(texts), size), np.nan)
    known: dict[str, NDArray[np.float32]] = {}
    for row, text in enumerate(texts):
        if text is not None:
            vector = known.get(text)
            if vector is None:
                vector = known[text] = unpack_vector(text)
            matrix[row] = vector
    return matrix
