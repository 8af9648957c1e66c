"""Guards asked: whether a version that is rolled out keeps to what was declared, as far as the rows so far can tell.

Every bound holds at all sample sizes at once (`metrics.sequential`), so it does not matter how often this is asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, nan
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from tidewheel.definitions import format_duration, ir
from tidewheel.metrics.sequential import Bounds, any_mean, bounded_mean

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

ALPHA = 0.01
"""Chance that a rollout that does no harm is ever taken back, all its guards and steps together."""
USUAL: tuple[ir.Guard, ...] = (ir.Guard("fallbacks", 0.01),)
"""For a service that declares none."""
COMPARED = ir.Guard("divergence", 1.0)
"""Never fires; tells of a shadow how often it would have acted differently."""


class Sample(NamedTuple):
    """So many numbers between 0 and 1, and their sum: all that a bound needs."""

    n: int
    total: float


class Known(NamedTuple):
    """Outcomes of decisions, as far as they are known.

    Attributes
    ----------
    labels : float64 array
        Of those that did not explore.
    explored : float64 array
        Of those that were to prevent their outcome, and were let through to explore.
    stopped : Sample
        All decisions, and how many of them were to prevent their outcome, explored ones among them; (0, 0) for a
        service that does not explore: of what it prevents nobody knows anything.
    """

    labels: Floats = np.empty(0)
    explored: Floats = np.empty(0)
    stopped: Sample = Sample(0, 0.0)


NOTHING = Known()


class Counted(Protocol):
    """What came of the decisions of one version, in sums."""

    known: Known

    def slow(self, limit: float) -> Sample:
        """Return how many decisions were timed, and how many of them took longer than a limit."""

    def failed(self) -> Sample:
        """Return how many decisions there are, and how many got a fallback."""


@dataclass
class Side:
    """What came of the decisions of one version, one by one.

    Attributes
    ----------
    spent : float64 array
        Microseconds; NaN where not timed.
    fallbacks : bool array
    known : Known
    """

    spent: Floats
    fallbacks: Flags
    known: Known = NOTHING

    def slow(self, limit: float) -> Sample:
        """Return how many decisions were timed, and how many of them took longer than a limit."""
        spent = self.spent[~np.isnan(self.spent)]
        return Sample(spent.size, float((spent > limit).sum()))

    def failed(self) -> Sample:
        """Return how many decisions there are, and how many got a fallback."""
        return Sample(self.fallbacks.size, float(self.fallbacks.sum()))


class Evidence(NamedTuple):
    """What guards look at.

    Attributes
    ----------
    version, champion : str
    ours : Counted
        Of the version that is watched.
    usual : Counted or None
        The champion's; None when the champion itself is watched.
    changes : float64 array, Sample or None
        For rows that both scored, how far apart: 1 for another action. None where that can't be told.
    behind, usual_behind : int
        How far the features of each are behind the log, in microseconds.
    """

    version: str
    champion: str
    ours: Counted
    usual: Counted | None
    changes: Floats | Sample | None = None
    behind: int = 0
    usual_behind: int = 0


class Finding(NamedTuple):
    """What a guard says.

    Attributes
    ----------
    guard : str
    fired : bool
    enough : bool
        Whether a rollout may go on by it: there are enough rows, and nothing is in the way.
    said : str
    figures : dict
    """

    guard: str
    fired: bool
    enough: bool
    said: str
    figures: dict[str, float]


def ask(guard: ir.Guard, evidence: Evidence, alpha: float) -> Finding:
    """Ask one guard.

    Parameters
    ----------
    guard : ir.Guard
    evidence : Evidence
    alpha : float
        Chance that it ever fires on a version that keeps to it.
    """
    return _ASKED[guard.kind](guard, evidence, alpha)


def _latency(guard: ir.Guard, evidence: Evidence, alpha: float) -> Finding:
    timed = evidence.ours.slow(guard.limit)
    slow = bounded_mean(timed.total, timed.n, alpha)
    limit = format_duration(int(guard.limit))
    said = f"{slow.mean:.2%} of {timed.n} decisions of {evidence.version} took more than {limit}, {guard.share:.2%} may"
    return _finding(guard, f"latency {limit}", slow.low > guard.share, timed.n, said, slow)


def _fallbacks(guard: ir.Guard, evidence: Evidence, alpha: float) -> Finding:
    ours, usual = evidence.ours.failed(), None if evidence.usual is None else evidence.usual.failed()
    share = bounded_mean(ours.total, ours.n, alpha / 2)
    said = f"{share.mean:.1%} of the units of {evidence.version} got a fallback"
    allowed = guard.limit
    if usual is not None and usual.n:
        theirs = bounded_mean(usual.total, usual.n, alpha / 2)
        said += f", {theirs.mean:.1%} of the champion's"
        allowed += theirs.high
    return _finding(guard, "fallbacks", share.low > allowed, ours.n, said, share)


def _divergence(guard: ir.Guard, evidence: Evidence, alpha: float) -> Finding:
    changes = evidence.changes
    if changes is None:
        said = f"{evidence.version} and {evidence.champion} read different views; only a shadow can compare them"
        return Finding("divergence", False, True, said, {})
    found = changes if isinstance(changes, Sample) else Sample(changes.size, float(changes.sum()))
    share = bounded_mean(found.total, found.n, alpha)
    said = f"{evidence.version} differs from {evidence.champion} on {share.mean:.1%} of {found.n} decisions"
    said += f", {guard.limit:.1%} would do" if guard != COMPARED else ""
    return _finding(guard, "divergence", share.low > guard.limit, found.n, said, share)


def _outcome(guard: ir.Guard, evidence: Evidence, alpha: float) -> Finding:
    known = evidence.ours.known
    n, mean = known.labels.size + known.explored.size, mean_outcome(known, alpha, n_best=10 * guard.rows)
    below = guard.low is not None and mean.high < guard.low
    above = guard.high is not None and mean.low > guard.high
    wanted = [f"at least {guard.low:g}"] if guard.low is not None else []
    wanted += [f"at most {guard.high:g}"] if guard.high is not None else []
    said = (
        f"the mean outcome of {n} decisions of {evidence.version} is {mean.mean:.4g}; {' and '.join(wanted)} is asked"
    )
    return _finding(guard, "outcome", below or above, n, said, mean)


def mean_outcome(known: Known, alpha: float, n_best: int = 1000) -> Bounds:
    """Return bounds on the mean outcome of all decisions, had none been prevented.

    What was let through to explore speaks for all that was to be prevented: the two means are laid together by the
    share of such decisions. That is the mean weighted by 1 / propensity, with bounds that hold also while little was
    explored, where a few rows of a great weight say hardly anything.

    Examples
    --------
    >>> seen = Known(np.repeat([1.0, 0.0], [40, 3960]), np.repeat([1.0, 0.0], [60, 60]), Sample(5000, 1000.0))
    >>> [round(end, 3) for end in mean_outcome(seen, 0.05)]
    [0.108, 0.064, 0.162]
    """
    every = np.concatenate([known.labels, known.explored])
    share_like = not every.size or bool(every.min() >= 0.0 and every.max() <= 1.0)
    if not known.stopped.n:
        return _bounds(known.labels, alpha, n_best, share_like)
    through, explored = (_bounds(labels, alpha / 3, n_best, share_like) for labels in (known.labels, known.explored))
    stopped = bounded_mean(known.stopped.total, known.stopped.n, alpha / 3)
    ends = stopped.low, stopped.high
    return Bounds(
        _between(stopped.mean, through, explored, 0) if known.explored.size else through.mean,
        min(_between(share, through, explored, 1) for share in ends),
        max(_between(share, through, explored, 2) for share in ends),
    )


def _between(share: float, one: Bounds, two: Bounds, end: int) -> float:
    """Return an end of two bounds (0 is the mean), the second taken by a share."""
    if share in (0.0, 1.0):  # of what nothing is taken the end may be infinite
        return two[end] if share else one[end]
    return (1.0 - share) * one[end] + share * two[end]


def _bounds(labels: Floats, alpha: float, n_best: int, share_like: bool) -> Bounds:
    if share_like:
        return bounded_mean(float(labels.sum()), labels.size, alpha)
    if not labels.size:
        return Bounds(nan, -inf, inf)
    return any_mean(float(labels.mean()), float(labels.var()), labels.size, alpha, n_best)


def _fresh(guard: ir.Guard, evidence: Evidence, alpha: float) -> Finding:
    ours, usual = evidence.behind > guard.limit, evidence.usual_behind > guard.limit
    behind, limit = format_duration(evidence.behind), format_duration(int(guard.limit))
    said = f"the features of {evidence.version} are {behind} behind the log, {limit} may be"
    figures = {"behind": float(evidence.behind), "champion_behind": float(evidence.usual_behind)}
    alone = ours and not usual and evidence.usual is not None
    return Finding("fresh", alone, not ours, said, figures)


def _finding(guard: ir.Guard, name: str, fired: bool, n: int, said: str, found: Bounds) -> Finding:
    enough = n >= guard.rows
    told = said if enough else f"{n} of {guard.rows} rows: too few to say"
    figures = {"rows": float(n), "value": found.mean, "low": found.low, "high": found.high}
    return Finding(name, fired and enough, enough, told, figures)


_ASKED = {
    "latency": _latency,
    "fallbacks": _fallbacks,
    "divergence": _divergence,
    "outcome": _outcome,
    "fresh": _fresh,
}
