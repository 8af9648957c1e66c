"""Reading back the models that `native` keeps: forms that newer releases read, and that run no code when read."""

from __future__ import annotations

import json
import pickle
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tidewheel.errors import CorruptError, InputError, MissingExtraError
from tidewheel.kernel.models.catboost_json import parse_catboost
from tidewheel.kernel.models.lightgbm_text import parse_lightgbm
from tidewheel.kernel.models.xgboost_json import parse_xgboost
from tidewheel.registry.runs.runs import PICKLE


def load_lightgbm(data: bytes, where: str) -> Any:
    """Return LightGBM's booster of a ``model.txt``.

    Raises
    ------
    CorruptError
        It can't be read; so do all of these.
    """
    import lightgbm

    with readable(where):
        parse_lightgbm(data.decode())
        return lightgbm.Booster(model_str=data.decode())


def load_xgboost(data: bytes, where: str) -> Any:
    """Return XGBoost's booster of a ``model.json``."""
    with readable(where, "xgboost"):
        import xgboost

        parse_xgboost(data)  # the library ends the whole process over bytes that are no JSON
        return xgboost.Booster(model_file=bytearray(data))


def load_catboost(data: bytes, where: str) -> Any:
    """Return CatBoost's model of a ``model.json``."""
    with readable(where, "catboost"), tempfile.TemporaryDirectory() as folder:
        import catboost

        parse_catboost(data)
        path = Path(folder) / "model.json"
        path.write_bytes(data)
        return catboost.CatBoost().load_model(str(path), format="json")


def load_tensors(data: bytes, where: str) -> Mapping[str, Any]:
    """Return the tensors of a ``model.safetensors`` by name."""
    with readable(where, "torch"):
        from safetensors.numpy import load

        return dict(load(data))


def load_skops(data: bytes, where: str) -> Any:
    """Return scikit-learn's estimator of a ``model.skops``, made of types of the library alone.

    Raises
    ------
    CorruptError
        It can't be read, or names types that skops does not trust by itself.
    """
    with readable(where, "skops"):
        from skops.io import loads

        ours, foreign = unknown_types(data)
        if foreign:
            raise ValueError(f"it names types that are not taken on trust: {', '.join(foreign)}")
        return loads(data, trusted=ours)


def unknown_types(data: bytes) -> tuple[list[str], list[str]]:
    """Return the types in a skops file that skops does not know: the library's own plain ones, and all others."""
    from skops.io import get_untrusted_types

    named = get_untrusted_types(data=data)
    ours = [name for name in named if name.startswith(_PLAIN)]
    return ours, [name for name in named if name not in ours]


_PLAIN = tuple(
    f"sklearn.{part}."
    for part in (
        "tree._tree", "ensemble._hist_gradient_boosting", "metrics._dist_metrics", "neighbors._kd_tree",
        "neighbors._ball_tree", "neural_network._stochastic_optimizers", "_loss",
    )
)  # fmt: skip
"""Modules of scikit-learn whose types hold arrays and numbers, and do nothing when they are made."""


def load_kept(name: str, data: bytes, where: str, *, allow_pickle: bool = False) -> Any:
    """Return the model of a file that a run kept, as its library reads it.

    Parameters
    ----------
    name : str
        The file's, such as ``model.txt``.
    data : bytes
    where : str
        For errors.
    allow_pickle : bool
        Whether a pickle may be loaded: that runs whatever code it names.

    Raises
    ------
    InputError
        It is a pickle, and these are not allowed.
    CorruptError
        It can't be read.
    """
    if name == PICKLE:
        if not allow_pickle:
            raise InputError(
                "it is kept as a pickle, which runs code when it is loaded",
                where=where,
                remedy="say allow_pickle=True if you trust whoever made it",
            )
        with readable(where):
            return pickle.loads(data)
    with readable(where):
        of_xgboost = name == "model.json" and "learner" in json.loads(data)
    loaders = {
        "model.txt": load_lightgbm,
        "model.json": load_xgboost if of_xgboost else load_catboost,
        "model.safetensors": load_tensors,
        "model.skops": load_skops,
    }
    return loaders[name](data, where)


@contextmanager
def readable(where: str, extra: str = "") -> Iterator[None]:
    """Turn what a library raises over a model it can't read into `CorruptError`, what is not installed into its own."""
    try:
        yield
    except ImportError as error:
        raise MissingExtraError(
            f"the model of {where} needs {error.name}, which is not installed",
            remedy=f"pip install 'tidewheel[{extra}]'",
        ) from error
    except Exception as error:  # each library has classes of its own for it
        said = str(error).strip().partition("\n")[0] or type(error).__name__
        raise CorruptError(
            f"its library can't read the kept model: {said}",
            where=where,
            remedy="`tidewheel verify` says whether the file is damaged; train again",
        ) from error
