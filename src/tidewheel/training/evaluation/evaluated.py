"""From what a run found to its evaluation."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from tidewheel.definitions import digest, ir
from tidewheel.definitions.projects.masking import Masks
from tidewheel.registry.runs.evaluation import Evaluation, Found
from tidewheel.registry.runs.runs import Metric
from tidewheel.training.context import TrainingContext
from tidewheel.training.evaluation.assess import assess
from tidewheel.training.evaluation.blocks import blocks_of, method_of
from tidewheel.training.evaluation.evaluate import chosen_metrics, evaluate
from tidewheel.training.evaluation.groups import fairness
from tidewheel.training.evaluation.importance import importance
from tidewheel.training.evaluation.learning import learned_by_share
from tidewheel.training.evaluation.material import Material, Rival
from tidewheel.training.evaluation.measure import split_metrics
from tidewheel.training.evaluation.rivals import previous_version
from tidewheel.training.execute import Outcome, Settings
from tidewheel.training.fit.learn import gain_of
from tidewheel.training.fit.scoring import Champion


def evaluated(
    context: TrainingContext,
    model: ir.Model,
    outcome: Outcome,
    settings: Settings,
    champion: Champion,
    learning_curve: bool = False,
) -> tuple[Evaluation, Material]:
    """Measure the candidate beside champion, previous version and baseline, on the same test rows.

    Returns
    -------
    Evaluation
        What the run keeps.
    Material
        What it was measured on, for the gates.
    """
    gathered, sides = outcome.gathered, outcome.gathered.sides
    rows, trained = gathered.rows.take(sides.test), gathered.data.view.take(sides.test)
    view = digest(gathered.view)
    previous, findings = previous_version(context, model, outcome.history, rows, trained, view, champion.name)
    found = material(context, model, outcome, settings, champion, previous)
    findings += [
        Found(what=f"{finding.level} on the {finding.about}", text=str(finding), evidence=finding.evidence)
        for finding in outcome.findings
    ]
    told = assess(found, [*outcome.metrics, *_rival_metrics(found)], findings)
    told = msgspec.structs.replace(
        told,
        importance=importance(outcome, found),
        fairness=[fairness(found, name) for name in _grouped(model) if found.classification],
        learning_curve=learned_by_share(context, model, outcome, settings, found) if learning_curve else [],
    )
    return told, found


def _grouped(model: ir.Model) -> list[str]:
    return list(dict.fromkeys(gate.by[0] for gate in model.gates if gate.kind == "fair"))


def material(
    context: TrainingContext,
    model: ir.Model,
    outcome: Outcome,
    settings: Settings,
    champion: Champion,
    previous: Rival,
) -> Material:
    """Return the test rows of a run, with whom it is compared with."""
    measures, classification = chosen_metrics(model.metrics)
    data, sides = outcome.gathered.data, outcome.gathered.sides
    test = outcome.matrix.take(sides.test)
    service = next((service for service in context.services(model) if service.thresholds), None)
    return Material(
        model=model.name,
        measures=measures,
        classification=classification,
        y=test.y,
        weight=test.weight,
        score=outcome.test_score,
        table=data.view.take(sides.test),
        texts=data.texts,
        baseline=np.full(test.y.size, np.average(outcome.matrix.y[sides.train], weights=data.weight[sides.train])),
        intervals=outcome.intervals,
        blocks=blocks_of(model, outcome.gathered.rows.take(sides.test)),
        group=test.group,
        method=method_of(model),
        slices=model.slices,
        personal=Masks(context.graph).hidden(outcome.gathered.view),
        champion=Rival(champion.name, champion.score),
        previous=previous,
        service=service.name if service is not None else "",
        thresholds=dict(service.thresholds) if service is not None else {},
        gain=gain_of(outcome.learned.fit.estimator, list(outcome.matrix.columns)),
        seed=settings.seed,
    )


def _rival_metrics(found: Material) -> Sequence[Metric]:
    metrics: list[Metric] = []
    for split, rival in (("champion", found.champion), ("previous", found.previous)):
        if rival.score is not None:
            measured = evaluate(
                found.measures, found.y, rival.score, found.weight,
                seed=found.seed, blocks=found.blocks, group=found.group,
            )  # fmt: skip
            metrics += split_metrics(split, measured)
    return metrics
