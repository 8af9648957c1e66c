"""A version as an ONNX graph: rows of its columns in, the calibrated score out, all in float64."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np

from tidewheel.errors import InputError, MissingExtraError
from tidewheel.registry.models.bundles import Bundle
from tidewheel.registry.models.predictors import PredictorSpec
from tidewheel.training.export.nodes import Nodes
from tidewheel.training.export.trees import add_trees

OPSETS = {"": 18, "ai.onnx.ml": 5}
ROWS, SCORE = "rows", "score"
INNER = "model_"
"""What the names of a graph that is served begin with within the exported one."""


def graph_of(bundle: Bundle, name: str) -> Any:
    """Return a bundle as an ``onnx.ModelProto``.

    Its input is rows of float64 (n, columns): numbers as they are, a category as the code of its level, null as NaN.
    Its output ``score`` is float64 (n,). Columns and levels stand in its metadata.

    Parameters
    ----------
    bundle : Bundle
    name : str
        ``Fraud@3``.

    Raises
    ------
    MissingExtraError
        The extra ``onnx`` is not installed.
    InputError
        What the bundle holds can't be said in ONNX.
    """
    onnx = onnx_package()
    manifest = bundle.manifest
    spec, arrays = manifest.predictor, bundle.arrays
    if spec.kind == "function":
        raise InputError("a Python function has no ONNX form", remedy="serve the version as it is")
    if spec.kind == "onnx":
        inner = onnx.load_model_from_string(arrays["graph"].tobytes())
        inner = onnx.compose.add_prefix(inner, INNER, rename_inputs=False)
        nodes = Nodes(onnx, list(inner.graph.node), list(inner.graph.initializer))
        rows = inner.graph.input[0]
        opsets = {opset.domain: opset.version for opset in inner.opset_import}
    else:
        inner, nodes, opsets = None, Nodes(onnx), OPSETS
        rows = onnx.helper.make_tensor_value_info(ROWS, onnx.TensorProto.DOUBLE, ["n", len(manifest.columns)])
    raw = _raw(nodes, rows.name, spec, arrays)
    score = _calibrated(nodes, _linked(nodes, raw, spec), spec, arrays)
    nodes.add("Identity", score, out=SCORE)
    output = onnx.helper.make_tensor_value_info(SCORE, onnx.TensorProto.DOUBLE, ["n"])
    graph = onnx.helper.make_graph(nodes.nodes, manifest.model, [rows], [output], nodes.constants)
    imports = [onnx.helper.make_opsetid(domain, version) for domain, version in opsets.items()]
    model = onnx.helper.make_model(graph, opset_imports=imports, producer_name="tidewheel", ir_version=10)
    if inner is not None:
        model.functions.extend(inner.functions)
        model.ir_version = inner.ir_version
    told = {"version": name, "columns": _json(manifest.columns), "levels": _json(manifest.levels)}
    onnx.helper.set_model_props(model, {f"tidewheel.{key}": value for key, value in told.items()})
    return model


def onnx_package() -> Any:
    """Return the package that graphs are built with."""
    try:
        import onnx
    except ImportError as error:
        raise MissingExtraError("an export to ONNX needs onnx", remedy="pip install 'tidewheel[onnx]'") from error
    return onnx


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _raw(nodes: Nodes, rows: str, spec: PredictorSpec, arrays: dict[str, Any]) -> str:
    """Add what gives raw scores; return the name of it, shape (n,)."""
    if spec.kind == "trees":
        return add_trees(nodes, rows, arrays["trees.words"])
    if spec.kind == "onnx":
        count = nodes.add("Slice", nodes.add("Shape", rows), nodes.whole([0]), nodes.whole([1]))
        shape = nodes.add("Concat", count, nodes.whole([-1]), axis=0)
        wide = nodes.add("Reshape", nodes.add("Cast", INNER + spec.output, to=nodes.double), shape)
        return nodes.add("Gather", wide, nodes.whole(-1), axis=1)  # of two columns the positive class
    if spec.kind == "constant":
        return nodes.line(nodes.zeros(rows), 1.0, spec.intercept)
    if "category_columns" in arrays:
        raise InputError("weights of category levels have no ONNX form here", remedy="serve the version as it is")
    impute = nodes.number(np.broadcast_to(arrays.get("impute", 0.0), arrays["coef"].shape))
    filled = nodes.add("Where", nodes.add("IsNaN", rows), impute, rows)
    if "mean" in arrays:
        shifted = nodes.add("Sub", filled, nodes.number(arrays["mean"]))
        filled = nodes.add("Div", shifted, nodes.number(arrays["deviation"]))
    return nodes.add("Add", nodes.add("MatMul", filled, nodes.number(arrays["coef"])), nodes.number(spec.intercept))


def _linked(nodes: Nodes, raw: str, spec: PredictorSpec) -> str:
    if spec.objective == "focal":
        raise InputError("scores of focal loss have no ONNX form here", remedy="serve the version as it is")
    return nodes.sigmoid(nodes.add("Mul", raw, nodes.number(spec.scale))) if spec.objective == "sigmoid" else raw


def _calibrated(nodes: Nodes, score: str, spec: PredictorSpec, arrays: dict[str, Any]) -> str:
    """Add the calibration curve, by the arithmetic of `registry.links`."""
    if spec.calibration == "platt":
        return nodes.sigmoid(nodes.line(score, spec.slope, spec.offset))
    if spec.calibration == "beta":
        p = nodes.add("Max", nodes.add("Min", score, nodes.number(1.0 - 1e-15)), nodes.number(1e-15))
        rising = nodes.line(nodes.add("Log", p), spec.slope, spec.offset)
        other = nodes.add("Log", nodes.add("Sub", nodes.number(1.0), p))
        return nodes.sigmoid(nodes.add("Sub", rising, nodes.add("Mul", other, nodes.number(spec.second_slope))))
    if spec.calibration == "isotonic":
        return nodes.on_curve(score, arrays["xs"], arrays["ys"])
    return score
