"""How long a shadow would have taken: its model asked for one row at a time, in place of the champion's model.

A shadow is scored in batches off the request path, which says nothing of a request. So of the decisions that came in
since the last look some are asked for again singly, by the code that serves. Features, rules and the rest take what
they took then.
"""

from __future__ import annotations

from time import perf_counter_ns

import numpy as np

from tidewheel.outcomes import time_spent, view_rows
from tidewheel.outcomes.answered import is_text
from tidewheel.registry.pointers.deployments import Deployment
from tidewheel.registry.versions.names import members_of
from tidewheel.rollout.guards import Floats
from tidewheel.rollout.view import LoopView
from tidewheel.serving.deciding.lineup import view_of
from tidewheel.serving.deciding.predictor import Scorer

AT_ONCE = 200
"""Decisions timed in one look."""
MOST = 20_000
MODEL = 3
"""The model's place among a decision's timings."""
WARM = 20
NEEDED = ("decision_id", "instant", "view", "features", "timings")


class ShadowTime:
    """Times of one shadow, in microseconds, added to from look to look.

    Parameters
    ----------
    view : LoopView
    deployment : Deployment
        Its challenger is a shadow.
    """

    def __init__(self, view: LoopView, deployment: Deployment) -> None:
        self.revision = deployment.revision
        self.spent: Floats = np.empty(0)
        self._view, self._deployment = view, deployment
        self._until = deployment.since

    def look(self) -> int:
        """Time some of the decisions that came in since the last look; return how many.

        None of a version on another view, whose rows are not at hand, nor of several models.
        """
        version, until = self._deployment.challenger, self._view.now() - self._view.settled
        if len(members_of(version)) > 1 or self.spent.size >= MOST:
            return 0
        if until <= self._until:
            return 0
        found = self._view.decisions(self._deployment.service, self._until, until, NEEDED)
        self._until = until
        manifest = (bundle := self._view.bundle(version)).manifest
        same = found.filter(is_text(found["view"], manifest.view_digest))
        same = same.slice(max(0, same.num_rows - AT_ONCE))
        names = [column.name for column in view_of(manifest.graph, manifest.view).columns]
        kept, words = view_rows(same, len(names))
        if not kept.size:
            return 0
        scorer = Scorer(bundle, names)
        for row in words[:WARM]:
            scorer(row)
        ours = np.array([_taken(scorer, row) for row in words])
        theirs = np.array(
            [timings[MODEL] if len(timings or ()) > MODEL else 0 for timings in same["timings"].to_pylist()]
        )
        rest = time_spent(same)[kept] - theirs[kept] / 1000.0
        self.spent = np.concatenate([self.spent, rest + ours])
        return int(kept.size)


def _taken(scorer: Scorer, row: Floats) -> float:
    start = perf_counter_ns()
    scorer(row)
    return (perf_counter_ns() - start) / 1000.0
