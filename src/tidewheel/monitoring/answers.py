"""A service's answered decisions as plain arrays, grouped by period and version."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tidewheel.outcomes import Joined, fell_back, model_scores, time_spent
from tidewheel.outcomes.answered import flags

By = Literal["week", "month"]
Strings = npt.NDArray[np.object_]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

DAY = 86_400_000_000


class Coded(NamedTuple):
    """A text column: its distinct values, sorted, and each row's place among them."""

    names: list[str]
    codes: Ints


@dataclass(frozen=True)
class Answers:
    """One value for each decision; `take` gives those of some rows.

    Attributes
    ----------
    scores : float64 array
        The model's own; NaN where something else answered.
    label, weight, status
        As in `outcomes.Joined`.
    fallbacks, explored : bool arrays
    actions : int64 array
        Places in `action_names`.
    spent : float64 array
        Microseconds; NaN where not timed.
    """

    scores: Floats
    label: Floats
    weight: Floats
    status: npt.NDArray[np.int8]
    fallbacks: Flags
    explored: Flags
    actions: Ints
    spent: Floats
    action_names: list[str]

    def take(self, rows: Ints) -> Answers:
        """Return these rows."""
        return Answers(
            self.scores[rows],
            self.label[rows],
            self.weight[rows],
            self.status[rows],
            self.fallbacks[rows],
            self.explored[rows],
            self.actions[rows],
            self.spent[rows],
            self.action_names,
        )


def answers_of(joined: Joined) -> Answers:
    """Return the arrays of joined decisions."""
    table = joined.decisions
    actions = coded(table["decision"])
    return Answers(
        scores=model_scores(table),
        label=joined.label,
        weight=joined.weight,
        status=joined.status,
        fallbacks=fell_back(table),
        explored=flags(table["explored"]),
        actions=actions.codes,
        spent=time_spent(table),
        action_names=actions.names,
    )


def coded(column: pa.ChunkedArray) -> Coded:
    """Return a text column by codes; null is "".

    Examples
    --------
    >>> coded(pa.chunked_array([["b", None, "a", "b"]]))
    Coded(names=['', 'a', 'b'], codes=array([2, 0, 1, 2]))
    """
    encoded = column.combine_chunks().fill_null("").dictionary_encode()
    names = encoded.dictionary.to_pylist()
    order = sorted(range(len(names)), key=names.__getitem__)
    place = np.empty(len(names), dtype=np.int64)
    place[order] = np.arange(len(names))
    codes: Ints = place[encoded.indices.to_numpy(zero_copy_only=False)]
    return Coded([names[position] for position in order], codes)


def periods(instants: Ints, by: By) -> Coded:
    """Return each instant's week (from Monday, UTC) or month, named by its first day.

    Examples
    --------
    >>> periods(np.array([4 * DAY, 0]), "week")
    Coded(names=['1969-12-29', '1970-01-05'], codes=array([1, 0]))
    """
    days, place = np.unique(instants // DAY, return_inverse=True)
    starts = [_start_of(int(day), by) for day in days]
    names = sorted(set(starts))
    codes = np.array([names.index(start) for start in starts], dtype=np.int64)
    return Coded(names, codes[place])


def groups(first: Coded, second: Coded) -> Iterator[tuple[str, str, Ints]]:
    """Yield each pair of values that occurs, in order, with the rows that have it."""
    width = max(1, len(second.names))
    key = first.codes * width + second.codes
    order = np.argsort(key, kind="stable")
    values, starts = np.unique(key[order], return_index=True)
    ends = np.append(starts, order.size)[1:]
    for value, start, end in zip(values.tolist(), starts.tolist(), ends.tolist(), strict=True):
        yield first.names[value // width], second.names[value % width], order[start:end]


def _start_of(day: int, by: By) -> str:
    date = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day)).date()
    start = date.replace(day=1) if by == "month" else date - timedelta(days=date.weekday())
    return start.isoformat()
