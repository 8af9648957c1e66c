"""Choosing a service's threshold by what a version's held-out scores would have cost or found."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tidewheel.definitions import ir
from tidewheel.errors import InputError, NotFoundError
from tidewheel.metrics.bootstrap import Interval, interval
from tidewheel.metrics.operating import Operating, at_precision, at_recall, cheapest, operating_curve
from tidewheel.metrics.registry import metric
from tidewheel.registry.models.arrays import unpack_arrays
from tidewheel.registry.pointers.pointers import find_deployment
from tidewheel.registry.runs.runs import get_run
from tidewheel.registry.versions.versions import get_version
from tidewheel.runtime.stores import Stores
from tidewheel.workspace.naming import find
from tidewheel.workspace.rollouts.deploying import turn_thresholds

Floats = npt.NDArray[np.float64]


class Goal(NamedTuple):
    """What a threshold is to reach: a least cost, a precision, or a recall."""

    fp: float = 0.0
    fn: float = 0.0
    precision: float | None = None
    recall: float | None = None

    def __str__(self) -> str:
        if self.precision is not None:
            return f"precision {self.precision:g}"
        return f"recall {self.recall:g}" if self.recall is not None else f"cost fp={self.fp:g}, fn={self.fn:g}"


class Chosen(NamedTuple):
    """A threshold chosen for an action, from which version's test rows, and how sure its precision is."""

    action: str
    version: str
    rows: int
    found: Operating
    precision: Interval | None


def choose_threshold(
    stores: Stores,
    graph: ir.Graph,
    service: str,
    goal: Goal,
    *,
    action: str = "",
    version: str = "",
    store: bool = False,
) -> Chosen:
    """Choose the score from which a service takes an action, and turn its thresholds to it when `store` is set.

    Parameters
    ----------
    stores : Stores
    graph : ir.Graph
    service : str
    goal : Goal
    action : str
        By default the one with the highest threshold.
    version : str
        ``Fraud@3``; by default the one the service answers with.
    store : bool
        The new thresholds are a record of their own, with the goal as its reason; nothing is deployed.

    Raises
    ------
    InputError
        The service has no such action, or the version belongs to another model.
    NotFoundError
        Nothing is deployed, or the version's run kept no held-out scores.
    MetricError
        No threshold reaches the goal.
    """
    declared = find(graph.services, service, "service")
    actions = [name for name, _ in declared.thresholds]
    if not actions or (action and action not in actions):
        raise InputError(
            f"{service} has no threshold for {action!r}" if actions else f"{service} decides by no thresholds",
            remedy=f"its actions: {', '.join(actions)}" if actions else "declare decide = tw.thresholds(...)",
        )
    name = version or _answering(stores, service)
    y, score, weight = _held_out(stores, name)
    curve = operating_curve(y, score, weight)
    if goal.precision is not None:
        found = at_precision(curve, goal.precision)
    else:
        found = at_recall(curve, goal.recall) if goal.recall is not None else cheapest(curve, fp=goal.fp, fn=goal.fn)
    sure = interval(metric(f"precision_at(recall={found.recall!r})"), y, score, weight) if found.recall > 0 else None
    chosen = Chosen(action or actions[-1], name, int(y.size), found, sure)
    if store:
        turn_thresholds(stores, graph, service, {chosen.action: found.threshold}, f"{goal} on the test rows of {name}")
    return chosen


def _answering(stores: Stores, service: str) -> str:
    deployed = find_deployment(stores.catalog, service)
    if deployed is None or not deployed.champion:
        raise NotFoundError(f"no version answers for {service}", remedy="name one: --version Fraud@1")
    return deployed.champion


def _held_out(stores: Stores, version: str) -> tuple[Floats, Floats, Floats]:
    run = get_run(stores.catalog, get_version(stores.catalog, version).run)
    digest = run.artifacts.get("held_out", "")
    if not digest:
        raise NotFoundError(f"the run of {version} kept no held-out scores", remedy="train again with this release")
    arrays = unpack_arrays(stores.artifacts.get(digest).read_bytes(), version)
    return arrays["y"], arrays["score"], arrays["weight"]
