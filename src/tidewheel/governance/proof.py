"""Looking everywhere once more: what an erasure found and blanked, and that nothing remains."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pyarrow.compute as pc

from tidewheel.collect.keeping.decisions import TABLE as DECISIONS
from tidewheel.collect.keeping.history import events_table
from tidewheel.collect.keeping.redactions import PENDING
from tidewheel.governance.artifacts import blanked_content
from tidewheel.governance.blanking import DecisionBlanker, days_of, own_rows
from tidewheel.governance.finding import Found
from tidewheel.governance.subject import Subject
from tidewheel.governance.traces import files_with
from tidewheel.runtime.stores import Stores
from tidewheel.storage.journal.rows import from_arrow


class ErasureReport(msgspec.Struct, frozen=True, kw_only=True):
    """The proof of an erasure.

    Attributes
    ----------
    id : str
        Of the entry in the redaction ledger.
    entity, key : str
    rows : dict of str to int
        Rows that belonged to the entity, by event type.
    counts : dict of str to int
        What was blanked or deleted, by where it was.
    remains : dict of str to int
        Rows, decisions and artifacts that still tell of it, by where they are; empty when nothing does.
    files : list of str
        Files in whose bytes the key or a personal text stands by itself; empty when none does.
    looked_at : int
        Files looked through, byte by byte.
    touched : int
        States of other entities that had folded what is blanked: decisions that read them can't be replayed.
    """

    id: str
    entity: str
    key: str
    rows: dict[str, int]
    counts: dict[str, int]
    remains: dict[str, int]
    files: list[str]
    looked_at: int
    touched: int

    @property
    def clean(self) -> bool:
        """True when nothing remains."""
        return not self.remains and not self.files

    def __str__(self) -> str:
        """Say it in lines, for people."""
        what = ", ".join(f"{count:,} of {name}" for name, count in self.rows.items()) or "none"
        lines = [f"{self.entity} {self.key} is forgotten; rows that belonged to it: {what}"]
        lines += [f"  {place}: {count:,} blanked or deleted" for place, count in self.counts.items()]
        if self.touched:
            lines.append(f"  {self.touched:,} states of other entities had counted it, and are folded again")
        lines.append(f"looked again in every store, and through {self.looked_at:,} files byte by byte:")
        left = [f"  REMAINS {place}: {count:,}" for place, count in self.remains.items()]
        left += [f"  REMAINS in the bytes of {file}" for file in self.files]
        return "\n".join([*lines, *(left or ["  nothing remains"]), f"ledger entry {self.id}"])


def prove(
    stores: Stores, subject: Subject, found: Found, counts: dict[str, int], pattern: re.Pattern[str]
) -> ErasureReport:
    """Look in every store for what may tell of the entity, and return the report."""
    pending = stores.layout.erasures / PENDING
    remains = {**_in_lake(stores, subject, found), **_elsewhere(stores, pattern)}
    identity = msgspec.json.decode(pending.read_bytes())["id"]
    stores.close_files()
    return ErasureReport(
        id=identity,
        entity=subject.entity,
        key=subject.key,
        rows={name: len(ids) for name, ids in found.rows.items()},
        counts=dict(counts),
        remains={place: count for place, count in remains.items() if count},
        files=list(files_with(stores.layout.root, pattern, pending)),
        looked_at=sum(path.is_file() for path in stores.layout.root.rglob("*")),
        touched=len(found.touched),
    )


def _in_lake(stores: Stores, subject: Subject, found: Found) -> dict[str, int]:
    lake, remains = stores.lake, {}
    for name, source in subject.sources.items():
        table = events_table(name)
        if lake.exists(table):
            days = [lake.day(table, day) for day in days_of(lake, table)]
            remains[table] = sum(_true(own_rows(rows, subject, source, found)) for rows in days)
    if lake.exists(DECISIONS):
        blank = DecisionBlanker(subject, found)
        days = [from_arrow(lake.day(DECISIONS, day)) for day in days_of(lake, DECISIONS)]
        remains[DECISIONS] = sum(blank(record) is not record for records in days for record in records)
    return remains


def _true(mask: Any) -> int:
    return int(pc.sum(mask).as_py() or 0)


def _elsewhere(stores: Stores, pattern: re.Pattern[str]) -> dict[str, int]:
    told = [row for row in stores.log.bad_rows(limit=1 << 40) if pattern.search(row.row.decode("utf-8", "replace"))]
    contents = ((stores.artifacts.read(digest), digest) for digest in stores.artifacts.digests())
    changed = [digest for content, digest in contents if blanked_content(content, pattern) not in (None, content)]
    return {"quarantine": len(told), "artifacts": len(changed)}
