"""Scoring rows of a version's view again, many at once: the same scores, to the bit, that serving gives one by one."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from tidewheel.engine import Engine
from tidewheel.engine.local import map_parts
from tidewheel.errors import CorruptError, InputError
from tidewheel.registry.models.bundles import Bundle, Manifest

Floats = npt.NDArray[np.float64]
_ROWS_A_PART = 8192
_ROWS_A_TASK = 8 * _ROWS_A_PART


def view_columns(manifest: Manifest) -> tuple[str, ...]:
    """Return the columns of a version's view: what each word of a row that a decision kept stands for.

    Raises
    ------
    CorruptError
        The bundle's definitions lack its view.
    """
    for view in manifest.graph.views:
        if view.name == manifest.view:
            return tuple(column.name for column in view.columns)
    raise CorruptError(f"the bundle holds no view {manifest.view!r}", where=manifest.model, remedy="train again")


def score_words(bundle: Bundle, words: Floats) -> Floats:
    """Return a bundle's scores of rows of its view.

    Parameters
    ----------
    bundle : Bundle
    words : float64 array, shape (n, view columns)
        As decisions keep them: numbers as they are, text as the 64-bit hash of it (0 for null).

    Returns
    -------
    float64 array, shape (n,)

    Raises
    ------
    InputError
        The rows are not as wide as the view.
    CorruptError
        The bundle wants a column that its view does not give.
    """
    names = view_columns(bundle.manifest)
    if words.ndim != 2 or words.shape[1] != len(names):
        raise InputError(
            f"rows of shape {words.shape} for the {len(names)} columns of {bundle.manifest.view}",
            where=bundle.manifest.model,
            remedy="score rows of the version's own view",
        )
    if not len(words):
        return np.empty(0)
    rows, predictor = codes_of(bundle, names, words), bundle.predictor()
    parts = [rows[start : start + _ROWS_A_PART] for start in range(0, len(rows), _ROWS_A_PART)]
    return np.concatenate(map_parts(predictor.score, parts))


def codes_of(bundle: Bundle, names: Sequence[str], words: Floats) -> Floats:
    """Return what the predictor takes: its columns in its order, text as the codes of its levels."""
    manifest = bundle.manifest
    missing = [column for column in manifest.columns if column not in names]
    if missing:
        raise CorruptError(f"the bundle wants {missing}, which its view does not give", where=manifest.model)
    place = {name: position for position, name in enumerate(names)}
    rows = np.ascontiguousarray(words[:, [place[column] for column in manifest.columns]])
    levels = [manifest.levels.get(column) for column in manifest.columns]
    if all(level is None for level in levels):
        return rows
    from tidewheel.kernel import encode_levels, level_tables

    return encode_levels(rows, level_tables(levels))


class ScoreRows(msgspec.Struct, frozen=True):
    """Work for an engine: a bundle's scores of some rows of its view."""

    bundle: Bundle

    def __call__(self, words: Floats) -> Floats:
        """Return one score a row."""
        return score_words(self.bundle, words)


def score_on(engine: Engine, bundle: Bundle, words: Floats) -> Floats:
    """Return what `score_words` does, computed where an engine says: a row's score is the same wherever it is made."""
    parts = [words[start : start + _ROWS_A_TASK] for start in range(0, len(words), _ROWS_A_TASK)]
    return np.concatenate([np.empty(0), *engine.map(ScoreRows(bundle), parts)])
