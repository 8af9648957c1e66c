"""Training equals serving: decisions read again from history, compared to the bit.

Each decision recorded what it read (states with their offsets, the instant) and what it got (the
view's row of words). Replay by those offsets must give the same words; all decisions of one view
are replayed in one pass.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from tidewheel.definitions import digest, ir
from tidewheel.errors import FeatureError
from tidewheel.features.backfill import Computed, compute_view
from tidewheel.features.nodes import leaves
from tidewheel.features.plan_view import ViewPlan, plan_view
from tidewheel.features.recorded import STATES_TYPE
from tidewheel.features.rows import arrow_type
from tidewheel.features.words import Words

if TYPE_CHECKING:
    from tidewheel.collect import History
    from tidewheel.storage.decisions import DecisionRecord


@dataclass(frozen=True)
class Difference:
    """A feature that was served as one thing and replayed as another.

    `state`, `key` and `offset` tell the first entity state that the feature reads; empty when it
    reads none.
    """

    decision_id: str
    view: str
    feature: str
    served: float | str | None
    replayed: float | str | None
    state: str
    key: str
    offset: int

    def __str__(self) -> str:
        """Return one line for people."""
        read = f" (state {self.state} of {self.key!r} at offset {self.offset})" if self.state else ""
        return (
            f"decision {self.decision_id}: {self.view}.{self.feature} was {self.served!r}, is {self.replayed!r}{read}"
        )


@dataclass(frozen=True)
class ParityReport:
    """What a check found.

    Attributes
    ----------
    checked : int
        Decisions replayed.
    features : int
        Values compared.
    differences : int
        Values that differ.
    decisions_differing : int
        Decisions with at least one of them.
    skipped : int
        Decisions of views that the graph does not have, or that kept no features.
    first_difference : Difference or None
    """

    checked: int
    features: int
    differences: int
    decisions_differing: int
    skipped: int
    first_difference: Difference | None

    @property
    def equal(self) -> bool:
        """True when nothing differs."""
        return self.differences == 0


def check(
    records: Sequence[DecisionRecord],
    history: History,
    graph: ir.Graph,
    *,
    progress: Callable[[str, float], None] | None = None,
) -> ParityReport:
    """Replay decisions from history and compare each feature's word.

    Parameters
    ----------
    records : sequence of DecisionRecord
        Decisions on views of `graph`; others are skipped and counted.
    history : History
        All events up to at least the offsets recorded.

    Raises
    ------
    FeatureError
        When a derived function fails.
    """
    views = {digest(view): view for view in _views(graph)}
    by_view: dict[str, list[DecisionRecord]] = {}
    for record in records:
        by_view.setdefault(record.view if record.features else "", []).append(record)
    found = [
        _check_view(group, history, plan_view(graph, views[name]), graph, progress)
        for name, group in by_view.items()
        if name in views
    ]
    checked = sum(report.checked for report in found)
    return ParityReport(
        checked=checked,
        features=sum(report.features for report in found),
        differences=sum(report.differences for report in found),
        decisions_differing=sum(report.decisions_differing for report in found),
        skipped=len(records) - checked,
        first_difference=next((report.first_difference for report in found if report.first_difference), None),
    )


def rows_of_decisions(records: Sequence[DecisionRecord], plan: ViewPlan, graph: ir.Graph) -> pa.Table:
    """Return the rows that decisions were made on, with what they recorded, as `read_view` takes them."""
    source = next(source for source in graph.sources if source.name == plan.view.on)
    kinds = {column.name: arrow_type(column.kind) for column in source.columns}
    columns = {
        name: pa.array([record.inputs.get(name) for record in records], kinds[name])
        for name in plan.columns
        if name in kinds
    }
    states = [[{"state_id": state, "key": key, "offset": offset} for state, key, offset in r.states] for r in records]
    return pa.table(
        {
            "_at": pa.array([record.at for record in records], pa.int64()),
            "_arrived": pa.array([record.arrived for record in records], pa.int64()),
            "_instant": pa.array([record.instant for record in records], pa.int64()),
            "_states": pa.array(states, STATES_TYPE),
            **columns,
        }
    )


def _views(graph: ir.Graph) -> list[ir.View]:
    return [*graph.views, *(service.rule_view for service in graph.services if service.rule_view is not None)]


def _check_view(
    records: Sequence[DecisionRecord],
    history: History,
    plan: ViewPlan,
    graph: ir.Graph,
    progress: Callable[[str, float], None] | None,
) -> ParityReport:
    served = _served(records, plan)
    computed = compute_view(history, graph, plan, rows_of_decisions(records, plan, graph), progress=progress)
    replayed = np.ascontiguousarray(computed.words)
    differs = served.view(np.int64) != replayed.view(np.int64)
    rows = differs.any(axis=1)
    first = None
    if rows.any():
        row = int(rows.argmax())
        first = _difference(records[row], computed, served[row], replayed[row], int(differs[row].argmax()))
    return ParityReport(len(records), served.size, int(differs.sum()), int(rows.sum()), 0, first)


def _served(records: Sequence[DecisionRecord], plan: ViewPlan) -> Words:
    width = 8 * len(plan.names)
    odd = next((record for record in records if len(record.features) != width), None)
    if odd is not None:
        raise FeatureError(
            f"holds {len(odd.features) // 8} values for a view of {len(plan.names)}",
            where=f"decision {odd.decision_id}",
            remedy="the record is damaged, or was written for another view",
        )
    joined = np.frombuffer(b"".join(record.features for record in records), np.float64)
    return joined.reshape(len(records), len(plan.names))


def _difference(record: DecisionRecord, computed: Computed, served: Words, replayed: Words, column: int) -> Difference:
    plan = computed.plan
    state, key, offset = _state_of(record, plan, column)
    return Difference(
        decision_id=record.decision_id,
        view=plan.view.name,
        feature=plan.names[column],
        served=_readable(computed, served, column, record.texts.get(plan.names[column])),
        replayed=_readable(computed, replayed, column, None),
        state=state,
        key=key,
        offset=offset,
    )


def _readable(computed: Computed, words: Words, column: int, text: str | None) -> float | str | None:
    if not computed.plan.texts[column]:
        return None if np.isnan(words[column]) else float(words[column])
    return text if text is not None else computed.texts.known(int(words.view(np.int64)[column]))


def _state_of(record: DecisionRecord, plan: ViewPlan, column: int) -> tuple[str, str, int]:
    """Return the first recorded state that a column depends on."""
    queue = [plan.nodes[column]]
    while queue:
        for leaf in leaves(queue.pop(0)):
            if leaf[0] == "derived":
                queue += plan.derived[leaf[1]].args
            elif leaf[0] == "state":
                wanted = plan.reads[leaf[1]].plan.state_id
                return next((found for found in record.states if found[0] == wanted), (wanted, "", 0))
    return ("", "", 0)
