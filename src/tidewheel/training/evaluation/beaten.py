"""Whether a model earns its place: a baseline that does as well on the same rows is told, with the difference."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from tidewheel.metrics import Difference, difference
from tidewheel.metrics import Metric as Measure
from tidewheel.registry.runs.runs import Metric
from tidewheel.training.data.findings import Finding
from tidewheel.training.evaluation.evaluate import RESAMPLES
from tidewheel.training.fit.matrix import Matrix

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
NAMES = {"baseline": "a constant", "baseline linear": "a plain linear model"}


def beaten(
    measure: Measure,
    metrics: Sequence[Metric],
    test: Matrix,
    score: Floats,
    baselines: Mapping[str, Callable[[], Floats]],
    *,
    seed: int,
    blocks: Ints | None = None,
) -> list[Finding]:
    """Return a finding for each baseline that is at least as good as the model.

    Parameters
    ----------
    measure : metrics.Metric
        The leading one, which alone decides.
    metrics : sequence of Metric
        Of the splits ``test`` and of each baseline, as the run keeps them.
    test : Matrix
    score : float64 array
        The model's, of the test rows.
    baselines : mapping of str to callable
        By split, what returns its scores of the test rows: asked only where it was as good.
    seed : int
    blocks : int64 array, optional
        Rows that are drawn together.

    Examples
    --------
    >>> y = np.array([0.0, 1.0] * 20)
    >>> rows = Matrix(y[:, None], y, np.ones(40), ["a"], [])
    >>> told = [Metric("test", "brier", 1.0), Metric("baseline", "brier", 0.25)]
    >>> from tidewheel.metrics import metric
    >>> found = beaten(metric("brier"), told, rows, 1.0 - y, {"baseline": lambda: np.full(40, 0.5)}, seed=0)
    >>> print(found[0])
    a constant beats the model on the 40 test rows: brier 0.25 against 1, which is worse by 0.75 [0.75, 0.75] \
in 100.0% of 200 resamples
    """
    known = {m.split: m.value for m in metrics if m.metric == measure.name and m.value is not None}
    sign = 1.0 if measure.greater_is_better else -1.0
    found = []
    for split, scores in baselines.items():
        if not {"test", split} <= known.keys() or sign * (known["test"] - known[split]) > 0.0:
            continue
        gain = difference(
            measure, test.y, score, scores(), test.weight,
            resamples=RESAMPLES, seed=seed, blocks=blocks, group=test.group,
        )  # fmt: skip
        found.append(_finding(measure.name, split, known["test"], known[split], gain, len(test.y)))
    return found


def _finding(name: str, split: str, model: float, baseline: float, gain: Difference, rows: int) -> Finding:
    ends = None if np.isnan(gain.low) else (gain.low, gain.high)
    # Only a difference that resampling does not explain is called one.
    said = "beats the model" if gain.high < 0.0 else "does as well as the model"
    told = f"{NAMES[split]} {said} on the {rows:,} test rows: {name} {baseline:.4g} against {model:.4g}"
    if gain.value < 0.0:
        told += f", which is worse by {-gain.value:.4g}"
        if ends is not None:
            told += f" [{-ends[1]:.4g}, {-ends[0]:.4g}] in {1.0 - gain.better:.1%} of {gain.resamples} resamples"
    low, high = ends or (None, None)
    evidence = {
        "baseline": split, "metric": name, "model": model, "value": baseline,
        "difference": gain.value, "low": low, "high": high, "rows": rows,
    }  # fmt: skip
    return Finding("beaten by a baseline", "", told, evidence)
