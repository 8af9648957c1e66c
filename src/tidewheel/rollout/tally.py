"""What guards count, kept up as decisions come in: each is read once, so that a look costs what is new.

Guards ask for sums alone: how many decisions, how many slow, how many with a fallback, by how much answers differ. The
sums of a deployment are begun anew when its pointer moves, and when the keeper starts.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pyarrow as pa

from tidewheel.definitions import ir
from tidewheel.outcomes import COLUMNS, answered, fell_back, time_spent
from tidewheel.registry.pointers.deployments import Deployment
from tidewheel.rollout.evidence import behind_of, challengers, compared
from tidewheel.rollout.guards import NOTHING, Evidence, Known, Sample
from tidewheel.rollout.view import LoopView

NEEDED = ("decision_id", "event_id", "instant", "arm", "unit", "fallback", "timings", "caller")


class TalliedSide:
    """Sums of one version's decisions; what `guards.Side` says of arrays."""

    def __init__(self, limits: Collection[float]) -> None:
        self._slow = dict.fromkeys(limits, 0)
        self._timed = self._decided = self._failed = 0
        self.known = NOTHING

    def add(self, decisions: pa.Table) -> None:
        """Count more decisions."""
        spent = time_spent(decisions)
        self._timed += int((~np.isnan(spent)).sum())
        for limit in self._slow:
            self._slow[limit] += int((spent > limit).sum())
        self._decided += decisions.num_rows
        self._failed += int(fell_back(decisions).sum())

    def slow(self, limit: float) -> Sample:
        """Return how many decisions were timed, and how many of them took longer than a limit."""
        return Sample(self._timed, float(self._slow[limit]))

    def failed(self) -> Sample:
        """Return how many decisions there are, and how many got a fallback."""
        return Sample(self._decided, float(self._failed))


class Tally:
    """Counts the decisions of one deployment since its pointer moved.

    Parameters
    ----------
    view : LoopView
    service : ir.Service
    deployment : Deployment
        Not a shadow: those are compared where they are scored.
    guards : collection of ir.Guard
        Those that will be asked.
    """

    def __init__(
        self, view: LoopView, service: ir.Service, deployment: Deployment, guards: Collection[ir.Guard]
    ) -> None:
        self.revision, self._guards = deployment.revision, tuple(guards)
        self._view, self._deployment = view, deployment
        self._kinds = {guard.kind for guard in guards}
        limits = [guard.limit for guard in guards if guard.kind == "latency"]
        self._ours, self._usual = TalliedSide(limits), TalliedSide(limits)
        self._settled = view.settled + service.deadline * (not view.replayed)
        self._changes = Sample(0, 0.0)
        self._comparable = True
        self.until = deployment.since

    def counts(self, deployment: Deployment, guards: Collection[ir.Guard]) -> bool:
        """Whether these are the sums for that deployment and those guards."""
        return self.revision == deployment.revision and self._guards == tuple(guards)

    def read(self) -> int:
        """Count the decisions that came in since the last time; return how many."""
        until = self._view.now() - self._settled
        if until <= self.until:
            return 0
        columns = COLUMNS if "divergence" in self._kinds else NEEDED
        found = self._view.decisions(self._deployment.service, self.until, until, columns)
        self.until = until
        if not found.num_rows:
            return 0
        rows = answered(found)
        mine = challengers(self._deployment, rows)
        self._ours.add(rows.filter(pa.array(mine)))
        self._usual.add(rows.filter(pa.array(~mine)))
        if "divergence" in self._kinds and self._deployment.challenger:
            self._compare(rows)
        return int(rows.num_rows)

    def evidence(self, known: Known) -> Evidence:
        """Return what is known by now; outcomes are `known` of the watched version."""
        champion, challenger = self._deployment.champion, self._deployment.challenger
        behind = behind_of(self._view, self._deployment, self._kinds)
        self._ours.known = known
        if not challenger:
            return Evidence(champion, champion, self._ours, None, behind=behind[champion])
        changes = self._changes if self._comparable and "divergence" in self._kinds else None
        return Evidence(challenger, champion, self._ours, self._usual, changes, behind[challenger], behind[champion])

    def _compare(self, rows: pa.Table) -> None:
        found = compared(self._view, self._deployment, rows)
        self._comparable = found is not None
        if found is not None:
            self._changes = Sample(self._changes.n + found.size, self._changes.total + float(found.sum()))
