"""An open workspace: what a program, a notebook or the command line calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from tidewheel.definitions import ir, parse_duration
from tidewheel.definitions.language.durations import Duration
from tidewheel.workspace.naming import Instant, Named, find, name_of, to_instant
from tidewheel.workspace.rollouts.rolling import Rolling

if TYPE_CHECKING:
    import pyarrow as pa

    from tidewheel.bridges.mlflow import Mirror
    from tidewheel.collect.importing.imports import ImportSummary
    from tidewheel.collect.keeping.flush import FlushSummary
    from tidewheel.monitoring.report import Report
    from tidewheel.registry.runs.datasets import Dataset
    from tidewheel.registry.runs.runs import Run
    from tidewheel.registry.runs.trials import Search
    from tidewheel.registry.versions.versions import Version
    from tidewheel.serving.deciding.answers import Answer
    from tidewheel.serving.explain import Explanation
    from tidewheel.storage.log.records import Outcome
    from tidewheel.training import Comparison, RerunReport, TrainResult
    from tidewheel.workspace.features.reading import FeatureRow
    from tidewheel.workspace.rollouts.loop import WorkspaceLoop
    from tidewheel.workspace.summaries import LogStatus, Plan, Runs, Status


class Workspace(Rolling):
    """A project with its data. Made by ``tw.open``; close it, or use it in a ``with`` statement."""

    # --- events ----------------------------------------------------------------------------------

    def append(self, events: Any) -> list[Outcome]:
        """Put one event, or a sequence of them, in the log; returns when they are on disk and folded.

        Parameters
        ----------
        events : event or sequence of events
            Instances of the project's event classes.

        Returns
        -------
        list of Outcome
            One each, in order: logged (with its offset) or a duplicate.

        Raises
        ------
        SchemaError
            An event does not fit its declaration; none of them is taken.
        """
        from tidewheel.workspace.events.incoming import checked

        self.publish()
        rows = checked(events, self.project, self.stores.clock.now())
        outcomes = self.serving.submit(rows).result()
        self.sync()
        return outcomes

    def ingest(self, file: str, event: Named, **options: Any) -> ImportSummary:
        """Take a file in, exactly once; see ``tidewheel ingest --help`` for the options.

        Parameters
        ----------
        file : str
            A path, or ``-`` for standard input.
        format, mapping, timezone, arrived, nulls, progress : optional
            As the command's options.

        Raises
        ------
        FileError
            The file can't be read as what it claims to be.
        ConflictError
            Its rows are older than what is already logged for the event.
        """
        from tidewheel.workspace.events.incoming import ingest

        self.publish()
        return ingest(self.stores, self.source(event), file, **options)

    def retry_quarantine(self, event: str | None = None) -> tuple[int, int]:
        """Check quarantined rows again; return how many were taken in, and how many are still refused."""
        from tidewheel.workspace.events.incoming import retry

        self.publish()
        found = retry(self.stores, self.project.graph, self.serving.submit, event)
        self.sync()
        return found

    def flush(self) -> FlushSummary:
        """Judge what is new by what is expected, bring the lake up to log and journal, trim what every reader has."""
        from tidewheel.workspace.events.incoming import flush
        from tidewheel.workspace.events.quality import watch_quality

        return flush(self.stores, self.project.graph.sources, looked_at=watch_quality(self))

    def advance(self, to: Instant) -> int:
        """Move a replay workspace's clock; return the instant reached.

        Raises
        ------
        ClockError
            The workspace is on the real clock, or `to` lies in its past.
        """
        self.sync()
        return self.stores.clock.advance(to_instant(to))

    # --- features --------------------------------------------------------------------------------

    def read(self, features: Named, *, at: Instant = None, **keys: object) -> FeatureRow:
        """Return one entity's features, now or as of an instant.

        Parameters
        ----------
        features : class or str
            A ``tw.Features``.
        at : optional
            As of this instant, from history; now, from the live state, when not given.
        **keys
            The group's key parts: the entity's or the column's name in lower case, as ``card="c42"``.
        """
        from tidewheel.workspace.features.reading import read_features

        self.publish()
        self.sync()
        instant = None if at is None else to_instant(at)
        return read_features(self.stores, self.history, self.project.graph, name_of(features), keys, instant)

    def view(
        self,
        view: Named,
        at: pa.Table | None = None,
        *,
        visibility: ir.Visibility = "arrival",
        serving_delay: Duration | None = None,
    ) -> pa.Table:
        """Return a view's rows, point-in-time correct: one per row given, in the same order.

        Parameters
        ----------
        view : class or str
            A view; or a version, ``"Fraud@3"``: its own view, with the constants it learned.
        at : Table, optional
            Events to look at: the event's columns and ``at`` (times with a zone, or µs). Every logged event when
            not given.
        visibility : {"arrival", "event"}
            See events that had arrived before the instant, or all that had happened before it.
        serving_delay : duration, optional
            See events so much later than they arrived.
        """
        from tidewheel.workspace.features.reading import read_rows

        self.sync()
        delay = 0 if serving_delay is None else parse_duration(serving_delay)
        return read_rows(self.stores, self.history, self.project.graph, name_of(view), at, visibility, delay)

    # --- models ----------------------------------------------------------------------------------

    def train(
        self,
        model: Named,
        *,
        as_of: Instant = None,
        seed: int = 0,
        trials: int | None = None,
        cause: str = "",
        init_from: str = "",
        allow_pickle: bool = False,
        cache: bool = True,
        new: bool = False,
        learning_curve: bool = False,
        progress: Any = None,
    ) -> TrainResult:
        """Train a model: view, tune, fit, evaluate, gates, version; parameters as in `training.train`."""
        from tidewheel.training import train
        from tidewheel.workspace.models.mirroring import mirrored
        from tidewheel.workspace.rollouts.following import carry_on

        self.publish()
        self.sync()
        instant = None if as_of is None else to_instant(as_of)
        result = train(
            self.training_context(),
            name_of(model),
            as_of=instant,
            seed=seed,
            trials=trials,
            cause=cause,
            init_from=init_from,
            allow_pickle=allow_pickle,
            cache=cache,
            new=new,
            learning_curve=learning_curve,
            progress=progress,
        )
        return replace(mirrored(self.stores, result), deployed=carry_on(self, name_of(model)))

    def mirror(self, url: str = "") -> Mirror:
        """Return the MLflow server at a URL, or the one of the settings, to push runs to."""
        from tidewheel.workspace.models.mirroring import mirror

        return mirror(self.stores, url)

    def rerun(self, run: str, *, progress: Any = None) -> RerunReport:
        """Repeat a run, by its id or its version's name, and compare data, metrics and predictions."""
        from tidewheel.registry.versions.versions import get_version
        from tidewheel.training import rerun

        identity = get_version(self.stores.catalog, run).run if "@" in run else run
        return rerun(self.training_context(), identity, progress=progress)

    def runs(self, model: Named = "", limit: int = 1000) -> Runs:
        """Return training runs, newest first: a list, and with ``to_arrow()`` a table."""
        from tidewheel.registry.runs.runs import list_runs
        from tidewheel.registry.runs.unfinished import close_killed
        from tidewheel.workspace.summaries import Runs

        close_killed(self.stores.catalog)
        return Runs(list_runs(self.stores.catalog, name_of(model), limit=limit))

    def versions(self, model: Named = "") -> list[Version]:
        """Return versions, newest first."""
        from tidewheel.registry.versions.versions import list_versions

        return list_versions(self.stores.catalog, name_of(model))

    def version(self, name: str) -> tuple[Version, Run]:
        """Return a version, such as ``Fraud@3`` or ``Fraud@champion``, and the run that made it."""
        from tidewheel.registry.runs.runs import get_run
        from tidewheel.registry.versions.versions import get_version

        found = get_version(self.stores.catalog, name)
        return found, get_run(self.stores.catalog, found.run)

    def trials(self, run: str) -> Search:
        """Return the trials of a run, by its id or its version's name, and what was made of them."""
        from tidewheel.registry.runs.runs import get_run
        from tidewheel.registry.runs.trials import search_of

        found = self.version(run)[1] if "@" in run else get_run(self.stores.catalog, run)
        return search_of(self.stores.catalog, self.stores.artifacts, found)

    def datasets(self, model: Named = "") -> list[Dataset]:
        """Return the data sets that models were trained on, newest first."""
        from tidewheel.registry.runs.datasets import list_datasets

        return list_datasets(self.stores.catalog, name_of(model))

    def dataset(self, name: str) -> pa.Table:
        """Return a data set's rows, named by its hash (or the beginning of it), by a run, or by ``Fraud@3``."""
        from tidewheel.workspace.models.snapshots import dataset_rows

        return dataset_rows(self.stores, name)

    def compare(self, first: str, second: str) -> Comparison:
        """Put two versions side by side."""
        from tidewheel.training import compare

        return compare(self.stores.catalog, first, second)

    # --- serving ---------------------------------------------------------------------------------

    def decide(self, service: Named, event: Any) -> Answer:
        """Decide one event; the same code as the server runs.

        Parameters
        ----------
        service : class or str
        event : event, mapping or bytes
            An instance of the service's event, its columns by name, or a JSON object.

        Raises
        ------
        SchemaError
            It is another event, or does not fit its declaration.
        """
        from tidewheel.workspace.events.incoming import columns_for

        given = event if isinstance(event, bytes | Mapping) else columns_for(service, event)
        return self.serving.decide(name_of(service), given)

    def why(self, decision_id: str) -> Explanation:
        """Explain one decision, and replay it."""
        from tidewheel.serving.explain import explain

        self.sync()
        return explain(self.serving.find(decision_id), self.stores, self.history)

    def report(
        self,
        service: Named,
        *,
        by: Literal["week", "month"] = "week",
        since: Instant = None,
        versions: bool = True,
    ) -> Report:
        """Return a service's traffic, quality, drift and latency, per version and period.

        Parameters
        ----------
        by : {"week", "month"}
        since : optional
            Only decisions from this instant on.
        versions : bool
            False takes all versions together.
        """
        from tidewheel.workspace.reporting import report

        self.sync()
        return report(self, name_of(service), by, None if since is None else to_instant(since), versions)

    def decisions(self, service: Named | None = None, columns: Sequence[str] | None = None) -> pa.Table:
        """Return decisions with all that made them, oldest first; see docs/decision-record.md for the columns."""
        from tidewheel.workspace.features.reading import decisions

        self.sync()
        return decisions(self.stores).scan(columns, service=None if service is None else name_of(service))

    # --- about itself ----------------------------------------------------------------------------

    def plan(self) -> Plan:
        """Return the project's graph, and what changed against what is live."""
        from tidewheel.workspace.planning import plan_of

        return plan_of(self.project.graph, self.stores)

    def log_status(self) -> LogStatus:
        """Return how far the log and its readers are."""
        from tidewheel.workspace.events.incoming import log_status

        return log_status(self.stores)

    def status(self, *, history: bool = False) -> Status:
        """Return what is served, open alerts, and who runs the workspace."""
        from tidewheel.workspace.rollouts.deploying import status

        return status(self.stores, history)

    def source(self, event: Named) -> ir.Source:
        """Return the declaration of an event or entity.

        Raises
        ------
        NotFoundError
            The project declares none of this name.
        """
        found: ir.Source = find(self.project.graph.sources, name_of(event), "event or entity")
        return found

    def service(self, service: Named) -> ir.Service:
        """Return the declaration of a service."""
        found: ir.Service = find(self.project.graph.services, name_of(service), "service")
        return found

    def training_context(self) -> Any:
        """Return what a training run is given."""
        from tidewheel.workspace.models.modelling import training_context

        return training_context(self.stores, self.history, self.project)

    def loop_view(self) -> WorkspaceLoop:
        """Return the workspace as the retraining loop sees it."""
        from tidewheel.workspace.rollouts.loop import WorkspaceLoop

        return WorkspaceLoop(self)
