"""How good a model was found to be: one artifact of its run, read by reports, cards and gates.

A run keeps it under the name `ARTIFACT`, as canonical JSON. A list is empty, and a number None, where a thing was not
measured: nothing here is made up. What a field means does not change within one `FORMAT`; new fields have defaults.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from tidewheel.registry.canonical import canonical, read_record
from tidewheel.registry.models.bundles import ArtifactStore
from tidewheel.registry.runs.runs import Metric

FORMAT = 1
"""Goes up when an older release could misread an evaluation."""
ARTIFACT = "evaluation"
"""The name of it among a run's artifacts."""

CurveKind = Literal["precision_recall", "roc", "reliability", "gain", "residuals"]
Other = Literal["champion", "previous", "baseline"]


class Curve(msgspec.Struct, frozen=True, kw_only=True):
    """A line to draw, of at most a few hundred points.

    ``precision_recall``: recall against precision. ``roc``: false against true positive rate. ``reliability``: mean
    score of a bin against its share of positives, with Wilson's interval and the bin's rows. ``gain``: share of rows
    taken from the top against the share of positives found. ``residuals``: mean prediction of a bin against mean label.
    """

    kind: CurveKind
    of: str
    """Whose scores: ``candidate``, ``champion``, ``previous``."""
    x: list[float]
    y: list[float]
    low: list[float] = []
    high: list[float] = []
    rows: list[int] = []


class Slice(msgspec.Struct, frozen=True, kw_only=True):
    """The model on part of the test rows."""

    where: dict[str, str]
    """Column and value; a number's value is its bin, as ``(12, 40]``; null is ``(null)``."""
    declared: bool
    """False when it was found by search."""
    rows: int
    positives: float | None = None
    """Share of positives, or the mean label."""
    metric: str
    value: float | None
    low: float | None = None
    high: float | None = None
    rest: float | None = None
    """The metric on all other test rows."""
    p: float | None = None
    """Of "the slice is no worse than the rest", one-sided."""
    q: float | None = None
    """The same after Benjamini-Hochberg over all slices that were looked at."""
    champion: float | None = None
    baseline: float | None = None
    change: float | None = None
    """Better than the champion by this much on the slice (positive is better), with its interval."""
    change_low: float | None = None
    change_high: float | None = None


class Against(msgspec.Struct, frozen=True, kw_only=True):
    """The candidate against another on the same test rows."""

    other: Other
    version: str = ""
    """Which version; "" for the baseline."""
    metric: str
    difference: float
    """Positive is better."""
    low: float | None = None
    high: float | None = None
    better: float | None = None
    """Share of the resamples in which the candidate was better."""


class Churn(msgspec.Struct, frozen=True, kw_only=True):
    """How much decisions move when the candidate takes over."""

    version: str
    """Against which version."""
    rows: int
    service: str = ""
    thresholds: dict[str, float] = {}
    changed: float | None = None
    """Share of rows whose action differs at these thresholds; None when no service has any."""
    moves: dict[str, int] = {}
    """Rows by ``allow -> block``, those that change alone."""
    mean_change: float
    """Mean absolute difference of the scores."""
    rank_correlation: float | None = None
    """Spearman's; None when one of the two is constant."""


class ColumnImportance(msgspec.Struct, frozen=True, kw_only=True):
    """What a column does for the model. Not causal, and shared between columns that say the same."""

    column: str
    gain: float | None = None
    """Share of what the trees gained by splitting on it."""
    permutation: float | None = None
    """How much worse the leading metric is on the test rows with the column shuffled; mean of the shuffles."""
    permutation_std: float | None = None
    """Spread over the shuffles."""
    shap: float | None = None
    """Mean absolute SHAP value on test rows, in raw score."""


class LearningPoint(msgspec.Struct, frozen=True, kw_only=True):
    """The leading metric when fitted on the newest share of the train rows."""

    share: float
    rows: int
    metric: str
    value: float | None
    low: float | None = None
    high: float | None = None
    seconds: float = 0.0


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """One group of a fairness question. Rates are at `Fairness.threshold`; None where there is nobody to take it of."""

    value: str
    rows: int
    positives: float
    """Share of positives (base rate)."""
    mean_score: float
    selected: float
    """Share with a score at or above the threshold."""
    selected_low: float
    selected_high: float
    true_positive_rate: float | None = None
    false_positive_rate: float | None = None
    precision: float | None = None
    small: bool = False
    """Too few rows to be judged by."""


class Fairness(msgspec.Struct, frozen=True, kw_only=True):
    """Groups of one column."""

    column: str
    threshold: float
    groups: list[Group]
    ratio: dict[str, float] = {}
    """Per measure, the least group's over the greatest's, small groups left out."""
    difference: dict[str, float] = {}
    """Per measure, the greatest group's minus the least's."""


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a person should look at."""

    what: str
    text: str
    evidence: dict[str, Any] = {}


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """All that was measured of one run."""

    format: int = FORMAT
    model: str
    task: Literal["classification", "regression", "ranking"]
    rows: int
    """Test rows."""
    positives: float
    """Share of positives among them, or the mean label."""
    leading: str
    """The metric that slices, importance and the learning curve are told in."""
    greater_is_better: bool
    method: str = ""
    """How intervals were made: ``rows``, ``entity card``, ``time 1d``; and the number of resamples."""
    metrics: list[Metric] = []
    """Splits ``test``, ``train``, ``baseline``, and when there are any ``champion`` and ``previous``: on the test rows,
    but ``train``."""
    breakdown: dict[str, float] = {}
    """Brier's score taken apart: ``reliability``, ``resolution``, ``uncertainty``, ``within`` (Murphy 1973)."""
    curves: list[Curve] = []
    slices: list[Slice] = []
    slices_tried: int = 0
    """How many the search looked at: what `Slice.q` is corrected for."""
    against: list[Against] = []
    churn: Churn | None = None
    importance: list[ColumnImportance] = []
    learning_curve: list[LearningPoint] = []
    fairness: list[Fairness] = []
    findings: list[Found] = []


def save_evaluation(artifacts: ArtifactStore, evaluation: Evaluation) -> str:
    """Keep an evaluation; return its digest."""
    return artifacts.put(canonical(evaluation))


def load_evaluation(artifacts: ArtifactStore, digest: str) -> Evaluation:
    """Return an evaluation by its digest.

    Raises
    ------
    CorruptError
        The artifact is something else, or of a newer release.
    """
    return read_record(artifacts.get(digest).read_bytes(), Evaluation, FORMAT, digest)


def evaluation_of(artifacts: ArtifactStore, left: Mapping[str, str]) -> Evaluation | None:
    """Return the evaluation among a run's artifacts (``run.artifacts``); None when it left none."""
    digest = left.get(ARTIFACT)
    return load_evaluation(artifacts, digest) if digest else None
