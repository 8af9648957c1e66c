"""Plans of the shop's views, events into a log, and decision records as serving writes them."""

from __future__ import annotations

from feature_oracle import Happening
from feature_shop import GRAPH, RULES, SOURCES, VIEW

from tidewheel.definitions import digest, ir
from tidewheel.features.planning.view import plan_view
from tidewheel.features.reading.online import Row
from tidewheel.storage.journal.decisions import DecisionRecord
from tidewheel.storage.log.event_log import EventLog
from tidewheel.storage.log.records import NewEvent

PLAN, RULE_PLAN = plan_view(GRAPH, VIEW), plan_view(GRAPH, RULES)
GROUP_PLANS = [read.plan for read in PLAN.reads]
STATES = {read.plan.state_id: read.plan.group for read in PLAN.reads}


def append(log: EventLog, events: list[Happening]) -> None:
    for event in events:
        new = NewEvent(event.type, event.id, event.at, _whole_columns(event), event.arrived)
        assert log.append([new], now=event.arrived)[0].offset == event.offset


def _whole_columns(event: Happening) -> dict[str, object]:
    return {column.name: event.columns.get(column.name) for column in SOURCES[event.type].columns}


def record(number: int, event: dict[str, object], row: Row, at: int, view: ir.View = VIEW) -> DecisionRecord:
    return DecisionRecord(
        decision_id=str(number),
        event_id=f"d{number}",
        service="S",
        event_type="Buy",
        unit="",
        instant=row.instant,
        at=at,
        arrived=at,
        states=row.states,
        inputs=event,
        view=digest(view),
        features=row.words[0].tobytes(),
        texts=row.texts[0],
        model="",
        bundle="",
        service_version="",
        thresholds={},
        arm="",
        propensity=1.0,
        rule="",
        fallback="",
        reason="",
        score=None,
        decision="",
        explored=False,
        timings=[],
    )
