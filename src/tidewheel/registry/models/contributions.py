"""How much each column moved a score: Shapley values of a bundle's trees, in raw score.

A bundle of trees carries, beside its predictor, how many train rows reached each leaf (`LEAVES`):
what `tidewheel.kernel.models.shap` shares a leaf's value by.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from tidewheel.registry.models.bundles import Bundle
from tidewheel.registry.models.scoring import codes_of, view_columns

Floats = npt.NDArray[np.float64]
LEAVES = "cover.leaves"


def shap_of(arrays: Mapping[str, npt.NDArray[Any]], rows: Floats) -> Floats | None:
    """Return Shapley values of rows as a predictor takes them, the last column what they start from; None without any.

    Parameters
    ----------
    arrays : mapping
        A predictor's, with its cover.
    rows : float64 array, shape (n, columns)

    Returns
    -------
    float64 array, shape (n, columns + 1), or None
    """
    if LEAVES not in arrays:
        return None
    from tidewheel.kernel.models.shap import build_paths, shap_values
    from tidewheel.kernel.models.trees import Trees

    trees = Trees(arrays["trees.words"], int(arrays["trees.n_features"].ravel()[0]))
    return shap_values(build_paths(trees, arrays[LEAVES]), rows)


def contributions(bundle: Bundle, words: Floats) -> dict[str, float]:
    """Return what each column added to one decision's raw score, the strongest first; {} where it can't be told.

    Parameters
    ----------
    bundle : Bundle
    words : float64 array, shape (view columns,)
        The row as the decision kept it.
    """
    rows = codes_of(bundle, view_columns(bundle.manifest), words[None, :])
    values = shap_of(bundle.arrays, rows)
    if values is None:
        return {}
    named = zip(bundle.manifest.columns, values[0, :-1].tolist(), strict=True)
    return dict(sorted(named, key=lambda item: -abs(item[1])))
