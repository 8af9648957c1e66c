"""A whole run: data, checks, learning, measures, gates, and at the end a version, or a run that says why not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np

from tidewheel.definitions import digest, ir, nodes_of, reachable
from tidewheel.errors import GateError, TidewheelError
from tidewheel.registry.bundles import Bundle, Manifest, save_bundle
from tidewheel.registry.canonical import canonical
from tidewheel.registry.datasets import Dataset, save_dataset
from tidewheel.registry.runs import Lineage, Metric, Run, Verdict, finish_run, start_run
from tidewheel.registry.versions import Version, register
from tidewheel.training.context import Progress, TrainingContext
from tidewheel.training.dataset import numbers_digest
from tidewheel.training.estimators import is_lightgbm, shown, threads
from tidewheel.training.evaluate import chosen_metrics, evaluate
from tidewheel.training.execute import Outcome, Settings, execute, split_metrics
from tidewheel.training.gates import Evidence, judge, title
from tidewheel.training.leakage import Finding
from tidewheel.training.learn import gain_of
from tidewheel.training.lineage import code_state, library_versions
from tidewheel.training.parity import check_parity
from tidewheel.training.profile import fallback_table, training_profile
from tidewheel.training.scoring import Champion, champion_scores
from tidewheel.training.steps import Steps


@dataclass(frozen=True)
class TrainResult:
    """What a run came to.

    Attributes
    ----------
    run_id : str
    version : str
        ``Fraud@3``.
    deployable : bool
        Every gate passed, and the estimator can be served.
    metrics : list of Metric
        Splits ``test``, ``train``, ``baseline`` (a constant) and, when there is one, ``champion``; the latter
        two on the test rows as well.
    verdicts : list of Verdict
    counts : dict of str to int
        Rows scanned, labelled, dropped and why, in the gap, trained and tested on.
    findings : list of Finding
        Columns that tell the label suspiciously well.
    notes : list of str
        What the library warned of.
    seconds : float
    """

    run_id: str
    version: str
    deployable: bool
    metrics: list[Metric]
    verdicts: list[Verdict]
    counts: dict[str, int]
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def metric(self, name: str, split: str = "test") -> Metric:
        """Return one metric of one split; `KeyError` when it was not computed."""
        for found in self.metrics:
            if found.metric == name and found.split == split:
                return found
        raise KeyError(f"{name} of {split}")


def train(
    context: TrainingContext,
    model_name: str,
    *,
    as_of: int | None = None,
    seed: int = 0,
    trials: int | None = None,
    limit: float | None = None,
    cause: str = "",
    who: str = "",
    progress: Progress | None = None,
) -> TrainResult:
    """Train a model and register the next version of it.

    Parameters
    ----------
    context : TrainingContext
    model_name : str
    as_of : int, optional
        Microseconds: learn from what had arrived before this instant. Now by default.
    seed : int
        Of the estimator, the search and the resamples.
    trials : int, optional
        Settings to try when the model declares a search; its own number by default.
    limit : float, optional
        Seconds after which a search begins no further trial.
    cause, who : str
        For the record.
    progress : callable, optional
        Called with what is being done and its share done.

    Returns
    -------
    TrainResult

    Raises
    ------
    NotFoundError
        The project declares no such model.
    TrainingError
        The run could not go on. It is recorded as failed, with the reason; nothing was registered.
    """
    model = context.model(model_name)
    settings = Settings(
        as_of=context.now() if as_of is None else as_of,
        head=context.history.head(),
        seed=seed,
        threads=threads(),
        trials=model.trials if trials is None else trials,
        limit=limit,
    )
    run = start_run(context.catalog, model.name, cause=cause, who=who, parameters={"seed": seed})
    steps = Steps(context.catalog, run.id, progress)
    with recorded(context, run, steps):
        outcome = execute(context, model, settings, steps)
        with steps.step("judge"):
            champion, verdicts = judged(context, model, outcome, settings)
            steps.detail("; ".join(f"{v.gate}: {'passed' if v.passed else 'failed'}" for v in verdicts))
        with steps.step("register"):
            metrics = [*outcome.metrics, *_champion_metrics(model, champion, outcome, settings)]
            version = _register(context, model, run, outcome, settings, metrics, verdicts, steps)
    return TrainResult(
        run_id=run.id,
        version=version.name,
        deployable=version.passed,
        metrics=metrics,
        verdicts=verdicts,
        counts=outcome.gathered.data.counts,
        findings=outcome.findings,
        notes=list(outcome.learned.fit.notes),
        seconds=sum(steps.timings.values()),
    )


class recorded:  # noqa: N801  # used as a statement, like `suppress`
    """Close a run as failed, with the step and the reason, when what it guards raises; let the error go on."""

    def __init__(self, context: TrainingContext, run: Run, steps: Steps) -> None:
        self._catalog = context.catalog
        self._run = run.id
        self._steps = steps

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        """Close the run when there is an error."""
        if error is None or self._steps.closed:
            return
        said = str(error) if isinstance(error, TidewheelError) else f"{type(error).__name__}: {error}"
        finish_run(self._catalog, self._run, "failed", error=f"{self._steps.current}: {said}")


def judged(
    context: TrainingContext, model: ir.Model, outcome: Outcome, settings: Settings
) -> tuple[Champion, list[Verdict]]:
    """Return the champion's scores and the verdict of each gate; one that can't be judged fails and says why."""
    gathered, sides = outcome.gathered, outcome.gathered.sides
    test_rows = gathered.rows.take(sides.test)
    view = context.view(model)
    trained = gathered.data.view.take(sides.test)
    champion = champion_scores(context, model, outcome.history, test_rows, trained, digest(view))
    test = outcome.matrix.take(sides.test)
    predictor = outcome.learned.predictor
    evidence = Evidence(
        test.y, test.weight, outcome.test_score, outcome.intervals,
        champion=champion.name,
        champion_score=champion.score,
        parity=lambda: check_parity(context, view, outcome.history, test_rows),
        predict_one=None if predictor is None else lambda row: predictor.score(test.x[row : row + 1]),
        seed=settings.seed,
    )  # fmt: skip
    verdicts = [_verdict(gate, evidence) for gate in model.gates]
    if predictor is None:
        verdicts.append(Verdict("servable", False, f"{outcome.learned.reason}: it can be measured, not deployed"))
    return champion, verdicts


def _verdict(gate: ir.Gate, evidence: Evidence) -> Verdict:
    try:
        return judge(gate, evidence)
    except GateError as error:
        return Verdict(title(gate), False, f"could not be judged: {error.message}")


def _champion_metrics(model: ir.Model, champion: Champion, outcome: Outcome, settings: Settings) -> list[Metric]:
    if champion.score is None:
        return []
    measures, _ = chosen_metrics(model.metrics)
    test = outcome.matrix.take(outcome.gathered.sides.test)
    return split_metrics("champion", evaluate(measures, test.y, champion.score, test.weight, seed=settings.seed))


def _register(
    context: TrainingContext,
    model: ir.Model,
    run: Run,
    outcome: Outcome,
    settings: Settings,
    metrics: Sequence[Metric],
    verdicts: Sequence[Verdict],
    steps: Steps,
) -> Version:
    """Write artifacts, close the run, make the version: in this order, so that a version always has a whole run."""
    graph = reachable(context.graph, [model.name])
    view = digest(context.view(model))
    bundle = _bundle(context, model, graph, outcome)
    artifacts = run_artifacts(context, outcome) | ({"bundle": save_bundle(context.artifacts, bundle)} if bundle else {})
    tables = lake_tables(context, graph)
    data = outcome.gathered.data
    detail = {"columns": data.view.column_names, "counts": data.counts, "tables": tables, "log_head": settings.head}
    known = Dataset(
        digest=data.digest, model=model.name, view=view, rows=len(data.y), as_of=settings.as_of, detail=detail
    )
    save_dataset(context.catalog, known)
    lineage = run_lineage(context, model, outcome, settings, tables, steps.timings)
    parameters = run_parameters(outcome, settings)
    finish_run(
        context.catalog, run.id, "done",
        parameters=parameters, lineage=lineage, metrics=metrics, gates=verdicts, artifacts=artifacts,
    )  # fmt: skip
    steps.closed = True
    return register(
        context.catalog, model.name,
        run=run.id, bundle=artifacts.get("bundle", ""), view=view, definition=digest(model),
        metrics=metrics, gates=verdicts, who=run.who,
    )  # fmt: skip


def run_artifacts(context: TrainingContext, outcome: Outcome) -> dict[str, str]:
    """Keep what a run leaves besides its bundle; return digests by name."""
    estimator = outcome.learned.fit.estimator
    left: dict[str, bytes] = {
        "predictions": outcome.predictions,
        "trials": canonical(
            [msgspec.structs.replace(t, parameters=shown(t.parameters)) for t in outcome.learned.trials]
        ),
        "findings": canonical([vars(finding) for finding in outcome.findings]),
        "importance": canonical(gain_of(estimator, list(outcome.matrix.columns))),
    }
    if is_lightgbm(estimator):
        left["model.txt"] = estimator.booster_.model_to_string().encode()
    return {name: context.artifacts.put(data) for name, data in left.items()}


def run_parameters(outcome: Outcome, settings: Settings) -> dict[str, Any]:
    """Return what a rerun needs besides lineage, and what people ask about a run."""
    learned = outcome.learned
    test_rows = outcome.gathered.data.offset[outcome.gathered.sides.test]
    return {
        "seed": settings.seed,
        "threads": settings.threads,
        "trials": len(learned.trials),
        "chosen": shown(learned.chosen),
        "estimator": type(learned.fit.estimator).__name__,
        "fitted": learned.fit.parameters,
        "notes": list(learned.fit.notes),
        "test_rows": numbers_digest(test_rows),
        "warnings": [str(finding) for finding in outcome.findings],
    }


def run_lineage(
    context: TrainingContext,
    model: ir.Model,
    outcome: Outcome,
    settings: Settings,
    tables: dict[str, int],
    timings: dict[str, float],
) -> Lineage:
    """Return where a run's result came from."""
    graph = reachable(context.graph, [model.name])
    code = code_state(context.folder) if context.folder is not None else None
    definitions = {f"{what} {node.name}": digest(node) for what, node in nodes_of(graph)}
    return Lineage(
        commit=code.commit if code else "",
        dirty_patch=context.artifacts.put(code.patch) if code and code.patch else "",
        definitions=definitions | ({"files": code.files} if code else {}),
        tables=tables,
        log_head=settings.head,
        as_of=settings.as_of,
        rows=outcome.gathered.data.counts,
        dataset=outcome.gathered.data.digest,
        seed=settings.seed,
        libraries=library_versions(),
        timings=dict(timings),
    )


def lake_tables(context: TrainingContext, graph: ir.Graph) -> dict[str, int]:
    """Return the lake version of each table that a model's data comes from."""
    names = [source.name for source in graph.sources]
    return dict(context.lake_versions(names)) if context.lake_versions is not None else {}


def _bundle(context: TrainingContext, model: ir.Model, graph: ir.Graph, outcome: Outcome) -> Bundle | None:
    predictor = outcome.learned.predictor
    if predictor is None:
        return None
    data, sides = outcome.gathered.data, outcome.gathered.sides
    y, weight = data.y[sides.train], data.weight[sides.train]
    services = context.services(model)
    paths = sorted({link.by for service in services for link in service.fallback if link.kind == "table"})
    train_rows = outcome.gathered.rows.take(np.asarray(sides.train))
    manifest = Manifest(
        model=model.name,
        view=model.view,
        definition=digest(model),
        view_digest=digest(context.view(model)),
        graph=graph,
        columns=tuple(outcome.matrix.columns),
        levels={name: tuple(levels) for name, levels in outcome.levels.items()},
        predictor=predictor.spec,
        tables=tuple(fallback_table(path, train_rows[path[0]], y, weight) for path in paths),
        thresholds=services[0].thresholds if services else (),
        profile=training_profile(data.view.take(sides.train), data.texts, y, outcome.test_score),
        dataset=data.digest,
    )
    return Bundle(manifest, predictor.arrays)
