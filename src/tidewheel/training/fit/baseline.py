"""What a plain linear model makes of the same columns: trained beside every model, and shown."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tidewheel.errors import MetricError
from tidewheel.metrics import Metric
from tidewheel.training.fit.matrix import Matrix

Floats = npt.NDArray[np.float64]
SPLIT = "baseline linear"
MOST_ROWS = 20_000
"""The newest of the train rows that it is fitted on."""
MOST_LEVELS = 50
"""Levels of a category that get a weight of their own; the rarer ones share one."""


def linear_scores(train: Matrix, rows: Floats, classification: bool, seed: int = 0) -> Floats:
    """Return the scores of a logistic regression (for a number: ridge) of `rows`.

    Numbers are standardised, null being the mean and a column of its own; categories have a weight a level.

    Examples
    --------
    >>> x = np.arange(40.0)[:, None]
    >>> rows = Matrix(x, (x[:, 0] > 19).astype(float), np.ones(40), ["a"], [])
    >>> bool(np.all(np.diff(linear_scores(rows, x, True)) > 0))
    True
    """
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    newest = train.take(np.arange(max(0, len(train.y) - MOST_ROWS), len(train.y)))
    categories = list(train.categories)
    numbers = [place for place in range(train.x.shape[1]) if place not in categories]
    columns = make_column_transformer(
        (make_pipeline(SimpleImputer(add_indicator=True, keep_empty_features=True), StandardScaler()), numbers),
        (
            OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=MOST_LEVELS, sparse_output=False),
            categories,
        ),
    )
    # Newton's method takes a handful of steps where rows are many and columns few
    model = LogisticRegression(solver="newton-cholesky") if classification else Ridge(random_state=seed)
    both = make_pipeline(columns, model)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it could be fitted longer, that a level is new: it is a yardstick
        both.fit(newest.x, newest.y, **{f"{both.steps[-1][0]}__sample_weight": newest.true_weight})
        found = both.predict_proba(rows)[:, 1] if classification else both.predict(rows)
    return np.asarray(found, np.float64)


def linear_baseline(
    measures: Sequence[Metric], train: Matrix, test: Matrix, classification: bool, seed: int
) -> dict[str, float]:
    """Return each metric of the linear baseline on the test rows; {} where it can't be fitted to these rows."""
    if not train.x.shape[1] or (classification and np.unique(train.y[-MOST_ROWS:]).size < 2):
        return {}
    try:
        score = linear_scores(train, test.x, classification, seed)
        return {measure.name: measure(test.y, score, test.weight, test.group) for measure in measures}
    except (MetricError, ValueError):  # the library refuses infinite and huge values, which trees take
        return {}
