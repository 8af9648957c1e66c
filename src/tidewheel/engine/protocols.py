"""What an engine is asked for: one plain function, applied to each of many parts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol, TypeVar

import pyarrow as pa

from tidewheel.engine.gang import Member

Part = TypeVar("Part")
Result = TypeVar("Result")


class PartitionWork(Protocol):
    """A group of features over one partition of entities: Arrow in, Arrow out.

    - What comes in are pieces of the partition's history in order of time, each a batch of events and
      reads (`tidewheel.features.replay.partition` says the columns). One piece is enough for a partition that
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


class GangEngine(Engine, Protocol):
    """An engine that can also run parts side by side: what a fit that is shared among workers asks for.

    - `gang` calls ``work(member, part)`` for all parts at the same time, each in a process of its own, and
      returns the results by rank. Members reach each other at the addresses they are told.
    - When a member's process dies, the others are ended and the gang begins anew, three times at most; then
      `EngineError` is raised. So a gang's work leaves nothing behind but its results.
    - What a member raises is raised, once the others have ended or were ended.
    - `cpus` is what each member may use.
    """

    def gang(self, work: Callable[[Member, Part], Result], parts: Sequence[Part], *, cpus: int = 1) -> list[Result]:
        """Apply `work` to every part, all at once."""
        ...
