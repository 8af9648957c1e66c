"""Would more data help: the leading metric when fitted on growing shares of the train rows, the newest first."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from tidewheel.definitions import ir
from tidewheel.errors import MetricError, TrainingError
from tidewheel.metrics import interval
from tidewheel.registry.runs.evaluation import LearningPoint
from tidewheel.training.context import TrainingContext
from tidewheel.training.evaluation.evaluate import RESAMPLES
from tidewheel.training.evaluation.material import Material
from tidewheel.training.execute import Outcome, Settings, plan_of
from tidewheel.training.fit.learn import learn

SHARES = (0.1, 0.25, 0.5, 0.75, 1.0)


def learned_by_share(
    context: TrainingContext, model: ir.Model, outcome: Outcome, settings: Settings, material: Material
) -> list[LearningPoint]:
    """Return a point a share. Parameters are those that the whole run chose: only the rows differ.

    A share too small to learn from has no value.
    """
    plan = replace(plan_of(context, model, settings, material.classification, ""), chosen=outcome.learned.chosen)
    matrix, sides = outcome.matrix, outcome.gathered.sides
    points = []
    for share in SHARES:
        rows = sides.train[-max(1, round(share * sides.train.size)) :]
        started = time.monotonic()
        point = LearningPoint(share=share, rows=rows.size, metric=material.leading.name, value=None)
        try:
            learned = learn(plan, matrix, outcome.sizes, rows, sides.test)
            score = learned.score(matrix.x[sides.test])
            found = interval(
                material.leading, material.y, score, material.weight,
                resamples=RESAMPLES, seed=material.seed, blocks=material.blocks, group=material.group,
            )  # fmt: skip
        except (TrainingError, MetricError):
            points.append(point)
            continue
        low, high = (None if np.isnan(end) else end for end in (found.low, found.high))
        seconds = round(time.monotonic() - started, 3)
        points.append(
            LearningPoint(
                share=share, rows=rows.size, metric=point.metric, value=found.value, low=low, high=high, seconds=seconds
            )
        )
    return points
