"""Writing an ONNX graph node by node: names and constants are made up on the way."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


class Nodes:
    """The nodes of a graph under way.

    Parameters
    ----------
    onnx : module
    nodes, constants : list, optional
        Of a graph to go on from.

    Attributes
    ----------
    nodes, constants : list
    double, single : int
        ONNX's numbers of float64 and float32.
    """

    def __init__(self, onnx: Any, nodes: list[Any] | None = None, constants: list[Any] | None = None) -> None:
        self._onnx = onnx
        self.nodes = nodes or []
        self.constants = constants or []
        self.double, self.single = onnx.TensorProto.DOUBLE, onnx.TensorProto.FLOAT

    def add(self, op: str, *inputs: str, out: str = "", domain: str = "", **attributes: Any) -> str:
        """Add a node of one output; return the output's name."""
        out = out or f"tw_{len(self.nodes)}"
        made = self._onnx.helper.make_node(op, list(inputs), [out], name=f"{out}_node", domain=domain, **attributes)
        self.nodes.append(made)
        return out

    def zeros(self, rows: str) -> str:
        """Add a zero a row, shape (n,)."""
        none = self.add("Slice", rows, self.whole([0]), self.whole([0]), self.whole([1]))
        return self.add("ReduceSum", none, self.whole([1]), keepdims=0)

    def tensor(self, value: npt.NDArray[Any]) -> Any:
        """Return an array as an attribute holds it."""
        return self._onnx.numpy_helper.from_array(np.ascontiguousarray(value))

    def number(self, value: Any) -> str:
        """Add a float64 constant; return its name."""
        return self._constant(np.asarray(value, np.float64))

    def whole(self, value: Any) -> str:
        """Add an int64 constant; return its name."""
        return self._constant(np.asarray(value, np.int64))

    def line(self, x: str, slope: float, offset: float) -> str:
        """Add ``slope * x + offset``."""
        return self.add("Add", self.add("Mul", x, self.number(slope)), self.number(offset))

    def sigmoid(self, x: str) -> str:
        """Add ``1 / (1 + exp(-x))``; it does not overflow."""
        low = self.add("Exp", self.add("Min", self.add("Neg", x), self.number(709.0)))
        return self.add("Div", self.number(1.0), self.add("Add", low, self.number(1.0)))

    def on_curve(self, x: str, xs: Floats, ys: Floats) -> str:
        """Add the piecewise linear curve through points, flat beyond its ends."""
        if len(xs) == 1:
            return self.line(x, 0.0, float(ys[0]))
        within = self.add("Max", self.add("Min", x, self.number(xs[-1])), self.number(xs[0]))
        passed = self.add("GreaterOrEqual", self.add("Unsqueeze", within, self.whole([1])), self.number(xs[1:-1]))
        count = self.add("Cast", passed, to=self._onnx.TensorProto.INT64)
        at = self.add("ReduceSum", count, self.whole([1]), keepdims=0)
        start, low = (self.add("Gather", self.number(part), at) for part in (xs[:-1], ys[:-1]))
        slope = self.add("Gather", self.number(np.diff(ys) / np.diff(xs)), at)
        return self.add("Add", self.add("Mul", self.add("Sub", within, start), slope), low)

    def _constant(self, value: npt.NDArray[Any]) -> str:
        name = f"tw_constant_{len(self.constants)}"
        self.constants.append(self._onnx.numpy_helper.from_array(np.array(value, order="C"), name))
        return name
