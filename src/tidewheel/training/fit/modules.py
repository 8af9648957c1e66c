"""PyTorch modules as estimators: encoded, trained and exported as one graph, repeatable under a seed."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from tidewheel.errors import MissingExtraError, TrainingError

if TYPE_CHECKING:
    import torch

Floats = npt.NDArray[np.float64]


class TorchLearner:
    """A module with ``fit`` and ``predict``; made by ``tw.learner.torch``, which says what the parameters are.

    After a fit ``state()`` holds its tensors and ``to_onnx()`` gives the graph that serves, encoding included.
    """

    def __init__(
        self,
        build: Callable[[int], torch.nn.Module],
        *,
        epochs: int = 20,
        batch_size: int = 256,
        learning_rate: float = 1e-3,
        weight_decay: float = 0.0,
        patience: int = 0,
        random_state: int | None = None,
    ) -> None:
        self.build = build
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.patience = patience
        self.random_state = random_state

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters by name."""
        names = ("build", "epochs", "batch_size", "learning_rate", "weight_decay", "patience", "random_state")
        return {name: getattr(self, name) for name in names}

    def set_params(self, **values: Any) -> TorchLearner:
        """Set parameters by name."""
        for name, value in values.items():
            if name not in self.get_params():
                raise ValueError(f"no parameter {name!r}")
            setattr(self, name, value)
        return self

    def fit(
        self,
        x: Floats,
        y: Floats,
        sample_weight: Floats | None = None,
        *,
        categories: Sequence[int] = (),
        X_val: Floats | None = None,  # noqa: N803  # scikit-learn's name
        y_val: Floats | None = None,
        sample_weight_val: Floats | None = None,
        state: Mapping[str, npt.NDArray[Any]] | None = None,
    ) -> TorchLearner:
        """Fit a new module, or go on from `state`; the validation rows stop it when `patience` epochs gain nothing."""
        with repeatable(self.random_state or 0):
            self._begin(x, y, categories, state)
            rows = self._tensors(x, y, sample_weight)
            watched = None if X_val is None or y_val is None else self._tensors(X_val, y_val, sample_weight_val)
            self._train(rows, watched)
        return self

    def begin(self, x: Floats, y: Floats, categories: Sequence[int] = ()) -> bytes:
        """Make the module without training it; return the state of the random numbers, by which training goes on."""
        with repeatable(self.random_state or 0):
            self._begin(x, y, categories, None)
            return bytes(_torch().get_rng_state().numpy())

    def end(self, state: Mapping[str, npt.NDArray[Any]], epochs: int) -> None:
        """Take over the tensors of a module that was trained elsewhere."""
        self.served_.restore(state)
        self.served_.module.eval()
        self.epochs_ = epochs

    def predict(self, x: Floats) -> Floats:
        """Return the number told of each row; for classes 0 or 1."""
        score = self._score(x)
        return score if self.classes_ is None else (score >= 0.5).astype(np.float64)

    @property
    def predict_proba(self) -> Callable[[Floats], Floats]:
        """Probabilities of both classes; there are none for a number."""
        if self.classes_ is None:
            raise AttributeError("a module that tells a number has no probabilities")
        return lambda x: np.column_stack([1.0 - (score := self._score(x)), score])

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """Return all tensors by name, those of the encoding too."""
        return {name: np.ascontiguousarray(value.numpy()) for name, value in self.served_.state_dict().items()}

    def to_onnx(self) -> bytes:
        """Return the whole way from a row to its score as an ONNX graph."""
        from tidewheel.training.fit.module_graph import export

        return export(self.served_)

    def _begin(
        self, x: Floats, y: Floats, categories: Sequence[int], state: Mapping[str, npt.NDArray[Any]] | None
    ) -> None:
        torch = _torch()
        from tidewheel.training.fit.module_graph import Served, encoder_like, encoder_of

        self.classes_ = np.array([0.0, 1.0]) if np.isin(y, (0.0, 1.0)).all() else None
        encoder = encoder_of(x, categories) if state is None else encoder_like(state, x.shape[1], categories)
        module = self.build(encoder.width)
        if not isinstance(module, torch.nn.Module):
            raise TypeError(f"build({encoder.width}) gave no torch.nn.Module but {type(module).__name__}")
        self.served_ = Served(encoder, module, y, self.classes_ is not None)
        if state is not None:
            self.served_.restore(state)

    def _score(self, x: Floats) -> Floats:
        torch = _torch()
        with torch.no_grad():
            found = self.served_.eval()(torch.from_numpy(np.ascontiguousarray(x, np.float64)))
        return np.asarray(found.numpy(), np.float64)

    def _tensors(self, x: Floats, y: Floats, weight: Floats | None) -> tuple[Any, Any, Any]:
        torch = _torch()
        with torch.no_grad():
            encoded = self.served_.encoder(torch.from_numpy(np.ascontiguousarray(x, np.float64)))
        target = torch.from_numpy(((y - self.served_.shift) / self.served_.scale).astype(np.float32))
        return encoded, target, torch.from_numpy(np.asarray(np.ones(len(y)) if weight is None else weight, np.float32))

    def _train(self, rows: tuple[Any, Any, Any], watched: tuple[Any, Any, Any] | None) -> None:
        torch = _torch()
        module, best, since = self.served_.module, (np.inf, self.served_.state_dict()), 0
        optimiser = torch.optim.AdamW(module.parameters(), lr=self.learning_rate, weight_decay=self.weight_decay)
        self.epochs_ = 0
        for epoch in range(self.epochs):
            module.train()
            for batch in self._batches(len(rows[1])):
                loss = self._step(optimiser, rows, batch)
            if not bool(torch.isfinite(loss)):
                raise TrainingError(f"the loss is {float(loss)} in epoch {epoch + 1}", remedy="lower learning_rate")
            self.epochs_ = epoch + 1
            if watched is None:
                continue
            module.eval()
            with torch.no_grad():
                now = float(self._loss(watched, slice(None)))
            since = 0 if now < best[0] else since + 1
            if now < best[0]:
                best = (now, {name: value.clone() for name, value in self.served_.state_dict().items()})
                self.best_epoch_ = epoch + 1
            if since >= self.patience:
                break
        if watched is not None:
            self.served_.load_state_dict(best[1])
            self.epochs_ = self.best_epoch_
        module.eval()

    def _batches(self, rows: int) -> Iterable[Any]:
        """Give the rows of each batch of an epoch."""
        batches: Iterable[Any] = _torch().randperm(rows).split(self.batch_size)
        return batches

    def _step(self, optimiser: Any, rows: tuple[Any, Any, Any], batch: Any) -> Any:
        """Go one step down the loss of a batch; return it."""
        optimiser.zero_grad()
        loss = self._loss(rows, batch)
        loss.backward()
        optimiser.step()
        return loss

    def _loss(self, rows: tuple[Any, Any, Any], batch: Any) -> Any:
        total, weight = self._sums(rows, batch)
        return total / weight

    def _sums(self, rows: tuple[Any, Any, Any], batch: Any) -> tuple[Any, Any]:
        """Return the sum of the weighted losses, and of the weights."""
        functional = _torch().nn.functional
        x, y, weight = (part[batch] for part in rows)
        told = self.served_.module(x).reshape(-1)
        loss = functional.binary_cross_entropy_with_logits if self.classes_ is not None else functional.mse_loss
        return (loss(told, y, reduction="none") * weight).sum(), weight.sum()


def _torch() -> Any:
    try:
        import torch
    except ImportError as error:
        raise MissingExtraError("tw.learner.torch needs PyTorch", remedy="pip install 'tidewheel[torch]'") from error
    return torch


@contextmanager
def repeatable(seed: int) -> Iterator[None]:
    """Seed PyTorch and use one thread: sums then have one order. Both are put back."""
    torch = _torch()
    threads = torch.get_num_threads()
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.manual_seed(seed)
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(threads)
