"""Models: what is learnt from a view, how, and when it is good enough."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, ClassVar, Literal, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tidewheel.definitions import ir
from tidewheel.definitions.columns import Column, Condition
from tidewheel.definitions.declared import Declared
from tidewheel.definitions.durations import Duration, parse_duration
from tidewheel.definitions.options import KeyLike
from tidewheel.definitions.pipeline import Step
from tidewheel.definitions.places import mistake
from tidewheel.definitions.rows import Event
from tidewheel.definitions.sampling import Sampling
from tidewheel.definitions.shares import share_of
from tidewheel.definitions.splitting import Splitting, temporal
from tidewheel.definitions.views import View
from tidewheel.errors import DefinitionError


@dataclass(frozen=True, eq=False)
class Label:
    """What became of a row; made by `happened`, `outcome` and `grade`."""

    kind: Literal["happened", "outcome", "grade"]
    value: object
    within: Duration
    by: object = None
    otherwise: float | None = None

    def _compared(self, compare: Callable[[Any, Any], Any], other: object) -> Label:
        if self.kind != "outcome" or not isinstance(self.value, Column):
            raise mistake("only what tw.outcome() gives can be compared", "write tw.outcome(tw.count(Visit), ...) == 0")
        return replace(self, value=compare(self.value, other))

    def __eq__(self, other: object) -> Label:  # type: ignore[override]  # a label, as of columns
        return self._compared(operator.eq, other)

    def __ne__(self, other: object) -> Label:  # type: ignore[override]
        return self._compared(operator.ne, other)

    def __lt__(self, other: float) -> Label:
        return self._compared(operator.lt, other)

    def __le__(self, other: float) -> Label:
        return self._compared(operator.le, other)

    def __gt__(self, other: float) -> Label:
        return self._compared(operator.gt, other)

    def __ge__(self, other: float) -> Label:
        return self._compared(operator.ge, other)

    __hash__ = object.__hash__


@dataclass(frozen=True)
class Calibration:
    """Made by `isotonic`, `platt` and ``tw.calibrate.beta``."""

    kind: Literal["isotonic", "platt", "beta"]


@dataclass(frozen=True)
class Space:
    """The values a parameter may take while tuning; made by `int_range`, `log_range`, `float_range`, `choice`."""

    kind: Literal["int", "float", "log", "choice"]
    low: float = 0.0
    high: float = 0.0
    choices: tuple[Any, ...] = ()


class ScoreColumn(Column[float]):
    """A model's score of the row in hand: ``Fraud.score``."""

    def __init__(self, model: type[Model]) -> None:
        self._model = model

    def __repr__(self) -> str:
        return f"<column {self._model.__name__}.score>"


class _ScoreOf:
    """Gives each model class its own column."""

    def __get__(self, instance: None, owner: type[Model]) -> ScoreColumn:
        return ScoreColumn(owner)


class Model(metaclass=Declared):
    """What is learnt from a view's rows.

    Attributes
    ----------
    view : view class
        The model's input.
    label : ``tw.happened(...)``, ``tw.outcome(...)`` or ``tw.grade(...)``
        What became of a row.
    estimator : object with ``fit`` and ``predict``, optional
        Cloned for each run; LightGBM by default.
    search, trials
        Parameters to tune, ``{"num_leaves": tw.int_range(15, 127)}``, and how many settings to try.
    tune : ``tw.tune.search(...)``, optional
        How they are tried: sampler, pruner, patience, trials at a time. Its number of trials counts, not `trials`.
    calibrate : ``tw.isotonic()``, ``tw.calibrate.platt()`` or ``tw.calibrate.beta()``, optional
    split : ``tw.temporal(...)`` or one of ``tw.split``, optional
        By default the last 30 days are the test.
    sample : one or several of ``tw.sample``, optional
        Which train rows are learned from, and with what weight; taken in order.
    metrics : sequence of str, optional
        The first leads.
    gates : sequence of gates, optional
        What a version must pass before it may be deployed.
    init_from : str, optional
        A version whose own model a fit goes on from, ``"Fraud@champion"``: more rounds, or finer weights.
    teacher : ``tw.learner.teacher(...)``, optional
        A version whose scores are learned beside the labels (distillation).
    group : column of the event, optional
        ``Impression.request``: rows of one value are a list, to be ordered. Such a model ranks: its label is a grade
        (or whether something happened), its metrics are those of lists, and lists are drawn whole for intervals.
        Where the view has a row for each item and the label is a grade, lists are requests.
    allow_pickle : bool
        Keep the fitted estimator as a pickle where it has no other form. Loading one runs code; no worker does.
    slices : sequence of view columns, optional
        ``[PaymentView.country]``: the evaluation looks at each of their values.
    blocks : column of the event, or duration, optional
        Rows that are drawn together for intervals, since they are not independent: ``Payment.card``, or ``"1d"``.
    retrain : ``tw.retrain(...)`` or ``"daily"``, ``"weekly"``, ``"monthly"``, optional
    steps : ``@tw.pipeline.step()`` functions, optional
        What a training does besides, in any order: each says what it comes after.
    limits : ``tw.pipeline.limits(...)``, optional
        The time and memory that one fit may take.
    deploy : ``tw.pipeline.deploy(...)``, optional
        Where a version goes by itself once its gates are passed and it is approved.
    visibility : ``"arrival"`` or ``"event"``
        What a training row that had no decision sees: events that had arrived before its instant, as serving
        would, or all that had happened before it.
    serving_delay : duration, optional
        How much later than they arrive events usually become visible to serving.
    """

    view: ClassVar[type[View]]
    label: ClassVar[Label]
    estimator: ClassVar[Any] = None
    search: ClassVar[Mapping[str, Space]] = {}
    trials: ClassVar[int] = 20
    tune: ClassVar[ir.Tune | None] = None
    calibrate: ClassVar[Calibration | None] = None
    split: ClassVar[Splitting] = temporal(test="30d")
    sample: ClassVar[Sampling | Sequence[Sampling]] = ()
    metrics: ClassVar[Sequence[str]] = ()
    gates: ClassVar[Sequence[ir.Gate]] = ()
    init_from: ClassVar[str] = ""
    teacher: ClassVar[ir.Teacher | None] = None
    allow_pickle: ClassVar[bool] = False
    slices: ClassVar[Sequence[Any]] = ()
    group: ClassVar[Any] = None
    blocks: ClassVar[Any] = None
    retrain: ClassVar[ir.Retrain | str | None] = None
    steps: ClassVar[Step | Sequence[Step]] = ()
    limits: ClassVar[ir.Limits | None] = None
    deploy: ClassVar[ir.Deploy | None] = None
    visibility: ClassVar[ir.Visibility] = "arrival"
    serving_delay: ClassVar[Duration | None] = None
    score = _ScoreOf()

    def __init_subclass__(cls, *, owner: str = "") -> None:
        cls._owned_by = owner or cls._owned_by


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
    """Label a row by a column (or condition) of a later event that refers to it, or by an aggregate of later events.

    A row to which nothing came is dropped and counted, unless `otherwise` says what it means.

    With an aggregate, as in ``tw.outcome(tw.count(Visit, "28d"), within="28d") == 0``, every row whose time is over
    has a label, taken over what happened to its entity within the time. `by` says which, where there are several.
    """
    return Label("outcome", value, within, by, otherwise)


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
        raise mistake("choice() of nothing", "write tw.tune.choice('gini', 'entropy')")
    return Space("choice", choices=values)


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


def at_least(metric: str, value: float) -> ir.Gate:
    """Pass when a metric on the test set is at least `value`."""
    return ir.Gate("at_least", metric, _number(value))


def at_most(metric: str, value: float) -> ir.Gate:
    """Pass when a metric on the test set is at most `value`."""
    return ir.Gate("at_most", metric, _number(value))


def beats_champion(metric: str, *, confidence: float = 0.95) -> ir.Gate:
    """Pass when better than the deployed version on the same rows, with this confidence (or when there is none)."""
    return ir.Gate("beats_champion", metric, confidence=share_of("confidence", confidence))


def parity() -> ir.Gate:
    """Pass when features served equal features trained on, bit for bit."""
    return ir.Gate("parity")


def p99_below(limit: Duration) -> ir.Gate:
    """Pass when 99 of 100 whole decisions take less than `limit`; the short form of ``tw.gate.latency_below``."""
    return ir.Gate("p99_below", value=float(parse_duration(limit)))


def retrain(
    every: str = "",
    *,
    on_drift: float = 0.0,
    on_labels: int = 0,
    on_age: Duration | None = None,
    tz: str = "UTC",
    missed: Literal["latest", "skip", "all"] = "latest",
    canary: str | float = "10%",
    watch: Duration = "7d",
    metric: str = "",
    margin: float = 0.0,
) -> ir.Retrain:
    """Say when to train a challenger and what decides between it and the champion.

    Parameters
    ----------
    every : str
        ``"daily"``, ``"weekly"``, ``"monthly"``, a cron expression such as ``"0 3 * * mon"``, or ``""`` for on
        events alone.
    on_drift : float
        Train when a feature's PSI is alerted at this or more; 0 is never.
    on_labels : int
        Train when so many events that tell the label came since the last training; 0 is never.
    on_age : duration, optional
        Train when what the last training saw is so old.
    tz : str
        Zone of a cron expression.
    missed : {"latest", "skip", "all"}
        Of due times that came while nothing ran: make up for the latest, for none, or for each.
    canary : str or float
        The challenger's share of traffic: ``"20%"`` or 0.2.
    watch : duration
        How long it runs before it is judged.
    metric : str
        Compared on each one's own traffic; by default the model's leading one.
    margin : float
        Promote at ``champion - margin`` or better.

    Examples
    --------
    >>> retrain("0 3 * * mon", on_labels=1000).cron
    '0 3 * * mon'
    """
    period = every if every in ("", "daily", "weekly", "monthly") else ""
    _check_retrain(every, period, tz, missed, on_labels)
    if not every and not on_drift and not on_labels and on_age is None:
        raise DefinitionError("this would never retrain", remedy="give a period, on_drift=, on_labels= or on_age=")
    return ir.Retrain(
        cast("Any", period), _number(on_drift), share_of("canary", canary), parse_duration(watch), metric,
        _number(margin), cron=every if every != period else "", tz=tz, missed=missed, on_labels=on_labels,
        on_age=0 if on_age is None else parse_duration(on_age),
    )  # fmt: skip


def _check_retrain(every: str, period: str, tz: str, missed: str, on_labels: int) -> None:
    if missed not in ("latest", "skip", "all"):
        raise DefinitionError(f"missed={missed!r}?", remedy="write 'latest', 'skip' or 'all'")
    if isinstance(on_labels, bool) or not isinstance(on_labels, int) or on_labels < 0:
        raise DefinitionError(f"on_labels={on_labels!r} is no number of labels")
    if every != period:
        _check_cron(every, tz)


def _check_cron(every: str, tz: str) -> None:
    from cronsim import CronSim, CronSimError

    try:
        if len(every.split()) != 5:
            raise CronSimError("five fields are expected")
        next(CronSim(every, datetime(2000, 1, 1, tzinfo=ZoneInfo(tz))))
    except (CronSimError, ZoneInfoNotFoundError, StopIteration, ValueError) as error:
        raise DefinitionError(
            f"retrain every {every!r} in {tz}? ({error or 'never due'})",
            remedy="write 'daily', 'weekly', 'monthly' or a cron expression such as '0 3 * * mon'",
        ) from error


def _number(value: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise DefinitionError(f"{value!r} is no number")
    return float(value)
