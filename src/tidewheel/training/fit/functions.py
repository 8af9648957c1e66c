"""An estimator that is a plain Python function, which travels with the version as its source."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from tidewheel.definitions.compiling.capture import capture
from tidewheel.registry.models.functions import LEARNED
from tidewheel.registry.models.predictors import Predictor, PredictorSpec

Floats = npt.NDArray[np.float64]
Score = Callable[..., Any]
Learn = Callable[[Floats, Floats], Mapping[str, Any]]


class FunctionLearner:
    """A function as an estimator; made by ``tw.learner.function``, which says what the parameters are."""

    def __init__(self, score: Score, learn: Learn | None = None) -> None:
        self.score = score
        self.learn = learn

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters by name."""
        return {"score": self.score, "learn": self.learn}

    def set_params(self, **values: Any) -> FunctionLearner:
        """Set parameters by name."""
        for name, value in values.items():
            if name not in self.get_params():
                raise ValueError(f"no parameter {name!r}")
            setattr(self, name, value)
        return self

    def fit(self, x: Floats, y: Floats) -> FunctionLearner:
        """Learn what the function is given beside rows."""
        learned = {} if self.learn is None else self.learn(x, y)
        self.learned_ = {LEARNED + name: np.asarray(value) for name, value in learned.items()}
        self.predictor_ = Predictor(*self.to_predictor())
        return self

    def predict(self, x: Floats) -> Floats:
        """Return a number a row, by the code that serves."""
        return self.predictor_.score(np.ascontiguousarray(x, np.float64))

    def to_predictor(self) -> tuple[PredictorSpec, dict[str, npt.NDArray[Any]]]:
        """Return the form in which it is served.

        Raises
        ------
        DefinitionError
            The function names something that can't travel with it.
        """
        function: Any = self.score
        source = capture(function, os.path.dirname(function.__code__.co_filename))
        return PredictorSpec(kind="function", function=function.__name__, source=source), self.learned_
