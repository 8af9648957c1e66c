"""What was asked of each model, in the words of Triton's statistics extension."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from tidewheel.serving.observing.metrics import Inferences, Metrics, Snapshot

if TYPE_CHECKING:
    from tidewheel.serving.api.oip.models import Model

PARTS = ("success", "fail", "queue", "compute_input", "compute_infer", "compute_output", "cache_hit", "cache_miss")


class Statistics:
    """Counts by model and version, among the numbers that a process tells the others.

    Parameters
    ----------
    metrics : Metrics
        Of this process.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._counted = metrics.inferred

    def answered(self, model: Model, rows: int, ns: int, now: int) -> None:
        """Count an answer."""
        counted = self._counted.setdefault(_key(model), Inferences())
        counted.rows += rows
        counted.executions += 1
        counted.success_ns += ns
        counted.last = now // 1000

    def failed(self, model: Model, ns: int) -> None:
        """Count a request without an answer."""
        counted = self._counted.setdefault(_key(model), Inferences())
        counted.failures += 1
        counted.fail_ns += ns


def statistics_of(model: Model, snapshots: Iterable[Snapshot]) -> dict[str, Any]:
    """Return a version's numbers, of all processes together; what is not measured apart is 0."""
    counted = Inferences()
    for snapshot in snapshots:
        counted.add(snapshot.inferred.get(_key(model), Inferences()))
    nothing = {"count": 0, "ns": 0}
    done = {"count": counted.executions, "ns": counted.success_ns}
    parts: dict[str, dict[str, int]] = dict.fromkeys(PARTS, nothing)
    parts |= {"success": done, "compute_infer": done, "fail": {"count": counted.failures, "ns": counted.fail_ns}}
    return {
        "name": model.name,
        "version": model.version,
        "last_inference": counted.last,
        "inference_count": counted.rows,
        "execution_count": counted.executions,
        "inference_stats": parts,
        "batch_stats": [],
    }


def _key(model: Model) -> str:
    return f"{model.name}@{model.version}"
