"""One row through a hundred trees of 31 leaves, 30 features: the kernel's walk beside the library's own ways.

Each takes the same rows in turns; CPU time of this thread a row, median of runs. Before anything is timed the raw
scores are compared with the library's, to the last bit (ONNX Runtime computes in float32: near).
"""

from __future__ import annotations

import ctypes
import os
import statistics
import sys
from collections.abc import Callable
from time import thread_time_ns
from typing import Any

import lightgbm
import numpy as np
from benchmarks.harness import report

from tidewheel.kernel.models.lightgbm_text import parse_lightgbm
from tidewheel.registry.models.predictors import Predictor, PredictorSpec, trees_arrays

COLUMNS, TRAINED, ASKED, RUNS = 30, 20_000, 2_000, 9
GOAL_US = 10.0
RAW, FLOAT64 = 1, 1
Row = Callable[[Any], object]


def model() -> tuple[lightgbm.Booster, Any]:
    """Train on numbers of which some are missing; return the booster and other rows."""
    random = np.random.default_rng(4)
    rows = random.normal(size=(TRAINED + ASKED, COLUMNS))
    rows[random.random(rows.shape) < 0.05] = np.nan
    known = np.nan_to_num(rows)
    label = (known[:, 0] + known[:, 1] * known[:, 2] + random.normal(size=len(rows)) > 0.5).astype(float)
    parameters = {"objective": "binary", "num_leaves": 31, "verbose": -1, "num_threads": 1, "seed": 1}
    booster = lightgbm.train(parameters, lightgbm.Dataset(rows[:TRAINED], label[:TRAINED]), 100)
    return booster, np.ascontiguousarray(rows[TRAINED:])


def c_call(booster: lightgbm.Booster) -> Row:
    """Return LightGBM's prepared call for one row of its C interface."""
    library = lightgbm.basic._LIB
    config, out, written = ctypes.c_void_p(), (ctypes.c_double * 1)(), ctypes.c_int64()
    prepared = library.LGBM_BoosterPredictForMatSingleRowFastInit(
        booster._handle, RAW, 0, -1, FLOAT64, COLUMNS, b"num_threads=1", ctypes.byref(config)
    )
    if prepared:
        sys.exit("LightGBM refused to prepare its call")
    call, length = library.LGBM_BoosterPredictForMatSingleRowFast, ctypes.byref(written)

    def run(row: Any) -> float:
        call(config, ctypes.c_void_p(row.ctypes.data), length, out)
        return out[0]

    return run


def onnx_call(predictor: Predictor) -> Row | None:
    """Return ONNX Runtime's session of the same trees; None where the extra is not installed."""
    try:
        import onnxruntime
    except ImportError:
        return None
    from tidewheel.definitions.ir import Graph
    from tidewheel.registry.models.bundles import Bundle, Manifest
    from tidewheel.registry.models.onnx import onnx_session
    from tidewheel.training.export.graph import graph_of

    names = tuple(f"x{i}" for i in range(COLUMNS))
    manifest = Manifest(model="M", view="V", graph=Graph(), columns=names, predictor=predictor.spec)
    session = onnx_session(graph_of(Bundle(manifest, predictor.arrays), "M@1").SerializeToString())
    name = session.get_inputs()[0].name
    print(f"  onnxruntime {onnxruntime.__version__}")
    return lambda row: session.run(None, {name: row})[0][0]


def check(ways: dict[str, Row], booster: lightgbm.Booster, rows: Any) -> None:
    """Stop unless every way gives the library's own raw scores."""
    library = np.asarray(booster.predict(rows, raw_score=True))
    for name, way in ways.items():
        scores = np.array([np.ravel(way(rows[i : i + 1]))[0] for i in range(len(rows))], np.float64)
        equal = (
            np.allclose(scores, library, atol=1e-4) if name == "onnxruntime" else scores.tobytes() == library.tobytes()
        )
        if not equal:
            sys.exit(f"{name} differs from the library")
    print(
        f"  answers equal on {len(rows)} rows, to the bit: {', '.join(name for name in ways if name != 'onnxruntime')}"
    )


def microseconds(way: Row, rows: list[Any]) -> float:
    """Return CPU time a row."""
    start = thread_time_ns()
    for row in rows:
        way(row)
    return (thread_time_ns() - start) / len(rows) / 1000


def main() -> bool:
    """Measure all in turns; return whether the goal is met."""
    booster, rows = model()
    arrays = trees_arrays(parse_lightgbm(booster.model_to_string()))
    predictor = Predictor(PredictorSpec(kind="trees"), arrays)
    ways: dict[str, Row] = {
        "ours": predictor.score_one,
        "c_call": c_call(booster),
        "booster": lambda row: booster.predict(row, raw_score=True),
    }
    if (session := onnx_call(predictor)) is not None:
        ways["onnxruntime"] = session
    check(ways, booster, rows)
    single = [rows[i : i + 1] for i in range(len(rows))]
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(RUNS):
        for name, way in ways.items():
            taken[name].append(microseconds(way, single[:200] if name == "booster" else single))
    figures = {f"{name}_us": statistics.median(times) for name, times in taken.items()}
    for name, value in figures.items():
        print(f"  {name:<16} {value:7.2f} us of CPU a row")
    print(f"  load of the machine: {os.getloadavg()[0]:.1f}")
    ours = figures["ours_us"]
    ratios = {
        "within_10_us": GOAL_US / ours,
        "booster": figures["booster_us"] / ours,
        "c_call": figures["c_call_us"] / ours,
    }
    if "onnxruntime_us" in figures:
        ratios["onnxruntime"] = figures["onnxruntime_us"] / ours
    return report("serving/trees", figures, ratios, {"within_10_us": 1.0})


if __name__ == "__main__":
    sys.exit(not main())
