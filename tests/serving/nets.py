"""Small nets as ONNX graphs, made by hand."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from tidewheel.registry.models.predictors import PredictorSpec

SPEC = PredictorSpec(kind="onnx", output="y")


def mlp(widths: list[int], *, seed: int = 0, rows: int | None = None) -> bytes:
    """Return the bytes of a perceptron with these layers, float32, that takes any number of rows or just so many."""
    onnx = pytest.importorskip("onnx")
    from onnx import helper, numpy_helper

    random = np.random.default_rng(seed)
    nodes, weights, last = [], [], "x"
    for layer, (inside, outside) in enumerate(itertools.pairwise(widths)):
        scale = (2.0 / inside) ** 0.5
        weights += [
            numpy_helper.from_array((random.normal(size=(inside, outside)) * scale).astype(np.float32), f"w{layer}"),
            numpy_helper.from_array(random.normal(size=outside).astype(np.float32) / 10, f"b{layer}"),
        ]
        final = layer == len(widths) - 2
        nodes.append(helper.make_node("Gemm", [last, f"w{layer}", f"b{layer}"], ["y" if final else f"g{layer}"]))
        last = f"g{layer}"
        if not final:
            nodes.append(helper.make_node("Relu", [last], [f"r{layer}"]))
            last = f"r{layer}"
    graph = helper.make_graph(
        nodes,
        "mlp",
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [rows or "n", widths[0]])],
        [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [rows or "n", 1])],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(model.SerializeToString())
