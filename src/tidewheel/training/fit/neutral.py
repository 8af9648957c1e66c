"""The form in which a fitted estimator is served: flattened arrays where there are any, else an ONNX graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tidewheel.errors import CorruptError, MissingExtraError
from tidewheel.registry.models.predictors import Predictor, PredictorSpec
from tidewheel.training.fit import boosters, focal
from tidewheel.training.fit.flatten import flatten
from tidewheel.training.fit.linear import Arrays

Floats = npt.NDArray[np.float64]


def neutral(estimator: Any, levels: Sequence[int], means: Floats) -> tuple[PredictorSpec, Arrays] | str:
    """Return a fitted estimator as a predictor, or a sentence saying why it has no form that can be served.

    An estimator that brings ``to_onnx() -> bytes`` is asked for its graph. What scikit-learn's own can't be
    flattened is converted by skl2onnx.

    Parameters
    ----------
    estimator : object
    levels : sequence of int
        Per column the number of category levels, 0 for numbers.
    means : float64 array
        Mean of each column over the train rows.
    """
    if callable(getattr(estimator, "to_predictor", None)):
        found: tuple[PredictorSpec, Arrays] | str = estimator.to_predictor()
        return found
    if callable(getattr(estimator, "to_onnx", None)):
        try:
            return graph(estimator.to_onnx())
        except Exception as error:  # someone's own code
            return str(error).strip().partition("\n")[0] or type(error).__name__
    found = flatten(estimator, levels, means)
    if not isinstance(found, str) or boosters.library(estimator) != "sklearn" or focal.of(estimator) is not None:
        return found
    return _converted(estimator, len(levels), found)


def _converted(estimator: Any, columns: int, reason: str) -> tuple[PredictorSpec, Arrays] | str:
    """Return scikit-learn's estimator as a graph of float64, or of float32 where the runtime has no other."""
    try:
        from skl2onnx import to_onnx
        from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType
    except ImportError:
        return f"{reason}; with the extra onnx it could be served as a graph: pip install 'tidewheel[onnx]'"
    options = {id(estimator): {"zipmap": False}} if hasattr(estimator, "predict_proba") else None
    why = ""
    for kind in (DoubleTensorType, FloatTensorType):
        rows = [("rows", kind([None, columns]))]
        try:
            content = to_onnx(estimator, initial_types=rows, options=options, name="model").SerializeToString()
        except Exception as error:  # converters of many hands raise what they like
            why = why or str(error).strip().partition("\n")[0]
            continue
        found = graph(content)
        if not isinstance(found, str):
            return found
        why = found
    return f"{reason}, and no ONNX form: {why}"


def graph(content: bytes) -> tuple[PredictorSpec, Arrays] | str:
    """Return a graph as a predictor that reads its last output, or why it can't be run."""
    try:
        import onnx

        outputs = [output.name for output in onnx.load_model_from_string(content).graph.output]
        spec, arrays = PredictorSpec(kind="onnx", output=outputs[-1]), {"graph": np.frombuffer(content, np.uint8)}
        Predictor(spec, arrays)
    except ImportError:
        return "to be served as an ONNX graph it needs the extra onnx: pip install 'tidewheel[onnx]'"
    except (CorruptError, MissingExtraError) as error:
        return error.message
    return spec, arrays
