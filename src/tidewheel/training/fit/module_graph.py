"""A row of numbers and codes to a score, as one PyTorch module: what is trained is what is exported."""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from tidewheel.errors import TrainingError

Floats = npt.NDArray[np.float64]


class Encoder(torch.nn.Module):  # type: ignore[misc]
    """Numbers standardised, null as the mean with a column that says so; categories as one column a level."""

    def __init__(
        self, mean: Floats, deviation: Floats, numbers: Sequence[int], levels: Sequence[tuple[int, int]]
    ) -> None:
        super().__init__()
        self.register_buffer("mean", torch.from_numpy(mean))
        self.register_buffer("deviation", torch.from_numpy(deviation))
        self.register_buffer("counts", torch.tensor([count for _, count in levels], dtype=torch.int64))
        self._numbers = list(numbers)
        self._levels = list(levels)
        self.columns = len(numbers) + len(levels)
        self.width = 2 * len(numbers) + sum(count for _, count in levels)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """Return float32 rows of `width` columns."""
        numbers = rows[:, self._numbers]
        null = torch.isnan(numbers)
        standard = (torch.where(null, self.mean, numbers) - self.mean) / self.deviation
        parts = [standard.to(torch.float32), null.to(torch.float32)]
        for place, count in self._levels:
            codes = torch.arange(count, dtype=torch.float64)
            parts.append((rows[:, place : place + 1] == codes).to(torch.float32))
        return torch.cat(parts, dim=1)


class Served(torch.nn.Module):  # type: ignore[misc]
    """Encoding, the user's module, and the way to a probability or a number."""

    def __init__(self, encoder: Encoder, module: torch.nn.Module, y: Floats, classifies: bool) -> None:
        super().__init__()
        self.encoder, self.module, self._classifies = encoder, module, classifies
        self.shift = 0.0 if classifies else float(y.mean())
        self.scale = 1.0 if classifies else float(y.std()) or 1.0
        self.register_buffer("label", torch.tensor([self.shift, self.scale], dtype=torch.float64))

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        """Take over the tensors of a module of the same form.

        Raises
        ------
        ValueError
            Its form is another one.
        """
        try:
            self.load_state_dict({name: torch.from_numpy(np.array(value)) for name, value in state.items()})
        except RuntimeError as error:
            raise ValueError(f"the kept tensors are of another module: {' '.join(str(error).split())[:300]}") from error
        self.shift, self.scale = self.label.tolist()

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """Return a score a row, float64."""
        told = self.module(self.encoder(rows)).reshape(-1).to(torch.float64)
        score: torch.Tensor = torch.sigmoid(told) if self._classifies else told * self.scale + self.shift
        return score


def encoder_of(x: Floats, categories: Sequence[int]) -> Encoder:
    """Return the encoding that rows ask for."""
    numbers = [place for place in range(x.shape[1]) if place not in categories]
    held = ~np.isnan(x[:, numbers])
    count = np.maximum(held.sum(axis=0), 1)
    mean = np.where(held, x[:, numbers], 0.0).sum(axis=0) / count
    spread = np.sqrt((np.where(held, x[:, numbers] - mean, 0.0) ** 2).sum(axis=0) / count)
    levels = [(place, 1 + int(np.nanmax(x[:, place], initial=0.0))) for place in categories]
    return Encoder(mean, np.where(spread > 0, spread, 1.0), numbers, levels)


def encoder_like(state: Mapping[str, npt.NDArray[Any]], columns: int, categories: Sequence[int]) -> Encoder:
    """Return the encoding of a module that was kept: its means, and its levels and no more."""
    if "encoder.counts" not in state:
        raise ValueError("the kept module is of a release that did not keep its levels: train it anew once")
    numbers = [place for place in range(columns) if place not in categories]
    levels = list(zip(categories, state["encoder.counts"].tolist(), strict=True))
    return Encoder(np.array(state["encoder.mean"]), np.array(state["encoder.deviation"]), numbers, levels)


def export(served: Served) -> bytes:
    """Return the module as an ONNX graph of any number of rows.

    Raises
    ------
    TrainingError
        When the module does what ONNX can't say.
    """
    columns = served.encoder.columns
    rows = torch.zeros((2, columns), dtype=torch.float64)
    said, log = io.StringIO(), logging.getLogger("torch.onnx")
    level = log.level
    log.setLevel(logging.ERROR)  # it tells of libraries that are not there
    with warnings.catch_warnings(), redirect_stdout(said), redirect_stderr(said):
        warnings.simplefilter("ignore")
        try:
            program = torch.onnx.export(
                served.eval(), (rows,), dynamo=True, input_names=["rows"], output_names=["score"],
                dynamic_shapes=({0: torch.export.Dim("n")},), verbose=False, optimize=True,
            )  # fmt: skip
        except Exception as error:  # the exporter raises classes of many parts of torch
            raise TrainingError(
                f"the module has no ONNX form: {str(error).strip().partition(chr(10))[0]}",
                remedy="see torch.onnx.export for what a module may do",
            ) from error
        finally:
            log.setLevel(level)
    assert program is not None
    model = program.model_proto
    for node in model.graph.node:  # where the exporter's own code stood, on this machine
        del node.metadata_props[:]
        node.doc_string = ""
    return bytes(model.SerializeToString())
