"""Names of metrics that take a parameter: ``tw.metric``.

Examples
--------
>>> import tidewheel as tw
>>> tw.metric.recall_at(precision=0.9)
'recall_at(precision=0.9)'
"""

from __future__ import annotations

from tidewheel.definitions.language.quantities import share_of

__all__ = ["precision_at", "recall_at"]


def precision_at(*, recall: float) -> str:
    """Name the precision at the threshold that reaches a recall.

    Examples
    --------
    >>> precision_at(recall=0.95)
    'precision_at(recall=0.95)'
    """
    return f"precision_at(recall={share_of('recall', recall)!r})"


def recall_at(*, precision: float) -> str:
    """Name the recall at the threshold that reaches a precision."""
    return f"recall_at(precision={share_of('precision', precision)!r})"
