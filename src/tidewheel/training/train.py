"""A whole run: data, checks, learning, measures, gates, and at the end a version, or a run that says why not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from tidewheel.definitions import digest, ir, nodes_of, reachable
from tidewheel.errors import TidewheelError
from tidewheel.registry.canonical import canonical
from tidewheel.registry.models.arrays import pack_arrays
from tidewheel.registry.models.bundles import Bundle, Manifest, save_bundle
from tidewheel.registry.runs.datasets import Dataset, save_dataset
from tidewheel.registry.runs.evaluation import ARTIFACT, Evaluation, save_evaluation
from tidewheel.registry.runs.following import open_following
from tidewheel.registry.runs.runs import Lineage, Run, Verdict, close_run, finish_run, get_run
from tidewheel.registry.runs.snapshots import save_snapshot
from tidewheel.registry.runs.unfinished import Pulse
from tidewheel.registry.versions.versions import Version, add_version, version_of_run
from tidewheel.training.added import added_steps
from tidewheel.training.begin import begin
from tidewheel.training.context import Progress, TrainingContext
from tidewheel.training.data.constants import in_graph
from tidewheel.training.data.dataset import numbers_digest
from tidewheel.training.data.profile import fallback_table, training_profile
from tidewheel.training.data.sample import as_all_rows
from tidewheel.training.evaluation.evaluated import evaluated
from tidewheel.training.evaluation.shap import cover_arrays
from tidewheel.training.execute import Outcome, Settings, execute
from tidewheel.training.fit.estimators import shown, threads
from tidewheel.training.fit.learn import gain_of
from tidewheel.training.fit.native import native_files
from tidewheel.training.fit.scoring import Champion, champion_scores
from tidewheel.training.gates.judged import judged
from tidewheel.training.lineage import code_state, environment_lock, library_versions
from tidewheel.training.outputs import Outputs
from tidewheel.training.results import TrainResult, result_of
from tidewheel.training.steps import Steps
from tidewheel.training.transfer.chains import links_of
from tidewheel.training.transfer.parents import named_parents


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
    init_from: str = "",
    allow_pickle: bool = False,
    cache: bool = True,
    new: bool = False,
    learning_curve: bool = False,
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
    init_from : str
        A version whose model the fit goes on from, in place of the one that the declaration names.
    allow_pickle : bool
        Keep the estimator as a pickle where it has no other form, as if the declaration said so.
    cache : bool
        Whether a step may take what an earlier run's step of the same key left, instead of working.
    new : bool
        Begin a new run, though one that was asked for alike was cut off and could go on.
    learning_curve : bool
        Whether to fit also on growing shares of the train rows, to see whether more data would help.
    progress : callable, optional
        Called with what is being done and its share done.

    Returns
    -------
    TrainResult

    Raises
    ------
    NotFoundError
        The project declares no such model, or there is no version of the name that it is to learn from.
    TrainingError
        The run could not go on. It is recorded as failed, with the reason; nothing was registered.
    """
    model = context.model(model_name)
    pickles = allow_pickle or model.allow_pickle
    model = msgspec.structs.replace(model, init_from=init_from or model.init_from, allow_pickle=pickles)
    settings = Settings(
        as_of=context.now() if as_of is None else as_of,
        head=context.history.head(),
        seed=seed,
        threads=threads(),
        workers=context.workers,
        trials=model.trials if trials is None else trials,
        limit=limit,
        parents=named_parents(context, model),
    )
    run, settings, resumed = begin(
        context, model, settings, as_of, cause=cause, who=who, new=new or not cache, progress=progress
    )
    made = version_of_run(context.catalog, run.id)
    if made is not None:  # it was cut off when all but its deployment was done
        return result_of(context, run, made, resumed=True)
    outputs = Outputs(context.catalog, context.artifacts, reuse=cache)
    steps = Steps(context.catalog, run.id, progress, outputs, added := added_steps(context, model))
    with recorded(context, run, steps), Pulse(context.catalog, run.id):
        outcome = execute(context, model, settings, steps)
        with steps.step("gates"):
            champion = champion_of(context, model, outcome)
            evaluation, material = evaluated(context, model, outcome, settings, champion, learning_curve)
            verdicts = judged(context, model, outcome, settings, material)
            steps.detail("; ".join(f"{v.gate}: {'passed' if v.passed else 'failed'}" for v in verdicts))
        steps.made("gates", verdicts=lambda: verdicts)
        left = {f"step {name}": digest for name, digest in added.left.items()} if added else {}
        with steps.step("register"):
            version = _register(context, model, run, outcome, settings, evaluation, verdicts, steps, left)
    return result_of(context, get_run(context.catalog, run.id), version, resumed=resumed)


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


def champion_of(context: TrainingContext, model: ir.Model, outcome: Outcome) -> Champion:
    """Return the deployed version and its scores of the test rows."""
    gathered, sides = outcome.gathered, outcome.gathered.sides
    rows, trained = gathered.rows.take(sides.test), gathered.data.view.take(sides.test)
    return champion_scores(context, model, outcome.history, rows, trained, digest(gathered.view))


def _register(
    context: TrainingContext,
    model: ir.Model,
    run: Run,
    outcome: Outcome,
    settings: Settings,
    evaluation: Evaluation,
    verdicts: Sequence[Verdict],
    steps: Steps,
    left: dict[str, str],
) -> Version:
    """Write artifacts; then close the run and make the version, in one transaction: neither is without the other."""
    graph = in_graph(reachable(context.graph, [model.name]), outcome.gathered.view)
    view = digest(outcome.gathered.view)
    bundle = _bundle(context, model, graph, outcome, settings)
    served = {"bundle": save_bundle(context.artifacts, bundle)} if bundle else {}
    artifacts = left | run_artifacts(context, model, outcome) | served
    artifacts[ARTIFACT], metrics = save_evaluation(context.artifacts, evaluation), evaluation.metrics
    tables = lake_tables(context, graph)
    data = outcome.gathered.data
    detail = {"columns": data.view.column_names, "counts": data.counts, "tables": tables, "log_head": settings.head}
    manifest = save_snapshot(context.artifacts, data.digest, data.table())
    known = Dataset(
        digest=data.digest, model=model.name, view=view, rows=len(data.y), as_of=settings.as_of, detail=detail,
        manifest=manifest,
    )  # fmt: skip
    save_dataset(context.catalog, known)
    lineage = run_lineage(context, model, outcome, settings, tables, steps.timings)
    parameters = run_parameters(outcome, settings)
    with context.catalog.write() as connection:
        at = context.catalog.now()
        close_run(
            connection, run.id, "done", at=at,
            parameters=parameters, lineage=lineage, metrics=metrics, gates=list(verdicts), artifacts=artifacts,
        )  # fmt: skip
        version = add_version(
            connection, model.name, at=at, run=run.id, bundle=artifacts.get("bundle", ""), view=view,
            definition=digest(model), metrics=metrics, gates=verdicts, who=run.who,
        )  # fmt: skip
        deploys = model.pipeline is not None and model.pipeline.deploy is not None
        open_following(connection, run.id, verdicts, deploys=deploys, at=at)
    steps.closed = True
    return version


def run_artifacts(context: TrainingContext, model: ir.Model, outcome: Outcome) -> dict[str, str]:
    """Keep what a run leaves besides its bundle; return digests by name."""
    estimator = outcome.learned.fit.estimator
    left: dict[str, bytes] = {
        "predictions": outcome.predictions,
        "trials": canonical(
            [msgspec.structs.replace(t, parameters=shown(t.parameters)) for t in outcome.learned.trials]
        ),
        "findings": canonical([vars(finding) for finding in outcome.findings]),
        "importance": canonical(gain_of(estimator, list(outcome.matrix.columns))),
        "environment": environment_lock(),
    }
    test = outcome.matrix.take(outcome.gathered.sides.test)
    left["held_out"] = pack_arrays({"y": test.y, "weight": test.true_weight, "score": outcome.test_score})
    if outcome.calibration:
        left["calibration"] = canonical(outcome.calibration)
    left |= native_files(estimator, outcome.sizes, model.allow_pickle)
    if outcome.learned.summary is not None:
        left["tuning"] = canonical(outcome.learned.summary)
    return {name: context.artifacts.put(data) for name, data in left.items()}


def run_parameters(outcome: Outcome, settings: Settings) -> dict[str, Any]:
    """Return what a rerun needs besides lineage, and what people ask about a run."""
    learned = outcome.learned
    test_rows = outcome.gathered.data.offset[outcome.gathered.sides.test]
    return {
        "seed": settings.seed,
        "threads": settings.threads,
        "workers": settings.workers,
        "trials": len(learned.trials),
        "chosen": shown(learned.chosen),
        "estimator": type(learned.fit.estimator).__name__,
        "fitted": learned.fit.parameters,
        "notes": list(learned.fit.notes),
        "test_rows": numbers_digest(test_rows),
        "prior": outcome.gathered.prior,
        "parents": dict(settings.parents),
        "warnings": [str(finding) for finding in outcome.findings if finding.level == "warning"],
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
        parents=dict(settings.parents),
    )


def lake_tables(context: TrainingContext, graph: ir.Graph) -> dict[str, int]:
    """Return the lake version of each table that a model's data comes from."""
    names = [source.name for source in graph.sources]
    return dict(context.lake_versions(names)) if context.lake_versions is not None else {}


def _bundle(
    context: TrainingContext, model: ir.Model, graph: ir.Graph, outcome: Outcome, settings: Settings
) -> Bundle | None:
    predictor = outcome.learned.predictor
    if predictor is None:
        return None
    data, sides = outcome.gathered.data, outcome.gathered.sides
    y, weight = data.y[sides.train], data.weight[sides.train]
    services = context.services(model)
    paths = sorted({link.by for service in services for link in service.fallback if link.kind == "table"})
    train_rows = outcome.gathered.rows.take(np.asarray(sides.train))
    seen = sides.train[as_all_rows(weight)]
    manifest = Manifest(
        model=model.name,
        view=model.view,
        definition=digest(model),
        view_digest=digest(outcome.gathered.view),
        graph=graph,
        columns=tuple(outcome.matrix.columns),
        levels={name: tuple(levels) for name, levels in outcome.levels.items()},
        predictor=predictor.spec,
        tables=tuple(fallback_table(path, train_rows[path[0]], y, weight) for path in paths),
        thresholds=services[0].thresholds if services else (),
        profile=training_profile(data.view.take(seen), data.texts, data.y[seen], outcome.test_score),
        dataset=data.digest,
        inner=links_of(context.catalog, settings.parents),
    )
    return Bundle(manifest, {**predictor.arrays, **cover_arrays(outcome.learned.fit.estimator, outcome.sizes)})
