"""A gate as people write it."""

from __future__ import annotations

from tidewheel.definitions import ir

SERVABLE = frozenset({"parity", "p99_below", "latency_below", "memory_below", "schema_compatible"})
"""Gates that ask whether a version can be served; all others ask how good it is."""


def title(gate: ir.Gate) -> str:
    """Return a gate as people write it.

    Examples
    --------
    >>> title(ir.Gate("beats_champion", "brier"))
    'beats_champion(brier, confidence=0.95)'
    >>> title(ir.Gate("churn_below", value=0.05, approvers=("risk@bank",)))
    'ask(risk@bank, when=churn_below(0.05))'
    """
    if not gate.approvers:
        return _own(gate)
    who = ", ".join(gate.approvers)
    return f"ask({who})" if gate.kind == "ask" else f"ask({who}, when={_own(gate)})"


def _own(gate: ir.Gate) -> str:
    return f"{gate.kind}({', '.join(_arguments(gate))})"


def _arguments(gate: ir.Gate) -> list[str]:
    match gate.kind:
        case "beats_champion":
            return [gate.metric, f"confidence={gate.confidence:g}"]
        case "no_slice_worse":
            return [gate.metric, f"by={'+'.join(gate.by)}", f"margin={gate.value:g}", f"confidence={gate.confidence:g}"]
        case "fair":
            sure = None if gate.confidence == ir.Gate("fair").confidence else gate.confidence
            ends = (("ratio", gate.low), ("difference", gate.high), ("confidence", sure))
            return [*gate.by, gate.metric, *(f"{name}={end:g}" for name, end in ends if end is not None)]
        case "p99_below":
            return [f"{gate.value / 1000:g}ms"]
        case "latency_below":
            return [f"{gate.value / 1000:g}ms", f"percentile={100 * gate.confidence:g}"]
        case "memory_below":
            return [f"{gate.value / (1 << 20):g}MB"]
        case "fresh_data":
            return [f"within={gate.value / 3_600_000_000:g}h"]
        case "parity" | "schema_compatible" | "ask":
            return []
        case "calibrated" | "churn_below":
            return [f"{gate.value:g}"]
        case _:
            return [gate.metric, f"{gate.value:g}"]
