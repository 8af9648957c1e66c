"""Steps that a project adds to a training: each given what it names, in its place, its output kept and found again."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from tidewheel.definitions import ir
from tidewheel.definitions.language.places import place
from tidewheel.definitions.models.pipeline import Step
from tidewheel.errors import TrainingError
from tidewheel.registry.models.bundles import ArtifactStore
from tidewheel.registry.models.plain import as_plain, is_plain
from tidewheel.training.context import TrainingContext
from tidewheel.training.keys import code_of, step_key
from tidewheel.training.retries import Retry

if TYPE_CHECKING:
    from tidewheel.training.steps import Steps

TOLD = 120
"""Characters of an output that a run's log repeats."""


@dataclass(frozen=True)
class _Made:
    """What a step made, once it is asked for, and the key of that step; "" where it has none."""

    key: str
    value: Callable[[], Any]


class Added:
    """The added steps of one run.

    Parameters
    ----------
    steps : sequence of ir.Step
        In an order in which they can run.
    functions : mapping of str to Step
        The live declarations, by name.
    code : callable
        Given a function, returns hashes of the code that it runs.
    artifacts : ArtifactStore

    Attributes
    ----------
    left : dict of str to str
        The artifact that holds what each step returned.
    """

    def __init__(
        self,
        steps: Sequence[ir.Step],
        functions: Mapping[str, Step],
        code: Callable[[Any], list[str]],
        artifacts: ArtifactStore,
    ) -> None:
        self._declared = steps
        self._functions = functions
        self._code = code
        self._artifacts = artifacts
        self._made: dict[str, _Made] = {}
        self.left: dict[str, str] = {}

    def after(self, steps: Steps, name: str, key: str, made: Mapping[str, Callable[[], Any]]) -> None:
        """Take note of what a step made, and do those that come after it."""
        self._made |= {what: _Made(key, cache(value)) for what, value in made.items()}
        for step in self._declared:
            if step.after == name:
                self._do(steps, step)

    def _do(self, steps: Steps, step: ir.Step) -> None:
        taken = {name: self._made[name] for name in step.inputs}
        function = self._functions[step.name]
        keys = [made.key for made in taken.values()]
        key = step_key(step.name, self._code(function.fn), keys) if all(keys) else ""
        retry = Retry(1 + step.retries, step.wait / 1e6, (Exception,))
        value = steps.run(
            step.name,
            partial(_called, function, taken),
            key=key,
            told=told,
            because="same code, same inputs",
            retry=retry,
        )
        self.left[step.name] = self._artifacts.put(as_plain(value))
        self.after(steps, step.name, key, {step.name: lambda: value})


def added_steps(context: TrainingContext, model: ir.Model) -> Added | None:
    """Return a model's added steps; None where it declares none."""
    if model.pipeline is None or not model.pipeline.steps:
        return None
    declared = context.models[model.name].steps
    functions = {step.name: step for step in ([declared] if isinstance(declared, Step) else declared)}
    return Added(model.pipeline.steps, functions, partial(code_of, context), context.artifacts)


def _called(step: Step, taken: Mapping[str, _Made]) -> Any:
    """Return what a step returns, in the form in which it is kept."""
    given = {name: made.value() for name, made in taken.items()}
    code = step.fn.__code__
    where = place(code.co_filename, code.co_firstlineno, step.name)
    try:
        value = builtin(step.fn(**given))
    except TrainingError:
        raise
    except Exception as error:
        raise TrainingError(f"raised {type(error).__name__}: {error}", where=where) from error
    if not is_plain(value):
        raise TrainingError(
            f"returned {type(value).__name__}, which can't be kept",
            where=where,
            remedy="return numbers, texts, lists and dicts of them, an Arrow table, or a dict of numeric arrays",
        )
    return value


def builtin(value: Any) -> Any:
    """Return a value with NumPy's single numbers as Python's, tuples as lists, and what is no number as None.

    Examples
    --------
    >>> builtin({"auc": np.float64(0.5), "at": (np.int64(3), math.nan)})
    {'auc': 0.5, 'at': [3, None]}
    """
    if isinstance(value, np.generic):
        return builtin(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {name: builtin(item) for name, item in value.items()}
    return [builtin(item) for item in value] if isinstance(value, list | tuple) else value


def told(value: Any) -> str:
    """Say in a line what a step returned.

    Examples
    --------
    >>> told({"auc": 0.51234567, "rows": 12})
    'auc 0.5123, rows 12'
    """
    if isinstance(value, pa.Table):
        return f"{value.num_rows:,} rows, {value.num_columns} columns"
    if isinstance(value, dict):
        text = ", ".join(f"{name} {_short(item)}" for name, item in value.items())
    else:
        text = "" if value is None else _short(value)
    return text if len(text) <= TOLD else f"{text[: TOLD - 1]}…"


def _short(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.dtype}{list(value.shape)}"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
