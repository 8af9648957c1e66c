"""What an engine is asked for: one plain function, applied to each of many parts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from tidewheel.engine.gang import Member

Part = TypeVar("Part")
Result = TypeVar("Result")


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
