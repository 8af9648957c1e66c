"""Models: what is learnt from a view, how, and when it is good enough."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from tidewheel.definitions import ir
from tidewheel.definitions.aggregates import KeyLike
from tidewheel.definitions.columns import Column, Condition
from tidewheel.definitions.declared import Declared
from tidewheel.definitions.durations import Duration, parse_duration
from tidewheel.definitions.places import mistake
from tidewheel.definitions.rows import Event
from tidewheel.definitions.views import View
from tidewheel.errors import DefinitionError


@dataclass(frozen=True, eq=False)
class Label:
    """What became of a row; made by `happened` and `outcome`."""

    kind: Literal["happened", "outcome"]
    value: object
    within: Duration
    by: object = None
    otherwise: float | None = None


@dataclass(frozen=True)
class TemporalSplit:
    """Made by `temporal`."""

    test: Duration
    gap: Duration | None


@dataclass(frozen=True)
class Calibration:
    """Made by `isotonic` and `platt`."""

    kind: Literal["isotonic", "platt"]


@dataclass(frozen=True)
class Space:
    """The values a parameter may take while tuning; made by `int_range`, `log_range`, `float_range`, `choice`."""

    kind: Literal["int", "float", "log", "choice"]
    low: float = 0.0
    high: float = 0.0
    choices: tuple[Any, ...] = ()


class Model(metaclass=Declared):
    """What is learnt from a view's rows.

    Attributes
    ----------
    view : view class
        The model's input.
    label : ``tw.happened(...)`` or ``tw.outcome(...)``
        What became of a row.
    estimator : object with ``fit`` and ``predict``, optional
        Cloned for each run; LightGBM by default.
    search, trials
        Parameters to tune, ``{"num_leaves": tw.int_range(15, 127)}``, and how many settings to try.
    calibrate : ``tw.isotonic()`` or ``tw.platt()``, optional
    split : ``tw.temporal(...)``, optional
        By default the last 30 days are the test.
    metrics : sequence of str, optional
        The first leads.
    gates : sequence of gates, optional
        What a version must pass before it may be deployed.
    retrain : ``tw.retrain(...)`` or ``"daily"``, ``"weekly"``, ``"monthly"``, optional
    """

    view: ClassVar[type[View]]
    label: ClassVar[Label]
    estimator: ClassVar[Any] = None
    search: ClassVar[Mapping[str, Space]] = {}
    trials: ClassVar[int] = 20
    calibrate: ClassVar[Calibration | None] = None
    split: ClassVar[TemporalSplit] = TemporalSplit("30d", None)
    metrics: ClassVar[Sequence[str]] = ()
    gates: ClassVar[Sequence[ir.Gate]] = ()
    retrain: ClassVar[ir.Retrain | str | None] = None


def happened(event: type[Event], *, within: Duration, by: KeyLike = None) -> Label:
    """Label a row by whether an event that refers to it came within a time: 1 or 0.

    A row whose time is not over and for which nothing came is not a negative: it is left out.
    `by` says which reference leads to the row, where two do.
    """
    return Label("happened", event, within, by)


def outcome(
    value: float | str | Column[Any] | Condition | None,
    *,
    within: Duration,
    otherwise: float | None = None,
    by: KeyLike = None,
) -> Label:
    """Label a row by a column (or condition) of a later event that refers to it.

    A row to which nothing came is dropped and counted, unless `otherwise` says what it means.
    """
    return Label("outcome", value, within, by, otherwise)


def temporal(*, test: Duration, gap: Duration | None = None) -> TemporalSplit:
    """Test on the last `test`; the `gap` before it, by default the label's horizon, goes to neither set."""
    return TemporalSplit(test, gap)


def isotonic() -> Calibration:
    """Calibrate scores by isotonic regression."""
    return Calibration("isotonic")


def platt() -> Calibration:
    """Calibrate scores by a logistic curve."""
    return Calibration("platt")


def int_range(low: int, high: int) -> Space:
    """Whole numbers from `low` to `high`, both included."""
    return _range("int", low, high)


def float_range(low: float, high: float) -> Space:
    """Numbers from `low` to `high`."""
    return _range("float", low, high)


def log_range(low: float, high: float) -> Space:
    """Positive numbers from `low` to `high`, evenly by their logarithm."""
    if low <= 0:
        raise mistake(f"log_range() starts at {low}, which has no logarithm", "start above 0")
    return _range("log", low, high)


def _range(kind: Literal["int", "float", "log"], low: float, high: float) -> Space:
    if not low < high:
        raise mistake(f"the range from {low} to {high} is empty", "put the lower end first")
    return Space(kind, low, high)


def choice(*values: Any) -> Space:
    """One of some values."""
    if not values:
        raise mistake("choice() of nothing", "write tw.choice('gini', 'entropy')")
    return Space("choice", choices=values)


def precision_at(*, recall: float) -> str:
    """Name the precision at the threshold that reaches a recall.

    Examples
    --------
    >>> precision_at(recall=0.95)
    'precision_at(recall=0.95)'
    """
    return f"precision_at(recall={_share('recall', recall)!r})"


def recall_at(*, precision: float) -> str:
    """Name the recall at the threshold that reaches a precision."""
    return f"recall_at(precision={_share('precision', precision)!r})"


def at_least(metric: str, value: float) -> ir.Gate:
    """Pass when a metric on the test set is at least `value`."""
    return ir.Gate("at_least", metric, _number(value))


def at_most(metric: str, value: float) -> ir.Gate:
    """Pass when a metric on the test set is at most `value`."""
    return ir.Gate("at_most", metric, _number(value))


def beats_champion(metric: str, *, confidence: float = 0.95) -> ir.Gate:
    """Pass when better than the deployed version on the same rows, with this confidence (or when there is none)."""
    return ir.Gate("beats_champion", metric, confidence=_share("confidence", confidence))


def parity() -> ir.Gate:
    """Pass when features served equal features trained on, bit for bit."""
    return ir.Gate("parity")


def p99_below(limit: Duration) -> ir.Gate:
    """Pass when 99 of 100 decisions take less than `limit`; the gate's value is in microseconds."""
    return ir.Gate("p99_below", value=float(parse_duration(limit)))


def retrain(
    every: Literal["", "daily", "weekly", "monthly"] = "",
    *,
    on_drift: float = 0.0,
    canary: str | float = "10%",
    watch: Duration = "7d",
    metric: str = "",
    margin: float = 0.0,
) -> ir.Retrain:
    """Say when to train a challenger and what decides between it and the champion.

    Parameters
    ----------
    every : str
        ``"daily"``, ``"weekly"``, ``"monthly"``, or ``""`` for on drift alone.
    on_drift : float
        Train when a feature's PSI is alerted at this or more; 0 is never.
    canary : str or float
        The challenger's share of traffic: ``"20%"`` or 0.2.
    watch : duration
        How long it runs before it is judged.
    metric : str
        Compared on each one's own traffic; by default the model's leading one.
    margin : float
        Promote at ``champion - margin`` or better.
    """
    if every not in ("", "daily", "weekly", "monthly"):
        raise DefinitionError(f"retrain every {every!r}?", remedy="write 'daily', 'weekly' or 'monthly'")
    if not every and not on_drift:
        raise DefinitionError("this would never retrain", remedy="give a period, or on_drift=")
    return ir.Retrain(
        every, _number(on_drift), share_of("canary", canary), parse_duration(watch), metric, _number(margin)
    )


def share_of(name: str, value: str | float) -> float:
    """Return ``"20%"`` or 0.2 as 0.2, from 0 to 1."""
    if isinstance(value, str):
        try:
            value = float(value.removesuffix("%")) / 100 if value.endswith("%") else math.nan
        except ValueError:
            value = math.nan
    return _share(name, value)


def _share(name: str, value: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise DefinitionError(f"{name} is no share from 0 to 1 (or '0%' to '100%')")
    return float(value)


def _number(value: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise DefinitionError(f"{value!r} is no number")
    return float(value)
