"""Scoring a table in batch: rows of an event, or a file of rows, by a version, into the lake and the online store.

A run is known by what it computes: the bundle, the range or the file, and what is kept beside a score. So the same run
again finds its work done, and one that was killed goes on at the slice where it was.
"""

from __future__ import annotations

import time
from bisect import bisect_right
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tidewheel.collect.keeping.history import History
from tidewheel.definitions import ir
from tidewheel.engine import Engine, open_engine
from tidewheel.errors import NotFoundError
from tidewheel.features.keys import key_text
from tidewheel.features.replay.backfill import Computed
from tidewheel.features.replay.batch import Progress
from tidewheel.features.replay.materialise import materialise
from tidewheel.registry.models.bundles import Inner
from tidewheel.registry.models.scoring import score_on
from tidewheel.registry.pointers.deployments import list_deployments
from tidewheel.registry.versions.names import members_of, parse_name
from tidewheel.registry.versions.versions import list_versions
from tidewheel.runtime.lease import Lease
from tidewheel.runtime.stores import Stores
from tidewheel.storage.lake.delta import dates_of
from tidewheel.storage.places.disks import write_durably
from tidewheel.storage.scores import drop_scores, put_scores
from tidewheel.workspace.scores.chained import Chain, Scored
from tidewheel.workspace.scores.lists import ranks
from tidewheel.workspace.scores.score_jobs import (
    TABLE,
    Asked,
    Ready,
    Wanted,
    begun,
    job_of,
    make_ready,
    of_file,
    of_history,
    of_link,
)

KEPT = "kept.json"


class ScoreSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What a run did.

    Attributes
    ----------
    run : str
        Names it in the table's column ``run``; the same work has the same name.
    model : str
        Which version scored: ``Fraud@3``.
    on : str
        Of which event the rows are.
    table : str
        Where the scores are in the lake.
    rows, refused : int
        Rows scored, and rows of a file that are none of the event.
    already : bool
        The run had been done before: nothing was computed, nothing written.
    by : str
        Which entity the scores are kept by; "" for none.
    online : int
        How many scores the online store took: of an entity the newest so far, so perhaps more than one.
    start, end : int
        The instants of its rows, from `start` on and before `end`, µs.
    seconds : float
    """

    run: str
    model: str
    on: str
    table: str
    rows: int
    refused: int = 0
    already: bool = False
    by: str = ""
    online: int = 0
    start: int
    end: int
    seconds: float


def score_rows(
    stores: Stores,
    history: History,
    graph: ir.Graph,
    wanted: Wanted,
    *,
    engine: Engine | None = None,
    progress: Progress | None = None,
) -> ScoreSummary:
    """Score a table into the lake, and into the online store where that is asked for.

    Raises
    ------
    NotFoundError
        No such version, or it has no bundle.
    InputError
        The version scores other rows, the range is empty, or ``--by`` names no entity of theirs.
    LeaseError
        Another process does the same run.
    """
    started = time.monotonic()
    ready = make_ready(stores, graph, wanted)
    if wanted.rows is not None:
        asked = of_file(stores, history, ready, wanted, wanted.rows)
    else:
        asked = of_history(stores, history, ready, wanted)
    done = _Scoring(stores, history, asked, engine or open_engine(stores.settings.engine), progress).run(ready)
    return ScoreSummary(
        run=done.run,
        model=ready.version,
        on=ready.view.on,
        table=ready.table,
        rows=done.rows,
        refused=asked.refused,
        already=done.already,
        by=ready.by,
        online=_keep_online(stores, ready, done.run, progress) if wanted.online else 0,
        start=asked.start,
        end=asked.end,
        seconds=round(time.monotonic() - started, 3),
    )


class _Done(NamedTuple):
    """A run, how many rows it scored, and whether it had been done before."""

    run: str
    rows: int
    already: bool


@dataclass(frozen=True)
class _Scoring:
    """Runs over the same rows: of a version, and of those whose scores its view has as columns."""

    stores: Stores
    history: History
    asked: Asked
    engine: Engine
    progress: Progress | None

    def run(self, ready: Ready) -> _Done:
        """Score the rows by a version, after those that it reads the scores of."""
        stores, run = self.stores, ready.identity(self.asked.told)
        with Lease.acquire(stores.layout.leases / f"score-{run}", f"the scoring run {run}"):
            folder = stores.layout.scoring / run
            batch = begun(folder, job_of(ready, self.asked), self.history.head(), self.asked.rows)
            already = batch.files.finished() is not None
            links = () if already else ready.bundle.manifest.inner
            chain = Chain(stores.lake, {link.model: self._link(link) for link in links})
            rows = materialise(
                batch,
                self.history,
                stores.lake,
                ready.table,
                shape=partial(_shaped, ready, self.engine, run, chain),
                app=f"score:{run}",
                engine=self.engine,
                progress=self.progress,
            )
        return _Done(run, rows, already)

    def _link(self, link: Inner) -> Scored:
        ready = of_link(self.stores, link)
        return Scored(ready.table, self.run(ready).run, link.version)


def scores(stores: Stores, model: str, run: str = "") -> pa.Table:
    """Return the scores of a model that the lake holds, of one run or of all, by run and in the rows' order.

    Raises
    ------
    NotFoundError
        Nothing was scored with it.
    """
    table = f"{TABLE}{model}"
    if not stores.lake.exists(table):
        raise NotFoundError(f"nothing was scored with {model}", remedy=f"tidewheel score EVENT --with {model}")
    found = stores.lake.scan(table, where=pc.field("run") == run if run else None)
    return found.sort_by([("run", "ascending"), ("place", "ascending")]).drop_columns(["_date"])


def _shaped(ready: Ready, engine: Engine, run: str, chain: Chain, computed: Computed, rows: pa.Table) -> pa.Table:
    """Return a slice's rows as the lake keeps them."""
    there = chain.fill(ready.view, computed.words, rows["_offset"].to_numpy())
    given = np.full(len(rows), np.nan)
    given[there] = score_on(engine, ready.bundle, computed.words[there])
    n, edges = len(rows), [edge for _, edge in ready.levels[1:]]
    decided = [None if s != s or not ready.levels else ready.levels[bisect_right(edges, s)][0] for s in given.tolist()]
    request, item = ready.told or ("_id", "")
    made = {
        "run": pa.repeat(pa.scalar(run), n),
        "model": pa.repeat(pa.scalar(ready.version), n),
        "event_id": rows[request],
        "entity": rows[ready.key].cast(pa.string()) if ready.key else pa.nulls(n, pa.string()),
        "at": rows["_at"],
        "instant": rows["_arrived"],
        "score": pa.array(given, from_pandas=True),
        "decision": pa.array(decided, pa.string()),
        "place": rows["_offset"],
        "_date": dates_of(rows["_arrived"]),
    }
    if not item:
        return pa.table(made)
    if ready.cut is None:
        rank = ranks(rows[request], rows["_arrived"].to_numpy(), rows[item], given)
    else:
        rank = ready.cut.ranks(rows[request], rows[item], rows, given)
        made["decision"] = pa.array(ready.cut.decisions(rows), pa.string())
    table = pa.table(made | {"item": rows[item], "rank": rank})
    return table.filter(pc.field("rank") <= ready.top) if ready.top else table


def _keep_online(stores: Stores, ready: Ready, run: str, progress: Progress | None) -> int:
    """Bring a run's scores to the online store, once: a note in the run's folder says that it was done."""
    note = stores.layout.scoring / run / KEPT
    if note.exists():
        return 0
    kept = seen = 0
    model, number, by = ready.model, int(parse_name(ready.version)[1]), ready.kept_by
    pairs = ready.each is not None and ready.each.target != ready.by
    with Lease.acquire(stores.layout.leases / "scores", f"the scoring run {run}", wait=60.0) as lease:
        writer = stores.scores.writer(0, lease.token)
        try:
            columns = ["entity", "instant", "score", *(["item"] if pairs else [])]
            for batch in stores.lake.batches(ready.table, columns, where=pc.field("run") == run):
                rows = pa.table(batch)
                kept += put_scores(writer, model, number, by, run, _by_pair(rows) if pairs else rows)
                seen += len(batch)
                if progress:
                    progress("online", 1.0, seen)
            drop_scores(writer, _retired(stores, model, number), by)
            writer.sync()
        finally:
            writer.close()
    write_durably(note, msgspec.json.encode(kept))
    return kept


def _by_pair(rows: pa.Table) -> pa.Table:
    """Return scores of items with what each is kept by: its list's entity and the item."""
    keys = [key_text(pair) for pair in zip(rows["entity"].to_pylist(), rows["item"].to_pylist(), strict=True)]
    return rows.set_column(rows.column_names.index("entity"), "entity", pa.array(keys, pa.string()))


def _retired(stores: Stores, model: str, number: int) -> list[str]:
    """Return the versions of a model older than one that no service points at: their scores are read no more."""
    pointed = {
        name
        for deployment in list_deployments(stores.catalog)
        for lineup in (deployment.champion, deployment.challenger, deployment.previous)
        for name in members_of(lineup)
    }
    older = [known for known in list_versions(stores.catalog, model) if known.number < number]
    return [known.name for known in older if known.name not in pointed]
