"""Parameters of estimators that take any: LightGBM and XGBoost train on without one that they don't know."""

from __future__ import annotations

import difflib
import inspect
import sys
from collections.abc import Collection, Iterable
from typing import Any

from tidewheel.definitions.language.places import likely
from tidewheel.errors import DefinitionError

_ALIKE = 0.85
"""How alike an unknown name and a listed one are, of a library that says nothing of the others it takes."""


def takes_any(estimator: Any) -> bool:
    """Whether an estimator takes parameters it does not list, as LightGBM's do."""
    parameters = inspect.signature(type(estimator)).parameters.values()
    return any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters)


def check_parameters(estimator: Any) -> None:
    """Refuse misspelt parameters of an estimator, and of those inside it.

    Raises
    ------
    DefinitionError
    """
    if not hasattr(estimator, "get_params") or isinstance(estimator, type):
        return
    parts = [estimator, *estimator.get_params().values()]
    for part in parts:
        if hasattr(part, "get_params") and not isinstance(part, type) and takes_any(part):
            listed = inspect.signature(type(part)).parameters
            given = (name for name, value in part.get_params(deep=False).items() if value is not None)
            check_names(part, (name for name in given if name not in listed))


def check_names(estimator: Any, names: Iterable[str]) -> None:
    """Refuse names that an estimator which takes any parameter has no use for, with the likely one."""
    listed = [*inspect.signature(type(estimator)).parameters]
    all_known = _native(type(estimator))
    for name in names:
        known = {*listed, *all_known}
        unknown = name not in known if all_known else _is_slip(name, listed)
        if unknown:
            raise DefinitionError(
                f"{type(estimator).__name__} has no parameter '{name}'",
                remedy=likely(name, known) if all_known else likely(name, listed),
            )


def _native(cls: type) -> Collection[str]:
    """Return all names that an estimator's library knows, aliases too; none where it does not tell."""
    home = next((base.__module__.partition(".")[0] for base in cls.__mro__ if _is_booster(base)), "")
    aliases = getattr(sys.modules.get(f"{home}.basic"), "_ConfigAliases", None)
    told = getattr(aliases, "_get_all_param_aliases", None)
    found = told() if told is not None else {}
    return {name for first, others in found.items() for name in (first, *others)}


def _is_booster(cls: type) -> bool:
    return cls.__module__.partition(".")[0] == "lightgbm"


def _is_slip(name: str, listed: Collection[str]) -> bool:
    return name not in listed and bool(difflib.get_close_matches(name, listed, n=1, cutoff=_ALIKE))
