"""``tidewheel top`` as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from tidewheel.serving.observing.overview import Overview, ServiceNumbers


def screen(found: Overview, where: str) -> RenderableType:
    """Return everything, under a line that says of what."""
    rate = sum(service.rate for service in found.services)
    head = f"{where}   {rate:,.0f} decisions/s   workers: {len(found.workers)}   {found.lag:,} events behind the log"
    return Group(Text(head, style="bold"), _services(found), _workers(found))


def _services(found: Overview) -> Table:
    headers = ["service", "versions", "decisions", "per second", "p50", "p95", "p99", "fallbacks", "state"]
    table = _table(headers, text={0, 1, 8})
    for service in found.services:
        latency = [_microseconds(service.latency_us[p]) for p in ("p50", "p95", "p99")]
        share = Text(f"{service.fallback_share:.1%}", style="red" if service.fallback_share > 0.01 else "")
        numbers = [f"{service.decisions:,}", f"{service.rate:,.0f}", *latency]
        table.add_row(service.service, _versions(service), *numbers, share, _state(service))
    return table


def _versions(service: ServiceNumbers) -> str:
    """Write which version answers how much, or what is deployed while nothing is asked.

    >>> from tidewheel.serving.observing.overview import overview, Deployed
    >>> _versions(overview([], [], 1.0, {"Score": Deployed(champion="Fraud@1", challenger="Fraud@2")}).services[0])
    'Fraud@1, Fraud@2'
    """
    if service.versions:
        return ", ".join(f"{model or 'no model'} {share:.0%}" for model, share in service.versions.items())
    return ", ".join(filter(None, (service.deployed.champion, service.deployed.challenger))) or "-"


def _state(service: ServiceNumbers) -> Text:
    if service.deployed.killed:
        return Text("killed", style="bold red")
    return Text(service.deployed.damage, style="red") if service.deployed.damage else Text("serves", style="green")


def _workers(found: Overview) -> Table:
    headers = ["worker", "per second", "connections", "in flight", "not on disk", "events waiting"]
    table = _table(headers, text=set())
    for w in found.workers:
        counts = (w.connections, w.in_flight, w.unsynced, w.events_waiting)
        table.add_row(str(w.worker), f"{w.rate:,.0f}", *(f"{count:,}" for count in counts))
    return table


def _table(headers: list[str], text: set[int]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for number, header in enumerate(headers):
        table.add_column(header, justify="left" if number in text else "right")
    return table


def _microseconds(value: float) -> str:
    """Write a duration short.

    >>> _microseconds(40.0), _microseconds(2000.0), _microseconds(float("inf")), _microseconds(0.0)
    ('40 µs', '2 ms', '> 100 ms', '-')
    """
    if not value:
        return "-"
    if value == float("inf"):
        return "> 100 ms"
    return f"{value:.0f} µs" if value < 1000 else f"{value / 1000:.0f} ms"
