"""How events do against what is expected of them: all that is logged is looked at once, and the verdicts are events.

The log is read on from a stored position; the results and the new position are appended in one transaction, so each
micro-batch is judged exactly once, whoever does it and whenever it is killed. An import is a batch of its own. Rows
that never entered (quarantined for an expectation) are counted from the quarantine.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from tidewheel.collect.checking.columns import arrow_type, with_default
from tidewheel.collect.checking.expectations import AT, CLOCK_KINDS, described, failing
from tidewheel.collect.checking.screening import counted, is_breach
from tidewheel.collect.keeping.history import History
from tidewheel.collect.quality.records import QualityResult, event_of, result_of
from tidewheel.collect.quality.volume import HOUR, hour_counts, usual_volume
from tidewheel.definitions.ir import Expectation, Source
from tidewheel.errors import ConflictError, ExpectationError

if TYPE_CHECKING:
    from tidewheel.storage.lake.delta import Lake
    from tidewheel.storage.log.event_log import EventLog

POSITION, BAD_ROWS, VOLUME = "quality", "quality-quarantine", "quality-volume:"
ROWS_AT_ONCE = 200_000
BAD_ROWS_AT_ONCE = 10_000
MOST_HOURS = 48
"""Finished hours that are judged when nobody looked for longer."""


class Observer:
    """Looks at what has been logged since the last time. One a process; several agree by the log's position.

    Parameters
    ----------
    log : EventLog
    lake : Lake
        Gives the rows of imports, and arrivals of the weeks before.
    """

    def __init__(self, log: EventLog, lake: Lake) -> None:
        self._log = log
        self._lake = lake
        self._history = History(lake, log)
        self._waiting: dict[tuple[str, str], tuple[int, int]] = {}
        """Rows and failing ones of batches that were too small for a verdict."""
        self._verdicts: dict[tuple[str, str], bool] = {}

    def observe(self, sources: Sequence[Source], now: int) -> list[QualityResult]:
        """Judge what is new, and put the results in the log; return them.

        Parameters
        ----------
        sources : sequence of Source
            Those without expectations are passed over.
        now : int
            The workspace's instant.
        """
        by_name = {source.name: source for source in sources if source.expects}
        if not by_name:
            return []
        self._history = History(self._lake, self._log, sources)
        found: list[QualityResult] = []
        try:
            found += self._refused(by_name, now)
            for batch in self._batches(by_name, now):
                found += batch
            found += self._by_the_clock(by_name, now)
        except ConflictError:
            return found  # another process has looked at the rest
        return found

    def position(self) -> int:
        """Return the offset up to which everything has been looked at; 0 before the first time."""
        return self._log.position(POSITION)

    def _batches(self, sources: Mapping[str, Source], now: int) -> Iterator[list[QualityResult]]:
        done, head = self._log.position(POSITION), self._log.head()
        start = max(done + 1, self._log.first())
        while start < head:
            batch = self._log.read_batch(start, min(ROWS_AT_ONCE, head - start), types=list(sources))
            if batch.next <= start:
                break
            tables = dict(batch.tables)
            if batch.imported is not None and batch.imported.rows and batch.imported.type in sources:
                source = sources[batch.imported.type]
                tables = {source.name: self._history.import_rows(batch.imported, _columns(source))}
            span = (start, batch.next - 1)
            results = [r for name, rows in tables.items() for r in self._judge(sources[name], rows, span, now)]
            self._append(results, now, {POSITION: batch.next - 1}, {POSITION: done})
            done, start = batch.next - 1, batch.next
            yield results

    def _judge(self, source: Source, rows: pa.Table, span: tuple[int, int], now: int) -> Iterator[QualityResult]:
        if not rows.num_rows:
            return
        batch = _typed(rows, source)
        for expectation in source.expects:
            if expectation.kind in CLOCK_KINDS:
                continue
            detail = ""
            try:
                failed = int(failing(expectation, batch).sum())
            except ExpectationError as error:
                failed, detail = batch.num_rows, str(error)
            yield self._result(source, expectation, batch.num_rows, failed, span, now, detail)

    def _result(
        self,
        source: Source,
        expectation: Expectation,
        rows: int,
        failed: int,
        span: tuple[int, int],
        now: int,
        detail: str = "",
    ) -> QualityResult:
        key = (source.name, expectation.name)
        seen, seen_failing = self._waiting.pop(key, (0, 0))
        seen, seen_failing = seen + rows, seen_failing + failed
        judged = expectation.kind != "null_rate" or seen >= expectation.rows
        if not judged:
            self._waiting[key] = (seen, seen_failing)
        breached = judged and is_breach(expectation, seen_failing, seen)
        said = detail or f"{failed:,} of {rows:,} rows fail; expected {described(expectation)}"
        return result_of(source, expectation, (rows, failed, 0), now, said, breached=breached, judged=judged, span=span)

    def _refused(self, sources: Mapping[str, Source], now: int) -> list[QualityResult]:
        """Count what was quarantined for an expectation since the last time."""
        done = self._log.position(BAD_ROWS)
        rows = self._log.bad_rows(after=done, limit=BAD_ROWS_AT_ONCE)
        if not rows:
            return []
        results = []
        for (event, name), bad in counted(rows).items():
            expects = sources[event].expects if event in sources else ()
            for expectation in (e for e in expects if e.name == name):
                n, detail = len(bad), f"{len(bad):,} rows quarantined, such as: {bad[0].reason}"
                results.append(result_of(sources[event], expectation, (n, n, n), now, detail, breached=True))
        self._append(results, now, {BAD_ROWS: rows[-1].seq}, {BAD_ROWS: done})
        return results

    def _by_the_clock(self, sources: Mapping[str, Source], now: int) -> list[QualityResult]:
        results: list[QualityResult] = []
        for source in sources.values():
            for expectation in source.expects:
                if expectation.kind == "fresh":
                    results += self._fresh(source, expectation, now)
                elif expectation.kind == "volume":
                    results += self._volume(source, expectation, now)
        return results

    def _fresh(self, source: Source, expectation: Expectation, now: int) -> list[QualityResult]:
        """Return a result when the verdict has changed."""
        newest = self._log.newest_arrived(source.name)
        breached, key = now - newest > expectation.within, (source.name, expectation.name)
        if not newest or self._verdicts.get(key) == breached:
            return []
        detail = f"the newest {source.name} arrived {(now - newest) / 1e6:,.0f} s ago"
        result = result_of(source, expectation, (0, 0, 0), now, detail, breached=breached)
        self._append([result], now, {}, {})
        self._verdicts[key] = breached
        return [result]

    def _volume(self, source: Source, expectation: Expectation, now: int) -> list[QualityResult]:
        """Judge each hour that has ended since the last time."""
        name = f"{VOLUME}{source.name}.{expectation.name}"
        done, last = self._log.position(name), now // HOUR - 1
        if done >= last or not self._log.newest_arrived(source.name):
            return []
        results = []
        for hour in range(max(done + 1, last - (MOST_HOURS if done else 1) + 1), last + 1):
            counts = hour_counts(self._history, source.name, hour, expectation.rows)
            usual = usual_volume(counts[1:])
            if usual is None:
                continue
            low, high = (float(bound or 0) * usual for bound in (expectation.low, expectation.high))
            far = abs(counts[0] - usual) > 3 * usual**0.5
            breached = far and not low <= counts[0] <= high
            began = np.datetime64(hour * HOUR, "us").item()
            detail = f"{counts[0]:,} in the hour from {began:%Y-%m-%d %H:%M} UTC, usually {usual:,.0f}"
            rows = (counts[0], 0, 0)
            results.append(result_of(source, expectation, rows, (hour + 1) * HOUR, detail, breached=breached))
        self._append(results, now, {name: last}, {name: done})
        return results

    def _append(
        self, results: Sequence[QualityResult], now: int, positions: Mapping[str, int], expected: Mapping[str, int]
    ) -> None:
        self._log.append([event_of(r) for r in results], now=now, positions=dict(positions), expected=dict(expected))


def _columns(source: Source) -> list[str]:
    names = {name for expectation in source.expects for name in expectation.columns} - {AT}
    return [column.name for column in source.columns if column.name in names]


def _typed(rows: pa.Table, source: Source) -> pa.Table:
    """Return what expectations look at, in canonical types; a column that is all null has lost its own."""
    kinds = {column.name: arrow_type(column.kind) for column in source.columns}
    none = pa.nulls(rows.num_rows)
    columns = {
        name: with_default(
            (rows[name] if name in rows.column_names else pa.chunked_array([none])).cast(kinds[name]),
            source.column(name),
        )
        for name in _columns(source)
        for name in _columns(source)
    }
    return pa.table({"_at": rows["_at"], **columns})
