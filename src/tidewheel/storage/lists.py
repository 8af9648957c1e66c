"""Lists that services gave, the newest of each entity, beside the scores computed ahead: candidates for other services.

A blob is the instant that a list was made for, the length of what follows, and that: a decision's id and the items'.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import NamedTuple

import msgspec
import numpy as np

from tidewheel.storage.protocols import State, StateWriter
from tidewheel.storage.scores import put_newest
from tidewheel.storage.state.partition import Words

_HEAD = 16
"""Bytes before the packed list."""


class StoredList(NamedTuple):
    """A list made ahead.

    Attributes
    ----------
    instant : int
        As of when it was made, µs.
    decision : str
        The id of the decision that it was the answer of.
    items : list of str
        Ids, best first.
    """

    instant: int
    decision: str
    items: list[str]


def lists_id(service: str, by: str) -> str:
    """Return where the lists of a service are kept by an entity."""
    return hashlib.sha256(f"lists {service} by {by}".encode()).hexdigest()[:16]


def read_list(state: State, state_id: str, key: str) -> StoredList | None:
    """Return an entity's list, None when it has none."""
    with state.snapshot() as snapshot:
        blob = snapshot.get(state_id, key.encode())
        if blob is None:
            return None
        instant, length = np.frombuffer(blob, np.int64, 2).tolist()
        decision, items = _DECODER.decode(blob[_HEAD : _HEAD + length])
    return StoredList(instant, decision, items)


def put_lists(writer: StateWriter, state_id: str, lists: Mapping[str, StoredList], seen: int) -> int:
    """Keep entities' lists where they are newer than those that are kept; return how many were.

    Parameters
    ----------
    lists : mapping of str to StoredList
        By entity.
    seen : int
        Up to when decisions were looked at, kept with them.
    """
    return put_newest(writer, state_id, [key.encode() for key in lists], [_packed(one) for one in lists.values()], seen)


def _packed(one: StoredList) -> Words:
    packed = msgspec.msgpack.encode((one.decision, one.items))
    made = np.zeros((_HEAD + len(packed) + 7) // 8, np.int64)
    made[0], made[1] = one.instant, len(packed)
    made.view(np.uint8)[_HEAD : _HEAD + len(packed)] = np.frombuffer(packed, np.uint8)
    return made


_DECODER = msgspec.msgpack.Decoder(tuple[str, list[str]])
