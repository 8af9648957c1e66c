"""The evaluation of a run, put together from its parts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tidewheel.errors import MetricError
from tidewheel.metrics import brier_decomposition, difference
from tidewheel.registry.runs.evaluation import Against, Evaluation, Found, Other
from tidewheel.registry.runs.runs import Metric
from tidewheel.training.evaluation.churn import churn
from tidewheel.training.evaluation.curves import curves
from tidewheel.training.evaluation.evaluate import RESAMPLES
from tidewheel.training.evaluation.material import Material
from tidewheel.training.evaluation.slices import slices

Floats = npt.NDArray[np.float64]


def assess(material: Material, metrics: Sequence[Metric], findings: Sequence[Found] = ()) -> Evaluation:
    """Return all that is told of a run.

    Parameters
    ----------
    material : Material
    metrics : sequence of Metric
        Of all splits, as the run keeps them.
    findings : sequence of Found
    """
    leading = material.leading
    looked_at, tried = slices(material, material.slices)
    return Evaluation(
        model=material.model,
        task=leading.task,
        rows=material.y.size,
        positives=float(np.average(material.y, weights=material.weight)),
        leading=leading.name,
        greater_is_better=leading.greater_is_better,
        method=f"{material.method}, {RESAMPLES} resamples",
        metrics=list(metrics),
        curves=curves(material),
        slices=looked_at,
        slices_tried=tried,
        against=against(material),
        churn=churn(material),
        breakdown=brier_parts(material),
        findings=list(findings),
    )


def against(material: Material) -> list[Against]:
    """Return how much better the candidate is than champion, previous version and baseline, on the same rows."""
    found = []
    others: list[tuple[Other, str, Floats]] = [("baseline", "", material.baseline)]
    if material.previous.score is not None:
        others.insert(0, ("previous", material.previous.name, material.previous.score))
    if material.champion.score is not None:
        others.insert(0, ("champion", material.champion.name, material.champion.score))
    for what, version, score in others:
        for measure in material.measures:
            try:
                gain = difference(
                    measure, material.y, material.score, score, material.weight,
                    resamples=RESAMPLES, seed=material.seed, blocks=material.blocks, group=material.group,
                )  # fmt: skip
            except MetricError:  # a probability metric of another's margins: nothing can be said of it
                continue
            low, high, better = (None if np.isnan(end) else end for end in (gain.low, gain.high, gain.better))
            found.append(
                Against(
                    other=what, version=version, metric=measure.name,
                    difference=gain.value, low=low, high=high, better=better,
                )
            )  # fmt: skip
    return found


def brier_parts(material: Material) -> dict[str, float]:
    """Return Brier's score taken apart; {} where scores are no probabilities."""
    if not material.classification or material.score.min() < 0.0 or material.score.max() > 1.0:
        return {}
    return brier_decomposition(material.y, material.score, material.weight)._asdict()
