"""The event log's counters and watermarks in Prometheus' text format."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from tidewheel.serving.observing.exposition import escaped, headed
from tidewheel.storage.log.records import TypeCounters

_NO_COUNTERS = ("newest_arrived", "watermark")


def log_lines(types: Mapping[str, TypeCounters]) -> bytes:
    """Return what became of events since the log began, and the newest time of each type.

    Examples
    --------
    >>> print(log_lines({"Sale": TypeCounters(logged=7, late=2, watermark=5_000_000)}).decode())  # doctest: +ELLIPSIS
    # HELP tidewheel_log_events_total What became of events since the log began.
    # TYPE tidewheel_log_events_total counter
    tidewheel_log_events_total{event="Sale",fate="logged"} 7
    ...
    tidewheel_log_events_total{event="Sale",fate="late"} 2
    ...
    # HELP tidewheel_log_watermark_seconds Newest time of the type's events, since 1970.
    # TYPE tidewheel_log_watermark_seconds gauge
    tidewheel_log_watermark_seconds{event="Sale"} 5
    <BLANKLINE>
    """
    lines = headed("tidewheel_log_events_total", "counter", "What became of events since the log began.")
    for type, counters in types.items():
        for fate, count in msgspec.structs.asdict(counters).items():
            if fate not in _NO_COUNTERS:
                lines.append(f'tidewheel_log_events_total{{event="{escaped(type)}",fate="{fate}"}} {count}')
    lines += headed("tidewheel_log_watermark_seconds", "gauge", "Newest time of the type's events, since 1970.")
    for type, counters in types.items():
        lines.append(f'tidewheel_log_watermark_seconds{{event="{escaped(type)}"}} {counters.watermark / 1e6:.16g}')
    return ("\n".join(lines) + "\n").encode()
