"""Data quality in a workspace: what is new is judged, breaches raise alerts, and anyone can ask how it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tidewheel.collect.checking.expectations import CLOCK_KINDS, described
from tidewheel.collect.keeping.history import History
from tidewheel.collect.quality.records import (
    QUALITY,
    RESULT_COLUMNS,
    QualityResult,
    event_of,
    refused_batch,
    results_of,
)
from tidewheel.definitions import ir
from tidewheel.errors import ExpectationError
from tidewheel.registry.alerts import Alert, close_alert, list_alerts, raise_alert
from tidewheel.registry.graphs import live_graph
from tidewheel.runtime.stores import Stores
from tidewheel.storage.catalog import Catalog
from tidewheel.workspace.naming import find

if TYPE_CHECKING:
    from tidewheel.workspace.watched import Watched

ALERT = "quality"
QUIET = 3_600_000_000
"""An alert closes when a batch is fine and the last breach is so long ago: one that comes and goes is one alert."""


class ExpectationStatus(msgspec.Struct, frozen=True):
    """How an expectation stands: totals over all batches, the newest result, and whether an alert is open."""

    event: str
    expectation: str
    kind: str
    policy: str
    expected: str
    rows: int
    failing: int
    quarantined: int
    batches: int
    breaches: int
    alert: bool
    last: QualityResult | None


def live_sources(stores: Stores) -> tuple[ir.Source, ...]:
    """Return the events and entities as they are declared by now."""
    live = live_graph(stores.catalog)
    return live.graph.sources if live is not None else ()


def watch_quality(workspace: Watched) -> int:
    """Judge what was logged since the last time; raise and close alerts.

    Returns
    -------
    int
        The offset up to which the log has been looked at; 0 where nothing is expected.
    """
    stores, sources = workspace.stores, live_sources(workspace.stores)
    if not any(source.expects for source in sources):
        return 0
    results = workspace.observer.observe(sources, stores.clock.now())
    if results:
        tell(stores.catalog, results)
    return workspace.observer.position()


def tell(catalog: Catalog, results: list[QualityResult]) -> None:
    """Raise an alert for each breach, once; close those that are over."""
    open_alerts = {(a.service, a.subject): a for a in list_alerts(catalog, only_open=True) if a.kind == ALERT}
    for result in results:
        key = (result.event, result.expectation)
        if result.breached:
            detail = msgspec.to_builtins(result)
            open_alerts[key] = raise_alert(catalog, result.event, ALERT, result.expectation, result.detail, detail)
        elif result.judged and key in open_alerts and _is_over(result, open_alerts[key], catalog.now()):
            close_alert(catalog, result.event, ALERT, result.expectation)
            del open_alerts[key]


def _is_over(result: QualityResult, alert: Alert, now: int) -> bool:
    return result.kind in CLOCK_KINDS or now - alert.seen >= QUIET


def tell_stopped(stores: Stores, source: ir.Source, error: ExpectationError) -> None:
    """Log that a file was stopped, and raise the alert."""
    now = stores.clock.now()
    result = refused_batch(source, error.expectation, now, str(error))
    if result is not None:
        stores.log.append([event_of(result)], now=now)
        tell(stores.catalog, [result])


def quality_of(workspace: Watched, history: History, event: str) -> list[ExpectationStatus]:
    """Return how the expectations on an event, or on all, stand."""
    stores = workspace.stores
    sources = live_sources(stores)
    if event:
        sources = (find(sources, event, "event or entity"),)
    results: dict[tuple[str, str], list[QualityResult]] = {}
    for result in results_of(history.scan(QUALITY, RESULT_COLUMNS)):
        results.setdefault((result.event, result.expectation), []).append(result)
    alerts = {(a.service, a.subject) for a in list_alerts(stores.catalog, only_open=True) if a.kind == ALERT}
    return [
        _status(source, expectation, results.get((source.name, expectation.name), []), alerts)
        for source in sources
        for expectation in source.expects
    ]


def _status(
    source: ir.Source, expectation: ir.Expectation, found: list[QualityResult], alerts: set[tuple[str, str]]
) -> ExpectationStatus:
    return ExpectationStatus(
        event=source.name,
        expectation=expectation.name,
        kind=expectation.kind,
        policy=expectation.policy,
        expected=described(expectation),
        rows=sum(result.rows for result in found),
        failing=sum(result.failing for result in found),
        quarantined=sum(result.quarantined for result in found),
        batches=len(found),
        breaches=sum(result.breached for result in found),
        alert=(source.name, expectation.name) in alerts,
        last=found[-1] if found else None,
    )
