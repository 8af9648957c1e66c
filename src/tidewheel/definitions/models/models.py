"""Models: what is learnt from a view, how, and when it is good enough."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from tidewheel.definitions import ir
from tidewheel.definitions.columns.columns import Column
from tidewheel.definitions.language.declared import Declared
from tidewheel.definitions.language.durations import Duration
from tidewheel.definitions.models.calibrate import Calibration
from tidewheel.definitions.models.labels import Label
from tidewheel.definitions.models.pipeline import Step
from tidewheel.definitions.models.sampling import Sampling
from tidewheel.definitions.models.splitting import Splitting, temporal
from tidewheel.definitions.models.tuning import Space
from tidewheel.definitions.views.views import View


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
    where : ``tw.happened(...)``, ``tw.outcome(...)`` or a condition, optional
        Which rows the model is meant for: it learns from them, and is judged by them, alone. Told by a later event, or
        by what can be read of the row: ``tw.happened(Click, within="30min")``, ``AdView.country == "SE"``.
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
    where: ClassVar[Label | Column[Any] | None] = None
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
