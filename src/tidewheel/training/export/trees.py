"""The kernel's trees as one ``TreeEnsemble`` node of ONNX (ai.onnx.ml, version 5), in float64."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tidewheel.errors import InputError
from tidewheel.kernel.models import trees as kernel
from tidewheel.training.export.nodes import Nodes

Words = npt.NDArray[np.int64]
_LEQ, _MEMBER = 0, 6
_SUM = 1


def add_trees(nodes: Nodes, rows: str, words: Words) -> str:
    """Add an ensemble, given as ``kernel.Trees.words``; return the name of its raw scores, shape (n,).

    Raises
    ------
    InputError
        Zeros are missing values to it.
    """
    roots, table, leaves, bits = kernel.sections(words)
    values, base = leaves.view(np.float64), float(words[kernel.R_BASE : kernel.R_BASE + 1].view(np.float64)[0])
    divisor = float(words[kernel.R_DIVISOR : kernel.R_DIVISOR + 1].view(np.float64)[0])
    base += float(values[~roots[roots < 0]].sum())  # trees of one leaf are no trees to ONNX
    if words[kernel.R_SINGLE] & 1:
        rows = nodes.add("Cast", nodes.add("Cast", rows, to=nodes.single), to=nodes.double)
    if not len(table):
        return nodes.line(nodes.zeros(rows), 1.0, base / divisor)
    summed = _ensemble(nodes, rows, roots[roots >= 0], table, values, bits)
    return nodes.line(summed, 1.0 / divisor, base / divisor)


def _ensemble(nodes: Nodes, rows: str, roots: Words, table: Words, values: npt.NDArray[np.float64], bits: Words) -> str:
    flags, left, right = table[:, kernel.N_FEATURE] & 255, table[:, kernel.N_LEFT], table[:, kernel.N_RIGHT]
    if (flags & kernel.MISSING_ZERO).any():
        raise InputError("trees to which zeros are missing values have no ONNX form here", remedy="serve it as it is")
    categorical = (flags & kernel.CATEGORICAL) != 0
    thresholds = np.ascontiguousarray(table[:, kernel.N_THRESHOLD]).view(np.float64)
    splits = np.where(categorical, 0.0, thresholds)
    by_default = (flags & kernel.MISSING_NAN) != 0
    null_left = np.where(by_default, (flags & kernel.DEFAULT_LEFT) != 0, ~categorical & (splits >= 0.0))
    sets = [_codes(bits, int(word)) for word in table[categorical, kernel.N_THRESHOLD]]
    members = {"membership_values": nodes.tensor(np.concatenate([[*codes, np.nan] for codes in sets]))} if sets else {}
    wide = nodes.add(
        "TreeEnsemble", rows,
        domain="ai.onnx.ml",
        n_targets=1,
        aggregate_function=_SUM,
        post_transform=0,
        tree_roots=roots.tolist(),
        nodes_featureids=(table[:, kernel.N_FEATURE] >> 8).tolist(),
        nodes_modes=nodes.tensor(np.where(categorical, _MEMBER, _LEQ).astype(np.uint8)),
        nodes_splits=nodes.tensor(splits),
        nodes_missing_value_tracks_true=null_left.astype(np.int64).tolist(),
        nodes_truenodeids=np.where(left >= 0, left, ~left).tolist(),
        nodes_trueleafs=(left < 0).astype(np.int64).tolist(),
        nodes_falsenodeids=np.where(right >= 0, right, ~right).tolist(),
        nodes_falseleafs=(right < 0).astype(np.int64).tolist(),
        leaf_targetids=[0] * len(values),
        leaf_weights=nodes.tensor(values),
        **members,
    )  # fmt: skip
    return nodes.add("Squeeze", wide, nodes.whole([1]))


def _codes(bits: Words, chosen: int) -> list[float]:
    """Return the codes of a node's bit set; one that no level has where it is empty, which the runtime refuses."""
    start, count = chosen >> 32, chosen & 0xFFFFFFFF
    octets = bits[start : start + count].view(np.uint8)
    return np.flatnonzero(np.unpackbits(octets, bitorder="little")).astype(float).tolist() or [-1.0]
