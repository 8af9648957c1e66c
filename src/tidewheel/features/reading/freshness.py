"""How far features are behind the log: the instant up to which all that arrived has been folded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tidewheel.definitions import ir
from tidewheel.errors import NotFoundError
from tidewheel.features.planning.view import ViewPlan, plan_view
from tidewheel.storage.log.records import ImportRecord

if TYPE_CHECKING:
    from tidewheel.storage.log.event_log import EventLog
    from tidewheel.storage.protocols import State


@dataclass(frozen=True)
class StateFreshness:
    """A state that a view reads: its group, the last offset folded everywhere, and its watermark (µs)."""

    group: str
    state_id: str
    offset: int
    watermark: int


@dataclass(frozen=True)
class ViewFreshness:
    """How fresh a view is now.

    Attributes
    ----------
    view : str
    target : int
        The declared freshness, µs; 0 when none is.
    when_stale : str
        ``serve``, ``default`` or ``refuse``.
    watermark : int
        All that arrived up to here is in every state the view reads, µs.
    age : int
        How long ago that is: 0 when nothing waits.
    stale : bool
        The age exceeds the target.
    states : tuple of StateFreshness
    """

    view: str
    target: int
    when_stale: str
    watermark: int
    age: int
    stale: bool
    states: tuple[StateFreshness, ...]


def freshness_of(graph: ir.Graph, view: ir.View, states: State, log: EventLog, now: int) -> ViewFreshness:
    """Return how fresh a view's features are at the instant `now`.

    Notes
    -----
    Features are as old as the oldest event that is logged and not folded. When nothing is waiting they are fresh,
    however long ago the last event came: whether events come at all is what ``tw.expect.fresh`` looks at.
    """
    names = groups_of(plan_view(graph, view))
    found = watermarks(names, states, log, now)
    folded = tuple(StateFreshness(names[state], state, offset, mark) for state, (offset, mark) in found.items())
    watermark = min((state.watermark for state in folded), default=now)
    age = max(0, now - watermark)
    return ViewFreshness(view.name, view.freshness, view.when_stale, watermark, age, 0 < view.freshness < age, folded)


def groups_of(plan: ViewPlan) -> dict[str, str]:
    """Return the states that a view reads, with their groups' names."""
    return {read.plan.state_id: read.plan.group.name for read in plan.reads}


def watermarks(
    state_ids: Iterable[str], states: State, log: EventLog, now: int, *, for_decision: bool = False
) -> Mapping[str, tuple[int, int]]:
    """Return, for each state, the last offset that all partitions have folded, and its watermark."""
    # In this order: what is folded meanwhile makes a state look older, never fresher.
    offsets, head = states.offsets(for_decision=for_decision), log.head()
    marks: dict[int, int] = {}
    found = {}
    for state_id in state_ids:
        offset = min((folded.get(state_id, 0) for folded in offsets), default=0)
        if offset not in marks:
            marks[offset] = now if offset >= head - 1 else min(now, _folded_up_to(log, offset))
        found[state_id] = (offset, marks[offset])
    return found


def _folded_up_to(log: EventLog, offset: int) -> int:
    """Return the last instant before the first event after an offset arrived; 0 where that event was trimmed."""
    try:
        record = log.read(offset + 1, 1)[0]
    except NotFoundError:
        return 0
    return (record.first_arrived if isinstance(record, ImportRecord) else record.arrived) - 1
