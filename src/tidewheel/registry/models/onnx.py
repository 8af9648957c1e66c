"""Running an ONNX graph kept in a bundle, by onnxruntime: only where a bundle asks for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tidewheel.errors import CorruptError, MissingExtraError

Floats = npt.NDArray[np.float64]
_NUMBERS = {"tensor(double)": np.float64, "tensor(float)": np.float32}


class OnnxFunction(NamedTuple):
    """What runs a graph: rows in, one number a row out.

    Attributes
    ----------
    apart : callable
        One row a call: how a matrix product is cut into blocks does not depend on the rows beside a row.
    together : callable
        All rows in one call: sooner, and the last bits depend on how many there are. Apart for a graph of one row.
    """

    apart: Callable[[Floats], Floats]
    together: Callable[[Floats], Floats]


def onnx_function(graph: npt.NDArray[np.uint8], output: str) -> OnnxFunction:
    """Return what runs a graph.

    Parameters
    ----------
    graph : uint8 array
        The serialised model. Its one input takes rows, of float64 or float32.
    output : str
        Name of the output to read. Of two columns the last is taken: the positive class.

    Raises
    ------
    MissingExtraError
        The extra ``onnx`` is not installed.
    CorruptError
        The graph can't be loaded, or has another shape.
    """
    session = onnx_session(graph.tobytes())
    inputs = session.get_inputs()
    if len(inputs) != 1 or inputs[0].type not in _NUMBERS or output not in [o.name for o in session.get_outputs()]:
        raise CorruptError(f"the ONNX graph takes {[(i.name, i.type) for i in inputs]}: rows of numbers are expected")
    name, kind = inputs[0].name, _NUMBERS[inputs[0].type]

    def together(rows: Floats) -> Floats:
        told = session.run([output], {name: rows.astype(kind, copy=False)})[0]
        return np.asarray(told.reshape(len(rows), -1)[:, -1], np.float64)

    def apart(rows: Floats) -> Floats:
        typed = rows.astype(kind)
        return np.array([together(typed[i : i + 1])[0] for i in range(len(typed))], np.float64)

    return OnnxFunction(apart, apart if isinstance(inputs[0].shape[0], int) else together)


def onnx_session(graph: bytes) -> Any:
    """Return onnxruntime's session of a serialised graph, on one thread. Raises as `onnx_function`."""
    runtime = _runtime()
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return runtime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the library raises classes of its own for each kind of damage
        raise CorruptError(f"the ONNX graph can't be loaded: {str(error).partition(chr(10))[0]}") from error


def _runtime() -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingExtraError(
            "this version is served by onnxruntime, which is not installed",
            remedy="pip install 'tidewheel[onnx]'",
        ) from error
    return onnxruntime
