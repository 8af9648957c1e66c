"""One worker's part of a boosting fit: its rows' histograms, summed with the others' by the library's own network.

Each worker ends with the same model. Early stopping watches the same rows on each, so that all stop at the same
round.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from tidewheel.engine import Member
from tidewheel.training.fit import boosters, estimators
from tidewheel.training.fit.estimators import Fit
from tidewheel.training.fit.matrix import Matrix

MINUTES = 10
"""For which LightGBM waits for a worker that does not answer."""
TRIES = 10
"""To reach XGBoost's tracker, which the first worker begins."""


@dataclass(frozen=True)
class Share:
    """What one worker is given: an unfitted estimator, its rows, and those that early stopping watches."""

    estimator: Any
    rows: Matrix
    held: Matrix | None


def boost(member: Member, share: Share) -> Fit | None:
    """Fit in step with the other workers; the first returns the fitted estimator."""
    network = _lightgbm if boosters.library(share.estimator) == "lightgbm" else _xgboost
    with network(member, share.estimator):
        fit = estimators.fit_on(share.estimator, share.rows, share.held)
    return None if member.rank else fit


@contextmanager
def _lightgbm(member: Member, estimator: Any) -> Iterator[None]:
    """Give an estimator its parameters of the network for one fit.

    Source: LightGBM's documentation, "Parallel Learning Guide": data parallel over sockets.
    """
    alone = {"tree_learner": "serial", "num_machines": 1, "machines": "", "local_listen_port": 12400}
    estimator.set_params(
        tree_learner="data", num_machines=len(member.peers), machines=",".join(member.peers),
        local_listen_port=member.port, time_out=MINUTES, pre_partition=True,
    )  # fmt: skip
    try:
        yield
    finally:
        estimator.set_params(**alone)


@contextmanager
def _xgboost(member: Member, estimator: Any) -> Iterator[None]:
    """Join XGBoost's collective; the first worker also begins the tracker by which they find each other."""
    from xgboost.collective import CommunicatorContext
    from xgboost.tracker import RabitTracker

    host, _, port = member.peers[0].rpartition(":")
    tracker = None
    if member.rank == 0:
        tracker = RabitTracker(n_workers=len(member.peers), host_ip=host, port=int(port), sortby="task")
        tracker.start()
    joined = CommunicatorContext(
        dmlc_communicator="rabit", dmlc_tracker_uri=host, dmlc_tracker_port=int(port),
        dmlc_task_id=f"{member.rank:06d}", dmlc_retry=TRIES,
    )  # fmt: skip
    with ExitStack() as stack:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of each try before the tracker listens; the last one's failure is raised
            stack.enter_context(joined)
        yield
    if tracker is not None:
        tracker.wait_for()
