"""The part of a run that is the same when it is repeated: gather, check, learn, measure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tidewheel.collect.keeping.history import History
from tidewheel.definitions import digest, ir
from tidewheel.definitions.projects.masking import Masks
from tidewheel.errors import NotFoundError, TrainingError
from tidewheel.metrics import Interval
from tidewheel.metrics import Metric as Measure
from tidewheel.registry.models.bundles import ArtifactStore
from tidewheel.registry.runs.runs import Metric
from tidewheel.training.context import TrainingContext, pinned
from tidewheel.training.data.findings import Finding
from tidewheel.training.data.gather import Gathered, Labelled, gather, labelled_rows
from tidewheel.training.data.levels import encode, fix_levels
from tidewheel.training.data.look import look
from tidewheel.training.data.split import require_two_classes
from tidewheel.training.evaluation.blocks import groups_of
from tidewheel.training.evaluation.cross import cross_validate, told_folds
from tidewheel.training.evaluation.evaluate import chosen_metrics
from tidewheel.training.evaluation.measure import Measured, measure
from tidewheel.training.fit.estimators import Matrix, shown
from tidewheel.training.fit.learn import Learned, Plan, default_estimator, learn
from tidewheel.training.keys import code_of, data_parts, step_key
from tidewheel.training.limited import limited
from tidewheel.training.retries import STEADY
from tidewheel.training.steps import Steps
from tidewheel.training.transfer.chains import Chain, load_chain
from tidewheel.training.transfer.parents import Parents, load_parents
from tidewheel.training.transfer.rows import carried_levels, parent_findings, targets
from tidewheel.training.tuning.record import Record
from tidewheel.training.tuning.tune import Tuned, tune

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Settings:
    """What pins a run: given the same, it comes out the same.

    Attributes
    ----------
    as_of : int
        Microseconds; what arrived at or after it is not known.
    head : int
        Log offset; what stands at or after it is not seen.
    seed, threads, trials : int
    chosen : dict, optional
        Parameters of an earlier search, used instead of searching.
    limit : float, optional
        Seconds after which a search begins no further trial.
    parents : mapping of str to str
        Versions that are learned from (see `transfer.parents`).
    workers : int
        Processes that a fit is shared among.
    """

    as_of: int
    head: int
    seed: int
    threads: int
    trials: int
    chosen: dict[str, Any] | None = None
    limit: float | None = None
    parents: Mapping[str, str] = field(default_factory=dict)
    workers: int = 1


@dataclass(frozen=True)
class Divided:
    """Rows ready to learn from: encoded, with the levels of their categories and what looks wrong about them."""

    matrix: Matrix
    levels: dict[str, list[str]]
    findings: list[Finding]


@dataclass(frozen=True)
class Outcome:
    """What a run found.

    Attributes
    ----------
    history : History
        Pinned.
    gathered : Gathered
    matrix : Matrix
        All rows, encoded.
    levels : dict of str to list of str
    learned : Learned
    test_score : float64 array
    intervals : dict of str to Interval
        Metrics on the test rows.
    metrics : list of Metric
        Of the splits ``test``, ``train`` and ``baseline`` (a constant, on the test rows).
    findings : list of Finding
        What looks wrong about the data, and baselines that do as well.
    predictions : bytes
        Log offset and score of each test row: equal bytes, equal predictions.
    calibration : dict
        Its kind, why it was necessary, and the reliability of scores before and after; empty for a number.
    """

    history: History
    gathered: Gathered
    matrix: Matrix
    levels: dict[str, list[str]]
    learned: Learned
    test_score: Floats
    intervals: dict[str, Interval]
    metrics: list[Metric]
    findings: list[Finding]
    predictions: bytes
    calibration: dict[str, Any] = field(default_factory=dict)

    @property
    def sizes(self) -> list[int]:
        """Per column the number of category levels, 0 for numbers."""
        return [len(self.levels.get(name, ())) for name in self.matrix.columns]


def execute(context: TrainingContext, model: ir.Model, settings: Settings, steps: Steps) -> Outcome:
    """Run a model's training up to its metrics; nothing is registered.

    Each step's key holds all that its output depends on: who gives a step another input adds it to the key.
    """
    measures, classification = chosen_metrics(model.metrics)
    history = pinned(context.history, settings.head)
    parents = load_parents(context, model, settings.parents)
    bare = plan_of(context, model, settings, classification, steps.run_id)
    plan = replace(bare, start=parents.start, temperature=parents.temperature)
    chain = load_chain(context.catalog, context.artifacts, settings.parents)
    data_key, gathered = _data(context, model, history, settings, steps, chain)
    divided = steps.run("split", partial(_divide, context, model, settings, gathered, plan), told=_suspects)
    steps.made("split", data_key)
    matrix = _taught(context.artifacts, steps, parents, divided.matrix, gathered, history, data_key)
    learnt = [data_key, *_learner(context, model, settings, plan), *parents.key]
    tuned = _tuned(steps, plan, model, matrix, gathered, learnt)
    fit_key = step_key("fit", learnt, shown(tuned.chosen))
    sizes = [len(divided.levels.get(name, ())) for name in matrix.columns]
    learned = _learned(steps, replace(plan, tuned=tuned), matrix, sizes, gathered, fit_key)
    measured = _evaluated(steps, model, measures, gathered, divided.matrix, learned, settings.seed, fit_key)
    # Parents have seen the rows of earlier cuts: over these the model is learned without them.
    folds = _folds(steps, replace(bare, tuned=Tuned(tuned.chosen)), measures, gathered, divided.matrix, sizes, fit_key)
    return Outcome(
        history=history, gathered=gathered, matrix=divided.matrix, levels=divided.levels, learned=learned,
        test_score=measured.test_score, intervals=measured.intervals,
        metrics=[*measured.metrics, *folds], findings=[*divided.findings, *measured.findings],
        predictions=measured.predictions,
        calibration=measured.calibration,
    )  # fmt: skip


def _data(
    context: TrainingContext, model: ir.Model, history: History, settings: Settings, steps: Steps, chain: Chain
) -> tuple[str, Gathered]:
    """Return the data set with the key of its step."""
    labelled = steps.run(
        "validate",
        lambda: chain.unseen(labelled_rows(context, model, history, settings.as_of)),
        told=lambda found: _counted(found[2]),
        retry=STEADY,
    )
    key = step_key("data", *data_parts(context, model, settings.head, *labelled), *chain.key)
    steps.made("validate", key, rows=partial(_labelled_table, labelled))
    gathered = steps.run(
        "data",
        partial(gather, context, model, history, settings.as_of, steps.within, labelled, chain),
        key=key,
        told=lambda found: _counted(found.data.counts),
        because=f"same definitions, same labels, same history up to offset {settings.head}",
        retry=STEADY,
    )
    data, sides = gathered.data, gathered.sides
    steps.made("data", key, train=lambda: data.table().take(sides.train), test=lambda: data.table().take(sides.test))
    return key, gathered


def _labelled_table(labelled: Labelled) -> pa.Table:
    rows, labels, _ = labelled
    return rows.take(pa.array(labels.rows)).append_column("_label", pa.array(labels.y))


def _tuned(
    steps: Steps, plan: Plan, model: ir.Model, matrix: Matrix, gathered: Gathered, learnt: Sequence[Any]
) -> Tuned:
    """Return what a search found, where one is declared and not made already."""
    key = step_key("tune", learnt, model.search, model.tune, plan.trials, plan.metric.name, plan.limit, plan.limits)
    tuned = Tuned(plan.chosen or {})
    if plan.space and plan.chosen is None:
        do = partial(tune, replace(plan, folds=gathered.folds), matrix, gathered.sides.train, steps.within)
        tuned = steps.run("tune", do, key=key, told=_trials)
    steps.made("tune", key, chosen=lambda: shown(tuned.chosen))
    return tuned


def _learned(steps: Steps, plan: Plan, matrix: Matrix, levels: list[int], gathered: Gathered, key: str) -> Learned:
    """Return the fitted model."""
    sides = gathered.sides
    told = steps.within if plan.limits is None else None  # a process of its own has nobody to tell
    work = partial(learn, portable(plan), matrix, levels, sides.train, sides.test, told)
    learned = steps.run("fit", limited(plan.limits, work), key=key, told=_fitted)
    if plan.tuned is not None:  # a fit that is taken from an earlier run tells of that run's search
        learned = replace(learned, trials=plan.tuned.trials, summary=plan.tuned.summary)
    steps.made("fit", key, estimator=lambda: learned.fit.estimator)
    return learned


def _evaluated(
    steps: Steps,
    model: ir.Model,
    measures: Sequence[Measure],
    gathered: Gathered,
    matrix: Matrix,
    learned: Learned,
    seed: int,
    fit_key: str,
) -> Measured:
    """Return what the fitted model's scores come to."""
    key = step_key("evaluate", fit_key, model.metrics, model.blocks, seed)
    work = partial(measure, model, measures, gathered, matrix, learned, seed)
    measured = steps.run("evaluate", work, key=key, told=_numbers)
    values = {name: found.value for name, found in measured.intervals.items()}
    steps.made("evaluate", key, scores=lambda: measured.test_score, metrics=lambda: values)
    return measured


def _learner(context: TrainingContext, model: ir.Model, settings: Settings, plan: Plan) -> list[Any]:
    """Return what a fit depends on besides its rows and the parameters a search chose."""
    declared = msgspec.structs.replace(
        model, gates=(), metrics=(), retrain=None, search="", trials=0, tune=None, slices=(), blocks="",
        pipeline=None, allow_pickle=False,
    )  # fmt: skip
    how = [plan.metric.task, settings.seed, settings.threads, settings.workers]  # the task: of what is the default
    return [digest(declared), *how, code_of(context, plan.estimator)]


def _taught(
    artifacts: ArtifactStore,
    steps: Steps,
    parents: Parents,
    matrix: Matrix,
    gathered: Gathered,
    history: History,
    data_key: str,
) -> Matrix:
    """Return the rows with what they are learned by, where there is a teacher."""
    if parents.teacher is None:
        return matrix
    key = step_key("teach", data_key, parents.key, digest(parents.teacher.how))
    do = partial(targets, artifacts, matrix.y, gathered, history, parents.teacher)
    return replace(matrix, target=steps.run("teach", do, key=key))


def _divide(context: TrainingContext, model: ir.Model, settings: Settings, gathered: Gathered, plan: Plan) -> Divided:
    """Fix the category levels on the train rows, encode, and look for what is wrong with the data."""
    data, sides = gathered.data, gathered.sides
    classification = plan.metric.task == "classification"
    if classification:
        require_two_classes(data.y[sides.train], "train")
        require_two_classes(data.y[sides.test], "test")
    levels = fix_levels(data.view, data.texts, sides.train)
    columns = data.view.column_names
    levels |= getattr(plan.estimator, "known_levels", {})  # of a model that was fitted elsewhere
    if plan.start is not None:
        levels = carried_levels(levels, plan.start, columns)
    categories = [columns.index(name) for name in data.texts]
    stands_for = data.weight if gathered.reweighed else None
    matrix = Matrix(
        encode(data.view, levels), data.y, gathered.fit_weight, columns, categories, stands_for,
        group=groups_of(model, gathered.rows),
    )  # fmt: skip
    source, personal = context.source(gathered.view.on), Masks(context.graph).hidden(gathered.view)
    findings = look(gathered, source, model.split, matrix.x, classification, plan.seed, personal)
    parents = parent_findings(context, model, settings.parents, plan.start, gathered)
    return Divided(matrix, levels, [*findings, *parents])


def _folds(
    steps: Steps,
    plan: Plan,
    measures: Sequence[Measure],
    gathered: Gathered,
    matrix: Matrix,
    levels: list[int],
    fit_key: str,
) -> list[Metric]:
    """Return the metrics of the earlier cuts, where the split asks for them."""
    if not gathered.folds:
        return []
    told = steps.within if plan.limits is None else None
    work = partial(cross_validate, portable(plan), matrix, levels, gathered.folds, measures, gathered.data.weight, told)
    return steps.run(
        "folds",
        limited(plan.limits, work, len(gathered.folds)),
        key=step_key("folds", fit_key, [measure.name for measure in measures]),
        told=told_folds,
    )


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {what}" for what, count in counts.items())


def _suspects(divided: Divided) -> str:
    return "; ".join(map(str, divided.findings))


def _trials(tuned: Tuned) -> str:
    return f"{len(tuned.trials)} trials; chosen {shown(tuned.chosen)}"


def _fitted(learned: Learned) -> str:
    return f"fitted in {learned.fit.seconds:.1f} s; {learned.reason}".rstrip("; ")


def _numbers(measured: Measured) -> str:
    return ", ".join(f"{name} {found.value:.4g}" for name, found in measured.intervals.items())


def plan_of(context: TrainingContext, model: ir.Model, settings: Settings, classification: bool, run: str) -> Plan:
    """Return how a model's declaration says to learn."""
    live = context.models.get(model.name)
    if live is None:
        raise NotFoundError(
            f"the declaration of {model.name} is not loaded: only it holds the estimator",
            remedy="train where the project's module can be imported",
        )
    measures, _ = chosen_metrics(model.metrics)
    estimator = getattr(live, "estimator", None)
    space = dict(getattr(live, "search", {}) or {})
    return Plan(
        estimator=default_estimator(measures[0].task) if estimator is None else estimator,
        space=space,
        metric=measures[0],
        calibrate=model.calibrate,
        seed=settings.seed,
        threads=settings.threads,
        trials=settings.trials,
        chosen=settings.chosen,
        limit=settings.limit,
        tune=model.tune,
        record=Record(context.catalog, run),
        engine=context.engine() if context.engine is not None and (space or settings.workers > 1) else None,
        workers=settings.workers,
        limits=model.pipeline.limits if model.pipeline is not None else None,
    )


def portable(plan: Plan) -> Plan:
    """Return a plan that can go to the process of a limited fit: without record and engine, which only a search needs.

    Raises
    ------
    TrainingError
        The fit is shared among workers: these are not bounded.
    """
    if plan.limits is None:
        return plan
    if plan.workers > 1:
        raise TrainingError(
            f"limits bound a fit of one process, and this one is shared among {plan.workers} workers",
            remedy="remove limits from the model, or train with one worker",
        )
    return replace(plan, record=None, engine=None)
