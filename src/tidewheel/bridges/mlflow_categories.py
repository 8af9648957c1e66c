"""Categories of imported models: which texts a model knows, and the same model over codes in place of texts.

A category reaches a learner here as a code, its place among the levels that a version carries. For an imported model
those are the texts that it knows itself, in its own order, so that its codes stay what they were.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tidewheel.errors import InputError

Floats = npt.NDArray[np.float64]
Levels = dict[str, list[str]]
UNSEEN = "\0 of no level"
"""Stands for every text that the model does not know."""
_PANDAS = "pandas_categorical:"


class Coded(NamedTuple):
    """A model that takes texts.

    Attributes
    ----------
    levels : dict of str to list of str
        What it knows of each text column; the place of a text is its code.
    model : object
        The same model, over codes.
    rows : callable
        Rows of codes in, the rows out that `original` takes.
    original : object
        The model as it was, over texts.
    """

    levels: Levels
    model: Any
    rows: Callable[[Floats], Any]
    original: Any


def lightgbm_levels(text: str, names: Sequence[str], where: str) -> Levels:
    r"""Return the categories that LightGBM noted of the data frame that it was fitted on, by column.

    Its codes are places in these lists already.

    Raises
    ------
    InputError
        A column's categories are not texts, or which column they are of is not known.

    Examples
    --------
    >>> text = "feature_infos=[0:1] 0:1\npandas_categorical:[[\"NO\", \"SE\"]]\n"
    >>> lightgbm_levels(text, ["amount", "country"], "model.txt")
    {'country': ['NO', 'SE']}
    """
    lines = text.splitlines()
    noted = json.loads(next((line[len(_PANDAS) :] for line in lines if line.startswith(_PANDAS)), "null")) or []
    infos = next((line.partition("=")[2].split() for line in lines if line.startswith("feature_infos=")), [])
    of = [name for name, info in zip(names, infos, strict=False) if info != "none" and not info.startswith("[")]
    if noted and len(noted) != len(of):
        raise InputError(
            f"the model knows {len(noted)} lists of categories and splits on {len(of)} columns of them",
            where=where, remedy="drop the columns of one value before fitting it",
        )  # fmt: skip
    return {name: _texts(list(found), name, where) for name, found in zip(of, noted, strict=False)}


def xgboost_levels(booster: Any, where: str) -> Levels:
    """Return the categories that XGBoost keeps of the data frame that it was fitted on, by column.

    Its codes are places in these lists already. Releases before 3.1 kept none: then there are none here.

    Parameters
    ----------
    booster : xgboost.Booster
        As it was loaded: what is cut from one has lost them.

    Raises
    ------
    InputError
        A column's categories are not texts.
    """
    if not hasattr(booster, "get_categories"):
        return {}
    kept = booster.get_categories(export_to_arrow=True).to_arrow()
    return {name: _texts(held.to_pylist(), name, where) for name, held in kept if held is not None}


def coded(model: Any, names: Sequence[str], texts: Sequence[str], where: str) -> Coded:
    """Return scikit-learn's pipeline over codes in place of texts.

    Its first step has to be a `ColumnTransformer` that gives each text column to an encoder (`OneHotEncoder`,
    `OrdinalEncoder`, `TargetEncoder`), alone or at the head of a pipeline, behind a `SimpleImputer` or not.

    Parameters
    ----------
    model : object
        Fitted.
    names : sequence of str
        Its columns.
    texts : sequence of str
        Those of them that are texts.
    where : str
        For errors.

    Raises
    ------
    InputError
        It does anything else with a text, or refuses one that it has not met.
    """
    found, original = copy.deepcopy(model), copy.deepcopy(model)
    levels: Levels = {}
    for one in (found, original):
        for part in _parts(one):
            vars(part).pop("feature_names_in_", None)
            if type(part).__name__ == "ColumnTransformer":
                _by_position(part)
    first = found.steps[0][1] if getattr(found, "steps", None) else found
    if type(first).__name__ != "ColumnTransformer":
        raise _unknown(texts[0], type(first).__name__, where)
    for _, part, columns in first.transformers_:
        mine = {place: names[at] for place, at in enumerate(columns) if names[at] in texts}
        if mine and part != "drop":
            levels |= _recoded(part, mine, len(columns), where)
    dropped = [name for name in texts if name not in levels]
    levels |= {name: [] for name in dropped}
    return Coded(levels, found, lambda x: _worded(x, names, levels), original)


def _parts(model: Any) -> Iterator[Any]:
    """Return a model and all fitted ones in it."""
    yield model
    inner = [step for _, step in getattr(model, "steps", ())]
    inner += [part for _, part, _ in getattr(model, "transformers_", ())]
    for part in inner:
        if not isinstance(part, str):
            yield from _parts(part)


def _by_position(transformer: Any) -> None:
    """Have it find its columns by place: rows are arrays here."""
    places = transformer._transformer_to_input_indices
    transformer.transformers_ = [(name, part, list(places[name])) for name, part, _ in transformer.transformers_]


def _recoded(part: Any, mine: dict[int, str], width: int, where: str) -> Levels:
    """Make an encoder, with what stands before it, take codes; return the texts it knows."""
    steps = [step for _, step in part.steps] if hasattr(part, "steps") else [part]
    name = next(iter(mine.values()))
    imputer, encoder = steps[0] if type(steps[0]).__name__ == "SimpleImputer" else None, steps[0]
    if imputer is not None:
        encoder = steps[1] if len(steps) > 1 else None
    if not hasattr(encoder, "categories_") or len(mine) != width:
        raise _unknown(name, type(encoder or imputer).__name__, where)
    if getattr(encoder, "handle_unknown", "") == "error":
        raise InputError(
            f"{type(encoder).__name__} refuses a text of {name!r} that it has not met, and a service has to answer",
            where=where, remedy="set handle_unknown='ignore' on it (OrdinalEncoder: 'use_encoded_value', with "
            "unknown_value), which needs no new fit, and log the model again",
        )  # fmt: skip
    levels = {}
    for place, column in mine.items():
        held = [value for value in encoder.categories_[place].tolist() if not _is_null(value)]
        null = len(held) < len(encoder.categories_[place])
        levels[column] = _texts(held, column, where)
        encoder.categories_[place] = np.append(np.arange(float(len(held))), [np.nan] * null)
    if imputer is not None:
        filled = [levels[mine[place]].index(str(text)) for place, text in enumerate(imputer.statistics_)]
        imputer.statistics_, imputer.missing_values = np.array(filled, np.float64), np.nan
        imputer._fit_dtype = imputer._fill_dtype = np.dtype(np.float64)
    return levels


def _worded(x: Floats, names: Sequence[str], levels: Levels) -> npt.NDArray[np.object_]:
    """Return rows with texts in place of their codes."""
    rows = x.astype(object)
    for place, name in enumerate(names):
        if name in levels:
            words = np.array([*levels[name], UNSEEN, np.nan], dtype=object)
            codes = np.where(np.isnan(x[:, place]), len(words) - 1, x[:, place])
            rows[:, place] = words[codes.astype(np.int64)]
    return rows


def _texts(values: list[Any], name: str, where: str) -> list[str]:
    odd = next((value for value in values if not isinstance(value, str)), None)
    if odd is not None:
        raise InputError(
            f"the model's category {name!r} has the value {odd!r}, which is no text", where=where,
            remedy="fit it on texts: frame[name].astype(str)",
        )  # fmt: skip
    return values


def _is_null(value: Any) -> bool:
    return value is None or value != value


def _unknown(name: str, what: str, where: str) -> InputError:
    return InputError(
        f"the model gives the text {name!r} to {what}, and what becomes of it there is not known here", where=where,
        remedy="put a ColumnTransformer first, with OneHotEncoder, OrdinalEncoder or TargetEncoder for its texts",
    )  # fmt: skip
