"""``tw.learner``: estimators and losses beside those that libraries bring.

A learner is anything with these methods, over NumPy arrays in the columns' order (a category as the code of its
level, null as NaN): ``fit(x, y, sample_weight=None)``, and ``predict_proba(x)`` or ``predict(x)``. It may have more:
``get_params`` and ``set_params`` (to be searched over and seeded), ``categories=`` among the arguments of ``fit``
(positions of the categories), and ``to_onnx() -> bytes`` (a graph from float64 rows to a score, by which it is
served; without, a learner that can't be flattened is measured but not deployed). See `Learner`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from tidewheel.definitions import ir
from tidewheel.definitions.compiling.transfer import named_version
from tidewheel.errors import DefinitionError
from tidewheel.training.fit.focal import Focal
from tidewheel.training.fit.functions import FunctionLearner, Learn, Score
from tidewheel.training.fit.modules import TorchLearner

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

__all__ = ["Learner", "focal", "function", "teacher", "torch"]


class Learner(Protocol):
    """What training asks of an estimator; see the module's docstring for what it may have besides."""

    def fit(self, x: Floats, y: Floats, sample_weight: Floats | None = None) -> Any:
        """Learn from rows in order of time."""

    def predict(self, x: Floats) -> Floats:
        """Return a number a row."""


def focal(*, gamma: float = 2.0, alpha: float | None = None) -> Focal:
    """Return focal loss (Lin et al. 2017) as the objective of an ``LGBMClassifier``.

    Boosting starts from the constant that is best under the loss, and scores are served as the probabilities
    that the loss was minimised for, calibrated.

    Parameters
    ----------
    gamma : float
        How much less a row counts that is told well; 0 is the log loss.
    alpha : float, optional
        What positives weigh, negatives weighing ``1 - alpha``.

    Examples
    --------
    >>> focal(gamma=1.5, alpha=0.25)
    Focal(gamma=1.5, alpha=0.25)
    """
    if not gamma >= 0.0:
        raise DefinitionError(f"focal loss with gamma={gamma!r}", remedy="take 0 or more; 2 is usual")
    if alpha is not None and not 0.0 < alpha < 1.0:
        raise DefinitionError(
            f"focal loss with alpha={alpha!r}", remedy="take a number between 0 and 1, or leave it out"
        )
    return Focal(float(gamma), alpha)


def function(score: Score, learn: Learn | None = None) -> FunctionLearner:
    """Return a plain Python function as a model.

    It is kept with the version as source, with the helpers, constants and imports that it names, as a derived column
    is: serving imports nothing of the project and unpickles nothing. It runs in a thread of its own, row by row, so
    that a slow one holds up no other model.

    Parameters
    ----------
    score : callable
        Takes one row as an array of shape (1, columns), in the view's order (a category as the code of its level, null
        as NaN), and what was learned by name; returns one number.
    learn : callable, optional
        Takes the train rows and labels, and returns numbers or arrays by name.

    Examples
    --------
    >>> def score(x, typical):
    ...     return x[:, 0] / typical
    >>> def learn(x, y):
    ...     return {"typical": x[:, 0].mean()}
    >>> type(function(score, learn)).__name__
    'FunctionLearner'
    """
    if not callable(score) or not hasattr(score, "__code__"):
        raise DefinitionError(f"tw.learner.function() takes a Python function of rows, not {score!r}")
    return FunctionLearner(score, learn)


def teacher(version: str, *, weight: float, temperature: float = 1.0) -> ir.Teacher:
    """Return a registered version as the teacher of a model: distillation (Hinton, Vinyals and Dean 2015).

    Each train row is learned with the label ``(1 - weight) * y + weight * q``, where `q` is what the teacher says of
    it: its score, and of classes the sigmoid of its log odds divided by `temperature`.

    Parameters
    ----------
    version : str
        ``"Big@3"``, ``"Big@champion"``, or ``"Big"`` for the newest. Its view may be another one, of the same event.
    weight : float
        The teacher's share, from 0 to 1. With 0 nothing is other than without a teacher.
    temperature : float
        Above 1 the teacher is softened; probabilities learned from it then have to be calibrated, and are.

    Examples
    --------
    >>> teacher("Big@3", weight=0.7, temperature=2.0)
    Teacher(version='Big@3', weight=0.7, temperature=2.0)
    """
    if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0.0 <= weight <= 1.0:
        raise DefinitionError(f"a teacher with weight={weight!r}", remedy="take a number from 0 to 1")
    if not 0.0 < temperature < float("inf"):
        raise DefinitionError(f"a teacher with temperature={temperature!r}", remedy="take a number above 0; 1 is none")
    return ir.Teacher(named_version(version), float(weight), float(temperature))


def torch(
    build: Callable[[int], Any],
    *,
    epochs: int = 20,
    batch_size: int = 256,
    learning_rate: float = 1e-3,
    weight_decay: float = 0.0,
    patience: int = 0,
) -> TorchLearner:
    """Return an estimator that trains a PyTorch module.

    Numbers reach the module standardised, each with a column that tells a null; categories as a column a level.
    A label of 0 and 1 is learned by the log loss, any other by the squared error, with AdamW. One seed gives the
    same module. It is kept as safetensors, and served as an ONNX graph by onnxruntime.

    Parameters
    ----------
    build : callable
        Takes the number of columns, returns an ``nn.Module`` from float32 rows to one number a row (a logit).
    epochs, batch_size, learning_rate, weight_decay
    patience : int
        Stop after so many epochs without gain on the last tenth of the rows; 0 trains all epochs.

    Examples
    --------
    ::

        def network(columns: int) -> nn.Module:
            return nn.Sequential(nn.Linear(columns, 32), nn.ReLU(), nn.Linear(32, 1))

        class Fraud(tw.Model):
            estimator = tw.learner.torch(network, epochs=30, patience=3)
    """
    if not callable(build):
        raise DefinitionError(f"tw.learner.torch() takes a function of the number of columns, not {build!r}")
    return TorchLearner(
        build, epochs=epochs, batch_size=batch_size, learning_rate=learning_rate,
        weight_decay=weight_decay, patience=patience,
    )  # fmt: skip
