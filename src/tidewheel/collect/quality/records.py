"""What an expectation found in a batch: a result, and the event that tells of it."""

from __future__ import annotations

import msgspec
import pyarrow as pa

from tidewheel.definitions.ir import Expectation, Source
from tidewheel.storage.log.records import NewEvent

QUALITY = "_Quality"
"""The event type of results; its columns are the fields of `QualityResult`."""


class QualityResult(msgspec.Struct, frozen=True):
    """What one expectation found in one batch.

    Attributes
    ----------
    event, expectation, kind, policy : str
    rows, failing, quarantined : int
        Rows of the batch, those that fail, and those of them that were kept out of the log.
    breached : bool
        More fail than are tolerated.
    judged : bool
        False while too few rows have been seen for a verdict.
    first, last : int
        Offsets of the batch; 0 for a batch that was refused.
    at : int
        When it was looked at, µs.
    detail : str
        What was found, for people.
    """

    event: str
    expectation: str
    kind: str
    policy: str
    rows: int
    failing: int
    quarantined: int
    breached: bool
    judged: bool
    first: int
    last: int
    at: int
    detail: str = ""

    @property
    def id(self) -> str:
        """What makes it the same result when it is logged again."""
        return f"{self.event}.{self.expectation}:{self.first}:{self.at if self.first == 0 else self.last}"


def event_of(result: QualityResult) -> NewEvent:
    """Return a result as the event that the log takes."""
    columns: dict[str, object] = {name: getattr(result, name) for name in RESULT_COLUMNS}
    return NewEvent(QUALITY, result.id, result.at, columns)


RESULT_COLUMNS = tuple(name for name in QualityResult.__struct_fields__ if name != "at")


def results_of(table: pa.Table) -> list[QualityResult]:
    """Return the results that a scan of `QUALITY` gives."""
    rows = table.select([*RESULT_COLUMNS, "_at"]).to_pylist()
    return [QualityResult(at=row.pop("_at"), **row) for row in rows]


def refused_batch(source: Source, expectation: str, now: int, detail: str) -> QualityResult | None:
    """Return the result of a file that an expectation stopped."""
    found = next((e for e in source.expects if e.name == expectation), None)
    return None if found is None else result_of(source, found, (0, 0, 0), now, detail, breached=True)


def result_of(
    source: Source,
    expectation: Expectation,
    counts: tuple[int, int, int],
    now: int,
    detail: str,
    *,
    breached: bool,
    judged: bool = True,
    span: tuple[int, int] = (0, 0),
) -> QualityResult:
    """Return a result; `counts` are rows, failing ones and quarantined ones, `span` the first and last offset."""
    rows, failing, quarantined = counts
    return QualityResult(
        event=source.name,
        expectation=expectation.name,
        kind=expectation.kind,
        policy=expectation.policy,
        rows=rows,
        failing=failing,
        quarantined=quarantined,
        breached=breached,
        judged=judged,
        first=span[0],
        last=span[1],
        at=now,
        detail=detail,
    )
