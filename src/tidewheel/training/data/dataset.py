"""A training set: the view's rows with their labels, counted, ordered and named by content."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tidewheel.features.words import one_array, to_words

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class DataSet:
    """Labelled rows of a view, in log order.

    Attributes
    ----------
    view : Table
        The view's columns, one row a labelled row; text columns are strings.
    texts : tuple of str
        Names of the text columns.
    y, weight : float64 arrays
    ids : Array of string
    at, offset : int64 arrays
        Event time and place in the log of each row's event.
    counts : dict of str to int
        ``rows`` scanned, ``labelled``, ``decided`` (read at recorded offsets), and why rows were dropped.
    digest : str
        SHA-256 of all of it but the counts.
    """

    view: pa.Table
    texts: tuple[str, ...]
    y: Floats
    weight: Floats
    ids: pa.Array
    at: Ints
    offset: Ints
    counts: dict[str, int]
    digest: str

    def table(self) -> pa.Table:
        """Return the rows as a snapshot keeps them: the view's columns between ids and times, labels and weights."""
        first = {"_id": self.ids.cast(pa.string()), "_at": pa.array(self.at), "_offset": pa.array(self.offset)}
        last = {"_label": pa.array(self.y), "_weight": pa.array(self.weight)}
        view = {name: self.view[name] for name in self.view.column_names}
        return pa.table(first | view | last)


def content_digest(view: pa.Table, texts: tuple[str, ...], y: Floats, weight: Floats, ids: pa.Array, at: Ints) -> str:
    """Return the SHA-256 of a data set over canonical bytes: equal content, equal digest, on any machine.

    Numbers are little-endian float64 with one NaN for null; strings are lengths (-1 for null) and UTF-8.

    Examples
    --------
    >>> one = content_digest(pa.table({"a": [1.0]}), (), np.ones(1), np.ones(1), pa.array(["x"]), np.ones(1, np.int64))
    >>> len(one)
    64
    """
    hasher = hashlib.sha256()
    for name in view.column_names:
        hasher.update(f"{len(name)}:{name};".encode())
        if name in texts:
            _add_texts(hasher, one_array(view[name]))
        else:
            hasher.update(to_words(view[name], text=False).astype("<f8").tobytes())
    for numbers in (y, weight):
        hasher.update(numbers.astype("<f8").tobytes())
    hasher.update(at.astype("<i8").tobytes())
    _add_texts(hasher, ids)
    return hasher.hexdigest()


def numbers_digest(values: Ints) -> str:
    """Return the SHA-256 of an array of whole numbers."""
    return hashlib.sha256(values.astype("<i8").tobytes()).hexdigest()


def _add_texts(hasher: hashlib._Hash, texts: pa.Array) -> None:
    texts = texts.cast(pa.string())
    lengths = pa.compute.binary_length(texts).fill_null(-1).to_numpy(zero_copy_only=False)
    hasher.update(lengths.astype("<i8").tobytes())
    hasher.update("".join(text for text in texts.drop_null().to_pylist()).encode())
