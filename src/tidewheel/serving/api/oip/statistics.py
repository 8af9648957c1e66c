"""What was asked of each model in this process, in the words of Triton's statistics extension."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from tidewheel.serving.api.oip.models import Model

PARTS = ("success", "fail", "queue", "compute_input", "compute_infer", "compute_output", "cache_hit", "cache_miss")


class Counted(msgspec.Struct):
    """One version's numbers."""

    rows: int = 0
    executions: int = 0
    success_ns: int = 0
    failures: int = 0
    fail_ns: int = 0
    last: int = 0
    """Of the last answer, milliseconds since 1970."""


class Statistics:
    """Counts by model and version."""

    def __init__(self) -> None:
        self._counted: dict[tuple[str, str], Counted] = {}

    def answered(self, model: Model, rows: int, ns: int, now: int) -> None:
        """Count an answer."""
        counted = self._counted.setdefault((model.name, model.version), Counted())
        counted.rows += rows
        counted.executions += 1
        counted.success_ns += ns
        counted.last = now // 1000

    def failed(self, model: Model, ns: int) -> None:
        """Count a request without an answer."""
        counted = self._counted.setdefault((model.name, model.version), Counted())
        counted.failures += 1
        counted.fail_ns += ns

    def of(self, model: Model) -> dict[str, Any]:
        """Return a version's numbers; what is not measured apart is 0."""
        counted = self._counted.get((model.name, model.version), Counted())
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
