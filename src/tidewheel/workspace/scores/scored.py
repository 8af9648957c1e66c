"""What an open workspace does in batch: scores of whole tables, and the events that they are often of."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, cast

from tidewheel.workspace.features.kept import Kept
from tidewheel.workspace.naming import Instant, Named, name_of, to_instant

if TYPE_CHECKING:
    import pyarrow as pa

    from tidewheel.engine import Engine
    from tidewheel.workspace.events.ticking import PastTicks, TickStatus
    from tidewheel.workspace.scores.scoring import ScoreSummary
    from tidewheel.workspace.workspace import Workspace


class Scored(Kept):
    """The part of `Workspace` that is about scores of whole tables, and about ticks."""

    def score(self, what: Named, version: Named, **options: Any) -> pa.Table:
        """Score a table in batch and return its rows: ``event_id, entity, at, instant, score, decision`` and the run.

        They are kept in the lake too; the same call again reads them there. See `score_run` for the options.

        Examples
        --------
        ``ws.score(Transaction, "Fraud@3", since="2026-03-01T00:00:00Z")["score"]``
        """
        from tidewheel.workspace.scores.scoring import scores

        done = self.score_run(what, version, **options)
        return scores(self.stores, done.model.partition("@")[0], done.run)

    def score_run(
        self,
        what: Named,
        version: Named,
        *,
        since: Instant = None,
        until: Instant = None,
        rows: pa.Table | str | Path | None = None,
        by: Named = "",
        online: bool = False,
        service: Named = "",
        top: int = 0,
        engine: Engine | None = None,
        progress: Any = None,
    ) -> ScoreSummary:
        """Score a table by a version into the lake, in bounded memory; return what was done.

        A run that was killed goes on where it was, and the same run again does nothing.

        Parameters
        ----------
        what : class or str
            The event whose rows are scored, or the version's view.
        version : class or str
            ``Fraud@3``, ``Fraud@champion``; the newest version of a model named alone.
        since, until : optional
            Rows of history that arrived from `since` on and before `until`; all when not given.
        rows : Table or path, optional
            Rows of the event in place of those of history, each as of its ``at``; as of now where they have none.
        by : class or str, optional
            An entity that the rows refer to, or a column of theirs: its value stands beside each score.
        online : bool
            Keep each entity's newest score for serving to read.
        service : class or str, optional
            By whose thresholds a score becomes a decision; by default those of the only service of the model. Of a
            model that orders lists: by whose rules and limits they are cut; by default `rank` is by score alone.
        top : int, optional
            Of a model that orders lists: how many items of each list are kept, the best ones; all by default.
        engine : Engine, optional
            Where the work runs; by default as the settings say.
        progress : callable, optional
            Told the stage, its share done and the rows so far.
        """
        from tidewheel.workspace.scores.score_jobs import Wanted
        from tidewheel.workspace.scores.scoring import score_rows

        self.publish()
        self.sync()
        with TemporaryDirectory(dir=self.stores.layout.run) as folder:
            first, last = (None if it is None else to_instant(it) for it in (since, until))
            file = None if rows is None else _as_file(rows, Path(folder))
            names = name_of(what), name_of(version)
            wanted = Wanted(*names, first, last, file, name_of(by), online, name_of(service), top)
            return score_rows(self.stores, self.history, self.project.graph, wanted, engine=engine, progress=progress)

    def scores(self, model: Named, run: str = "") -> pa.Table:
        """Return the scores that the lake holds of a model, of one run or of all."""
        from tidewheel.workspace.scores.scoring import scores

        return scores(self.stores, name_of(model), run)

    def ticks(self) -> list[TickStatus]:
        """Return the project's ticks: when each is due next, and what came of it last."""
        from tidewheel.workspace.events.ticking import list_ticks

        return list_ticks(self.stores, self.project.graph)

    def make_ticks(self, tick: Named, *, since: Instant, until: Instant = None) -> PastTicks:
        """Put the ticks of past due instants in history, as of then: what a model on a tick is trained on.

        Those at or before the newest that there is are left out, so the past comes before the first live one. The same
        call again makes only what has become due since.

        Parameters
        ----------
        tick : class or str
        since, until : optional
            Due instants from `since` on and before `until`; up to now when not given.
        """
        from tidewheel.workspace.events.ticking import make_past

        last = None if until is None else to_instant(until)
        return make_past(cast("Workspace", self), name_of(tick), to_instant(since), last)


def _as_file(rows: pa.Table | str | Path, folder: Path) -> Path:
    if isinstance(rows, str | Path):
        return Path(rows)
    from tidewheel.features.replay.batch_files import write_batches

    write_batches(folder / "rows.arrow", [rows], rows.schema)
    return folder / "rows.arrow"
