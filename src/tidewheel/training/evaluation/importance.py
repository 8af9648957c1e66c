"""What each column does for the model, told three ways: gain, permutation, SHAP."""

from __future__ import annotations

import numpy as np

from tidewheel.errors import MetricError
from tidewheel.registry.runs.evaluation import ColumnImportance
from tidewheel.training.evaluation.material import Material
from tidewheel.training.evaluation.permutation import MOST_COLUMNS, permutation_importance
from tidewheel.training.evaluation.shap import mean_absolute_shap
from tidewheel.training.execute import Outcome


def importance(outcome: Outcome, material: Material) -> list[ColumnImportance]:
    """Return each column's importance on the test rows, the strongest first."""
    names = list(outcome.matrix.columns)
    test = outcome.matrix.take(outcome.gathered.sides.test)
    used = sorted(range(len(names)), key=lambda place: (-material.gain.get(names[place], 0.0), place))[:MOST_COLUMNS]
    try:
        lost = permutation_importance(
            material.leading, outcome.learned.score, test.x, test.y, test.weight, used,
            group=test.group, seed=material.seed,
        )  # fmt: skip
    except MetricError:  # the rows kept have one class: nothing can be lost
        lost = {}
    learned = outcome.learned
    shap = mean_absolute_shap(learned.predictor, learned.fit.estimator, outcome.sizes, test.x)
    found = [
        ColumnImportance(
            column=name,
            gain=material.gain.get(name),
            permutation=lost[place][0] if place in lost else None,
            permutation_std=lost[place][1] if place in lost else None,
            shap=shap[place] if shap else None,
        )
        for place, name in enumerate(names)
    ]
    return sorted(found, key=lambda entry: -(entry.permutation if entry.permutation is not None else -np.inf))
