"""What an open workspace tells about the health of its features and data."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from tidewheel.definitions import parse_duration
from tidewheel.definitions.language.durations import Duration
from tidewheel.workspace.naming import Instant, Named, name_of, to_instant
from tidewheel.workspace.scores.scored import Scored

if TYPE_CHECKING:
    import pyarrow as pa

    from tidewheel.collect.keeping.redactions import Redaction
    from tidewheel.collect.quality.verdicts import Observer
    from tidewheel.features.proof.difference import ViewDifference
    from tidewheel.features.proof.parity import ParityReport
    from tidewheel.features.reading.freshness import ViewFreshness
    from tidewheel.governance.proof import ErasureReport
    from tidewheel.governance.retention import Upkeep
    from tidewheel.workspace.events.quality import ExpectationStatus
    from tidewheel.workspace.workspace import Workspace


class Watched(Scored):
    """The part of `Workspace` that watches over features and data."""

    def check_features(self, service: Named | None = None, *, sample: int = 1000, progress: Any = None) -> ParityReport:
        """Replay served decisions from history and compare every feature bit for bit."""
        from tidewheel.workspace.features.reading import check_parity

        self.sync()
        chosen = None if service is None else name_of(service)
        return check_parity(self.stores, self.history, chosen, sample, progress)

    def feature_rows(self, version: str, *, since: Instant = None) -> pa.Table:
        """Return the rows that decisions on a version's view were made from, with a column for each feature.

        Parameters
        ----------
        version : str
            ``Fraud@2``.
        since : optional
            Only decisions from this instant on.

        Examples
        --------
        ``rows = ws.feature_rows("Fraud@2")``, then ``duckdb.sql("SELECT avg(amount) FROM rows")``; see
        docs/decision-record.md.
        """
        from tidewheel.workspace.features.exploding import feature_rows

        self.sync()
        return feature_rows(self.stores, version, None if since is None else to_instant(since))

    @cached_property
    def observer(self) -> Observer:
        """What looks at logged events; it remembers batches that were too small for a verdict."""
        from tidewheel.collect.quality.verdicts import Observer

        return Observer(self.stores.log, self.stores.lake)

    def quality(self, event: Named = "") -> list[ExpectationStatus]:
        """Return how the declared expectations stand, after looking at everything that is logged by now.

        Parameters
        ----------
        event : class or str, optional
            Only those on this event.
        """
        from tidewheel.workspace.events.quality import quality_of, watch_quality

        self.publish()
        self.sync()
        watch_quality(self)
        return quality_of(self, self.history, name_of(event))

    def forget(self, subject: str, *, progress: Any = None) -> ErasureReport:
        """Remove an entity from log, lake, states, decisions and artifacts; return the proof.

        Rows stay, with its key and personal columns blanked; see docs/governance.md.

        Parameters
        ----------
        subject : str
            ``ENTITY=KEY``, as ``"Card=c42"``.

        Raises
        ------
        BusyError
            ``tidewheel up`` runs, or others have the workspace open.
        """
        from tidewheel.workspace.events.erasing import forget

        return forget(self, subject, progress)

    def tend_lake(self, *, keep_hours: int | None = None) -> list[Upkeep]:
        """Drop rows older than their type is kept, join small files, delete old ones; what was done, by table.

        Parameters
        ----------
        keep_hours : int, optional
            How long files stay that the newest version of a table does not name; a week by default.
        """
        from tidewheel.governance.retention import tend
        from tidewheel.storage.lake.upkeep import KEEP_HOURS

        hours = KEEP_HOURS if keep_hours is None else keep_hours
        self.__dict__.pop("history", None)  # which knows the ledger as it was
        return tend(self.stores, self.project.graph, keep_hours=hours)

    def erasures(self) -> list[Redaction]:
        """Return the redaction ledger, oldest first."""
        return self.history.redactions.entries

    def freshness(self, view: Named = "") -> list[ViewFreshness]:
        """Return how far the features of the views, or of one, are behind the log now. Folds nothing.

        Parameters
        ----------
        view : class or str, optional

        Raises
        ------
        NotFoundError
            The project declares no such view.
        """
        from tidewheel.features.reading.freshness import freshness_of
        from tidewheel.workspace.naming import find

        graph, stores = self.project.graph, self.stores
        views = graph.views if not name_of(view) else (find(graph.views, name_of(view), "view"),)
        now = stores.clock.now()
        return [freshness_of(graph, found, stores.state, stores.log, now) for found in views]

    def diff_features(
        self, before: str, after: str = ".", *, view: Named = "", sample: int = 1000
    ) -> list[ViewDifference]:
        """Compute a view by two definitions for the same events, and compare every column.

        Parameters
        ----------
        before, after : str
            A version (``Fraud@2``), ``live``, or ``.`` for the working tree.
        view : class or str, optional
            Which view; by default the version's, or every view that changed.
        sample : int
            How many events, spread evenly over history; 0 for all.

        Raises
        ------
        NotFoundError
            There is no such version or view.
        """
        from tidewheel.workspace.models.comparing import diff_features

        self.sync()
        return diff_features(cast("Workspace", self), before, after, name_of(view), sample)

    def compare_visibility(
        self, view: Named, *, serving_delay: Duration | None = None, sample: int = 0
    ) -> ViewDifference:
        """Return how a view's columns differ when events are seen as they happened, not as they arrived.

        Parameters
        ----------
        view : class or str
        serving_delay : duration, optional
            What is compared with the idealised history sees events so much later than they arrived.
        sample : int
            So many of its events, spread evenly over history; 0 for all.
        """
        from tidewheel.workspace.models.comparing import compare_visibility

        self.sync()
        delay = 0 if serving_delay is None else parse_duration(serving_delay)
        return compare_visibility(cast("Workspace", self), name_of(view), delay, sample)
