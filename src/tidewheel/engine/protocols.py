"""What an engine is asked for: one plain function, applied to each of many parts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol, TypeVar

import pyarrow as pa

Part = TypeVar("Part")
Result = TypeVar("Result")


class PartitionWork(Protocol):
    """A group of features over one partition of entities: Arrow in, Arrow out.

    - What comes in are pieces of the partition's history in order of time, each a batch of events and
      reads (`tidewheel.features.partition` says the columns). One piece is enough for a partition that
      fits in memory; a partition that does not, because an entity is hot, comes in many, cut in time.
    - Between pieces the function carries the entities' states; it keeps no more than one piece and them.
    - What goes out are answers, each with the place of its read.
    - It depends on nothing but its input: how entities fall into partitions, how a partition is cut into
      pieces, and which process runs it change no bit of any answer.
    - It can be pickled, and needs no network, files or definitions module where it runs.
    """

    def __call__(self, pieces: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield the answers to each piece's reads."""
        ...


class Engine(Protocol):
    """Where partitioned work runs: this process's cores, or a cluster.

    - `map` calls `work` once for each part and returns the results in the parts' order.
    - `work` and the parts can be pickled. They may be done in any order, on any machine that sees the
      same files, at the same time; a part may be done twice when a machine died, and its second result
      is the same.
    - The first error of a part is raised once the parts under way have ended; parts not yet begun are
      dropped.
    """

    def map(
        self,
        work: Callable[[Part], Result],
        parts: Sequence[Part],
        *,
        done: Callable[[int], None] | None = None,
    ) -> list[Result]:
        """Apply `work` to every part; `done` is told, in the caller's thread, how many have finished."""
        ...
