"""Scores that were computed ahead, one an entity, in a state store of their own: what serving reads in a microsecond.

Each is kept twice: under the version that gave it, so that two versions' scores stand side by side and a moved pointer
needs no copying; and under the model, the newest of any version.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from tidewheel.storage.protocols import State, StateWriter
from tidewheel.storage.state.partition import Words

_PACKED = struct.Struct("<qdqq")
_WORDS = _PACKED.size // 8


class StoredScore(NamedTuple):
    """A score computed ahead.

    Attributes
    ----------
    score : float
    instant : int
        As of when its features were read, µs.
    run : str
        The run that computed it.
    number : int
        Of the model's version.
    """

    score: float
    instant: int
    run: str
    number: int


def scores_id(model: str, by: str) -> str:
    """Return where the scores of ``Fraud@3``, or of any version of ``Fraud``, are kept by an entity."""
    return hashlib.sha256(f"scores {model} by {by}".encode()).hexdigest()[:16]


def read_score(state: State, state_id: str, key: str) -> StoredScore | None:
    """Return an entity's score, None when it has none."""
    with state.snapshot() as snapshot:
        blob = snapshot.get(state_id, key.encode())
        if blob is None:
            return None
        return _unpacked(blob)


def _unpacked(blob: bytes | memoryview) -> StoredScore:
    instant, score, run, number = _PACKED.unpack(blob)
    return StoredScore(score, instant, f"{run & 0xFFFF_FFFF_FFFF_FFFF:016x}", number)


def items_by(by: str, target: str) -> str:
    """Return what items' scores are kept by: an entity and the item or, where `by` is the item's own, the item alone.

    Examples
    --------
    >>> items_by("User", "Film"), items_by("Film", "Film")
    ('User, Film', 'Film')
    """
    return target if by == target else f"{by}, {target}"


def read_scores(state: State, state_id: str, keys: Sequence[str]) -> list[StoredScore | None]:
    """Return some entities' scores, None for those that have none."""
    with state.snapshot() as snapshot:
        blobs = snapshot.get_many([(state_id, key.encode()) for key in keys])
        return [None if blob is None else _unpacked(blob) for blob in blobs]


def put_scores(writer: StateWriter, model: str, number: int, by: str, run: str, rows: pa.Table) -> int:
    """Keep the newest score of each entity among `rows` where it is newer than the one that is kept.

    Parameters
    ----------
    model : str
        Without its version.
    rows : pyarrow.Table
        ``entity``, ``instant`` and ``score``; rows that lack an entity or a score are passed over.

    Returns
    -------
    int
        How many were kept under the version; none when they were there before.
    """
    rows = rows.select(["entity", "instant", "score"]).drop_null()
    instants: Words = rows["instant"].to_numpy()
    entities = rows["entity"].to_pylist()
    newest = {entities[place]: place for place in np.argsort(instants, kind="stable").tolist()}
    places = np.array(list(newest.values()), np.int64)
    made = np.empty((len(places), _WORDS), np.int64)
    made[:, 0] = instants[places]
    made[:, 1] = rows["score"].to_numpy()[places].view(np.int64)
    made[:, 2] = np.uint64(int(run, 16)).view(np.int64)
    made[:, 3] = number
    keys = [entity.encode() for entity in newest]
    put_newest(writer, scores_id(model, by), keys, list(made))
    return put_newest(writer, scores_id(f"{model}@{number}", by), keys, list(made))


def drop_scores(writer: StateWriter, versions: Iterable[str], by: str) -> int:
    """Delete what is kept under some versions, such as ``Fraud@1``; return how many scores that were."""
    kept = writer.offsets()
    wanted = (scores_id(version, by) for version in versions)
    return sum(writer.drop(state_id) for state_id in wanted if state_id in kept)


def put_newest(writer: StateWriter, state_id: str, keys: list[bytes], made: Sequence[Words], offset: int = 1) -> int:
    """Keep what was made for entities where it is newer than what is kept; its first word is its instant, µs.

    `offset` is kept with it in one transaction. Returns how many were kept.
    """
    with writer.batch() as batch:
        words, starts = batch.blobs(state_id, keys)
        known = np.full(len(keys), -1, np.int64)
        has = starts[1:] > starts[:-1]
        known[has] = words[starts[:-1][has]]
        newer = [place for place, blob in enumerate(made) if blob[0] > known[place]]
        edges = np.cumsum([0, *(len(made[place]) for place in newer)], dtype=np.int64)
        blobs = np.concatenate([np.empty(0, np.int64), *(made[place] for place in newer)])
        batch.put_blobs(state_id, [keys[place] for place in newer], blobs, edges)
        batch.set_offset(state_id, offset)
    return len(newer)
