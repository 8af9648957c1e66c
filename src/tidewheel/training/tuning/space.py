"""A declared search space, in Optuna's words and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from tidewheel.errors import TrainingError


class Space(Protocol):
    """What a model's declaration says of a parameter (`tidewheel.definitions.models.tuning.Space`)."""

    @property
    def kind(self) -> str:
        """``int``, ``float``, ``log`` or ``choice``."""
        ...

    @property
    def low(self) -> float:
        """Lower end of a range."""
        ...

    @property
    def high(self) -> float:
        """Upper end of a range, included."""
        ...

    @property
    def choices(self) -> tuple[Any, ...]:
        """Values of a choice."""
        ...


def distributions(space: Mapping[str, Space]) -> dict[str, Any]:
    """Return Optuna's distribution of each parameter, by name in order."""
    return {name: _distribution(name, spec) for name, spec in sorted(space.items())}


def chosen(space: Mapping[str, Space], asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters as an estimator takes them: the sampler knows a choice by its place."""
    return {name: space[name].choices[v] if space[name].kind == "choice" else v for name, v in asked.items()}


def declared(space: Mapping[str, Space], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return the declared parameters that lie inside the space, as the sampler writes them."""
    inside: dict[str, Any] = {}
    for name, spec in sorted(space.items()):
        value = defaults.get(name)
        if spec.kind == "choice":
            places = [place for place, choice in enumerate(spec.choices) if choice is value or choice == value]
            inside |= {name: places[0]} if places and name in defaults else {}
        elif isinstance(value, int | float) and spec.low <= value <= spec.high:
            inside[name] = value
    return inside


def _distribution(name: str, spec: Space) -> Any:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if spec.kind == "int":
        return IntDistribution(int(spec.low), int(spec.high))
    if spec.kind in ("float", "log"):
        return FloatDistribution(float(spec.low), float(spec.high), log=spec.kind == "log")
    if spec.kind == "choice":
        return CategoricalDistribution(range(len(spec.choices)))  # by place: a choice may be any object
    raise TrainingError(f"unknown range {spec.kind!r} for {name}", where="search")
