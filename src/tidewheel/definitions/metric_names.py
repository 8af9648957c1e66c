"""Names of metrics that take a parameter: ``tw.metric``.

Examples
--------
>>> import tidewheel as tw
>>> tw.metric.recall_at(precision=0.9)
'recall_at(precision=0.9)'
"""

from __future__ import annotations

from tidewheel.definitions.models import precision_at, recall_at

__all__ = ["precision_at", "recall_at"]
