"""What an open workspace keeps of its features: rows that were backfilled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tidewheel.workspace.naming import Instant, Named, name_of, to_instant
from tidewheel.workspace.opened import Opened

if TYPE_CHECKING:
    import pyarrow as pa

    from tidewheel.engine import Engine
    from tidewheel.workspace.features.backfilling import BackfillSummary
    from tidewheel.workspace.features.garbage import Garbage, StateVersion


class Kept(Opened):
    """The part of `Workspace` that is about stored features."""

    def backfill(
        self,
        view: Named,
        *,
        on: Named = "",
        start: Instant = None,
        end: Instant = None,
        engine: Engine | None = None,
        progress: Any = None,
    ) -> BackfillSummary:
        """Compute a view's rows for a range of arrival and keep them in the lake, in bounded memory.

        A call that was killed is taken up where it was; what is stored already is not computed again.

        Parameters
        ----------
        view : class or str
            A view; or a feature set, for its features alone.
        on : class or str, optional
            Of a feature set: for each of which event, where several types of its events name its key.
        start, end : optional
            Rows that arrived from `start` on and before `end`; all that there are when not given.
        engine : Engine, optional
            Where the work runs; this process's cores by default.
        progress : callable, optional
            Told the stage, its share done and the rows so far.
        """
        from tidewheel.workspace.features.backfilling import backfill_view

        self.sync()
        graph, name = self.project.graph, name_of(view)
        first, last = (None if it is None else to_instant(it) for it in (start, end))
        return backfill_view(
            self.stores, self.history, graph, name, first, last, on=name_of(on), engine=engine, progress=progress
        )

    def backfilled(self, view: Named, *, on: Named = "", start: Instant = None, end: Instant = None) -> pa.Table:
        """Return the rows that `backfill` stored: ``_id, _at, _arrived, _offset`` and the view's columns."""
        from tidewheel.workspace.features.backfilling import backfilled_rows

        first, last = (None if it is None else to_instant(it) for it in (start, end))
        return backfilled_rows(self.stores, self.project.graph, name_of(view), first, last, on=name_of(on))

    def state_versions(self) -> list[StateVersion]:
        """Return every feature state there is, and who needs it."""
        from tidewheel.workspace.features.garbage import state_versions

        self.publish()
        self.sync()
        return state_versions(self.stores)

    def collect_garbage(self, *, dry_run: bool = False) -> Garbage:
        """Delete feature states and artifacts that nothing has needed for `keep_states` and `keep_artifacts`.

        With `dry_run`, say only which those are.

        Raises
        ------
        CorruptError
            A deployed bundle can't be read: nothing is deleted, since nobody knows what it needs.
        """
        from tidewheel.workspace.features.garbage import collect, finish

        self.publish()
        found = collect(self.stores, dry_run=dry_run)
        if not dry_run:
            self.sync()
            finish(self.stores)
        return found
