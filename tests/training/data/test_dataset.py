"""A data set's digest is its content's: nothing else moves it, and anything in it does."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from tidewheel.training.data.dataset import content_digest


def digest(table: pa.Table, y: np.ndarray | None = None, ids: pa.Array | None = None) -> str:
    n = table.num_rows
    return content_digest(
        table,
        ("country",),
        np.zeros(n) if y is None else y,
        np.ones(n),
        pa.array([f"r{i}" for i in range(n)]) if ids is None else ids,
        np.arange(n),
    )


BASE = pa.table({"amount": [1.0, None, 3.0], "country": ["SE", None, "NO"]})


def test_chunks_and_encodings_do_not_matter() -> None:
    pieces = pa.concat_tables([BASE.slice(0, 1), BASE.slice(1)])
    coded = BASE.set_column(1, "country", BASE["country"].dictionary_encode())
    nans = BASE.set_column(0, "amount", pa.array([1.0, float("nan"), 3.0]))
    assert digest(BASE) == digest(pieces) == digest(coded) == digest(nans)


def test_any_change_of_content_does() -> None:
    others = [
        BASE.set_column(0, "amount", pa.array([1.0, None, 3.0000000001])),
        BASE.set_column(1, "country", pa.array(["SE", "", "NO"])),
        BASE.set_column(1, "country", pa.array(["S", None, "ENO"])),
        BASE.rename_columns(["amounts", "country"]),
        BASE.slice(1),
    ]
    digests = {digest(BASE), *(digest(table) for table in others)}
    digests.add(digest(BASE, y=np.array([0.0, 0.0, 1.0])))
    digests.add(digest(BASE, ids=pa.array(["r0", "r1", "rx"])))
    assert len(digests) == 8
