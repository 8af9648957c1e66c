"""What a report says: plain numbers, which the page, the terminal and JSON all print."""

from __future__ import annotations

from dataclasses import dataclass, field

from tidewheel.metrics import Interval, ReliabilityBin
from tidewheel.registry.parity import ParityCheck

SCORE_BINS = 20


@dataclass(frozen=True)
class Latency:
    """Time inside the service from the request's bytes to the answer's, in microseconds."""

    p50: float
    p95: float
    p99: float


@dataclass(frozen=True)
class Place:
    """What came of the items that stood at one place of the lists: how many are known, and their mean label."""

    place: int
    known: int
    mean: Interval


@dataclass(frozen=True)
class Spread:
    """Which items stood in the lists.

    Attributes
    ----------
    items : int
        Distinct ones.
    coverage : float
        Their share of all that there are to choose from.
    evenness : float
        The effective number of items (the exponential of the entropy of how often each stood in a list) over `items`:
        1 when all stood as often.
    unlike : float or None
        Mean over lists of 1 - the cosine of two of its items; None where items have no vectors.
    """

    items: int
    coverage: float
    evenness: float
    unlike: float | None = None


@dataclass(frozen=True)
class Period:
    """What one version did in one stretch of time.

    Attributes
    ----------
    version : str
        ``Fraud@3``, or "" for answers without a model.
    start : str
        First day of the week or month (``2026-11-16``); "all" for the whole report.
    decisions, fallbacks, explored : int
    actions : dict of str to int
        Decisions by what was decided.
    scores : list of int
        Counts in `SCORE_BINS` equal bins of the report's `score_range`.
    matured, pending, prevented, missing : int
        Decisions whose outcome is known; may still come; can't come, because the decision
        prevented it; did not come.
    positive_share : float or None
        Mean of the known labels (of lists: of their best items'); explored decisions weigh 1 / propensity.
    metrics : dict of str to Interval
        The model's metrics on the matured rows; those that are undefined are left out.
    reliability : list of ReliabilityBin
        Predicted against observed, for probabilities.
    latency_us : Latency or None
    places : list of Place
        Of lists: what came of the items at each place.
    spread : Spread or None
        Of lists: which items stood in them.
    outside : int
        Decisions on rows that the model is not meant for (its ``where``): no outcome of theirs counts.
    """

    version: str
    start: str
    decisions: int
    fallbacks: int
    explored: int
    actions: dict[str, int]
    scores: list[int]
    matured: int
    pending: int
    prevented: int
    missing: int
    positive_share: float | None
    metrics: dict[str, Interval] = field(default_factory=dict)
    reliability: list[ReliabilityBin] = field(default_factory=list)
    latency_us: Latency | None = None
    places: list[Place] = field(default_factory=list)
    spread: Spread | None = None
    outside: int = 0


@dataclass(frozen=True)
class FeatureDrift:
    """How far a column of the served view moved from what the version was trained on.

    `psi` comes with the interval that both sample sizes allow, days counting as what is independent;
    `noise` is what it would be if nothing had moved.
    """

    version: str
    start: str
    feature: str
    psi: float
    low: float
    high: float
    noise: float
    null_share: float
    null_share_trained: float


@dataclass(frozen=True)
class Happening:
    """A lifecycle event beside the numbers: a deployment, an alert, a promotion."""

    at: int
    kind: str
    text: str


@dataclass(frozen=True)
class Report:
    """All of one service between two instants (µs, UTC)."""

    service: str
    generated_at: int
    start: int
    end: int
    metrics: list[str]
    periods: list[Period]
    totals: list[Period]
    drift: list[FeatureDrift]
    happenings: list[Happening]
    score_range: tuple[float, float] = (0.0, 1.0)
    """Ends of the histograms of scores."""
    by: str = "week"
    """Length of a period: ``week`` or ``month``."""
    parity: ParityCheck | None = None
    """The newest check that served features are what replay gives."""
