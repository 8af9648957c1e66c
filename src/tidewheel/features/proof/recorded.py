"""What decisions recorded of the states they read, laid beside the rows that are read again."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tidewheel.features.rows import Ints
from tidewheel.features.words import one_array

STATES_TYPE = pa.list_(pa.struct([("state_id", pa.string()), ("key", pa.string()), ("offset", pa.int64())]))


class Recorded:
    """The columns `_instant` and `_states` of a table of rows.

    Attributes
    ----------
    made : bool[n]
        True for rows that had a decision.
    instants : int64[n]
        The instant each decision was read at; 0 where there was none.
    """

    def __init__(self, rows: pa.Table) -> None:
        instants = one_array(rows["_instant"])
        self.made: npt.NDArray[np.bool_] = instants.is_valid().to_numpy(zero_copy_only=False)
        self.instants: Ints = instants.fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
        states = one_array(rows["_states"])
        self.row: Ints = pc.list_parent_indices(states).to_numpy(zero_copy_only=False).astype(np.int64)
        flat = states.flatten()
        self.state = pc.struct_field(flat, "state_id")
        self.key = pc.struct_field(flat, "key")
        self.offset: Ints = pc.struct_field(flat, "offset").to_numpy(zero_copy_only=False).astype(np.int64)


def recorded_reads(recorded: Recorded, state_id: str, keys: pa.Array, reads: int) -> Ints:
    """Return the offset each read of a state was recorded at; -1 where the decision did not read it.

    `keys` holds the rows' keys of the first read, then those of the second, and so on.
    """
    n = len(recorded.made)
    offsets = np.full(len(keys), -1, np.int64)
    if reads == 0 or n == 0:
        return offsets
    # A row without a key read no entity's state; that is a read of nothing, not an unrecorded one.
    none = keys.is_null().to_numpy(zero_copy_only=False) & np.tile(recorded.made, reads)
    offsets[none] = 0
    ours = np.flatnonzero(pc.equal(recorded.state, state_id).to_numpy(zero_copy_only=False))
    key, row, offset = recorded.key.take(pa.array(ours)), recorded.row[ours], recorded.offset[ours]
    for read in range(reads):
        wanted = keys.slice(read * n, n).take(pa.array(row))
        same = pc.equal(wanted, key).fill_null(False).to_numpy(zero_copy_only=False)
        offsets[read * n + row[same]] = offset[same]
    return offsets
