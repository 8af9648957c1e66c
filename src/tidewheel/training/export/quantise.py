"""Weights of matrix products as eight-bit integers, by onnxruntime's dynamic quantisation."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path
from typing import Any

from tidewheel.errors import InputError, MissingExtraError


def quantised(graph: Any) -> bytes:
    """Return a graph with the weights of its float32 matrix products in int8; their inputs are quantised as they come.

    Parameters
    ----------
    graph : onnx.ModelProto

    Raises
    ------
    MissingExtraError
        The extra ``onnx`` is not installed.
    InputError
        It has no such product: trees and linear models of float64 have none.
    """
    try:
        from onnxruntime.quantization import QuantType, quantize_dynamic
    except ImportError as error:
        raise MissingExtraError("int8 needs onnxruntime", remedy="pip install 'tidewheel[onnx]'") from error
    log = logging.getLogger()
    level = log.level
    log.setLevel(logging.ERROR)  # it recommends a step before that changes nothing here
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.onnx"
            quantize_dynamic(graph, str(path), weight_type=QuantType.QInt8)
            found = path.read_bytes()
    finally:
        log.setLevel(level)
    if b"MatMulInteger" not in found:
        raise InputError(
            "nothing to quantise: the model has no matrix product in float32",
            remedy="int8 is for networks (tw.learner.torch); export trees and linear models as they are",
        )
    return found
