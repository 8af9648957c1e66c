"""The frozen form of a project: plain data that can be printed, hashed, compared and shipped.

The classes that users write (``tw.Event``, ``tw.Features``, ...) are compiled once, at load, into the structs below.
Every other room reads these and never a user's class, so a serving worker can run a version whose module is not on its
machine.

Times and durations are int64 microseconds. A *path* is a tuple of column names that starts at the row in hand:
``("amount",)`` is its own column, ``("transaction", "terminal")`` a column of what it refers to.
"""

from __future__ import annotations

from typing import Literal

from tidewheel.definitions.ir.batch import Stored as Stored
from tidewheel.definitions.ir.combine import Combine as Combine
from tidewheel.definitions.ir.data import Sample as Sample
from tidewheel.definitions.ir.data import Split as Split
from tidewheel.definitions.ir.expectations import Expectation as Expectation
from tidewheel.definitions.ir.expectations import ExpectationKind as ExpectationKind
from tidewheel.definitions.ir.expressions import Call as Call
from tidewheel.definitions.ir.expressions import Col as Col
from tidewheel.definitions.ir.expressions import Computed as Computed
from tidewheel.definitions.ir.expressions import Const as Const
from tidewheel.definitions.ir.expressions import Expr as Expr
from tidewheel.definitions.ir.expressions import Feature as Feature
from tidewheel.definitions.ir.expressions import Op as Op
from tidewheel.definitions.ir.expressions import Path as Path
from tidewheel.definitions.ir.expressions import Score as Score
from tidewheel.definitions.ir.frozen import Frozen as _Frozen
from tidewheel.definitions.ir.gates import Gate as Gate
from tidewheel.definitions.ir.guards import Guard as Guard
from tidewheel.definitions.ir.pipeline import Deploy as Deploy
from tidewheel.definitions.ir.pipeline import Limits as Limits
from tidewheel.definitions.ir.pipeline import Pipeline as Pipeline
from tidewheel.definitions.ir.pipeline import Retrain as Retrain
from tidewheel.definitions.ir.pipeline import Step as Step
from tidewheel.definitions.ir.ranking import Each as Each
from tidewheel.definitions.ir.ranking import Grade as Grade
from tidewheel.definitions.ir.ranking import Ranking as Ranking
from tidewheel.definitions.ir.ticks import When as When
from tidewheel.definitions.ir.transfer import Teacher as Teacher
from tidewheel.definitions.ir.tuning import Pruner as Pruner
from tidewheel.definitions.ir.tuning import Sampler as Sampler
from tidewheel.definitions.ir.tuning import Tune as Tune

Kind = Literal["id", "ref", "key", "category", "text", "float", "int", "bool", "time", "vector"]
TEXT_KINDS: frozenset[str] = frozenset({"id", "ref", "key", "category", "text", "vector"})
"""Kinds whose values are strings (a vector's bytes as text); in the kernel they travel as 64-bit hashes."""

REVISION = "revision"
"""The column of an event that may be corrected: the higher one of an id holds; null is 0."""

Visibility = Literal["arrival", "event"]
AggregateOp = Literal[
    "count", "sum", "mean", "min", "max", "var", "std", "first", "last", "distinct",
    "time_since_first", "time_since_last", "rate", "quantile", "top_k", "last_n",
]  # fmt: skip


class Column(_Frozen, frozen=True):
    """One declared column of an event or entity."""

    name: str
    kind: Kind
    target: str | None = None
    """For a ``ref``: the event or entity it refers to."""
    nullable: bool = False
    personal: bool = False
    """Masked wherever values are shown; blanked when its entity is forgotten."""
    size: int = 0
    """For a ``vector``: of how many numbers."""
    default: bool | int | float | str | None = None
    """What a row has that came without a value, wherever it is read; such a column is never null."""

    @property
    def optional(self) -> bool:
        """Whether a row may come without it."""
        return self.nullable or self.default is not None


class Source(_Frozen, frozen=True):
    """An event type, or an entity's table of attributes (rows keyed by its id)."""

    name: str
    columns: tuple[Column, ...]
    entity: bool = False
    doc: str = ""
    file: str = ""
    line: int = 0
    dedupe_within: int = 30 * 86_400_000_000
    """How long an id is remembered, so that a second delivery of it is taken for what it is."""
    keep: int = 0
    """How long the lake keeps rows after their arrival; 0 is for ever."""
    owner: str = ""
    ttl: int = 0
    """For an entity: how long a row holds at most, inclusive; 0 is until the next one."""
    expects: tuple[Expectation, ...] = ()
    revisable: int = 0
    """For so long after its arrival an event may be corrected by one of the same id and a higher ``revision``."""

    def column(self, name: str) -> Column | None:
        """Return the column called `name`, or None."""
        return next((column for column in self.columns if column.name == name), None)

    @property
    def id_column(self) -> str | None:
        """Name of the column of kind ``id``, or None when ids are made at arrival."""
        return next((column.name for column in self.columns if column.kind == "id"), None)


# --- features ----------------------------------------------------------------------------------


class Aggregate(_Frozen, frozen=True):
    """One accumulator over one source, keyed by one tuple of paths, in one window."""

    op: AggregateOp
    source: str
    keys: tuple[Path, ...]
    """From a row of `source` to the group's key columns, in the group's order."""
    value: Expr | None = None
    where: Expr | None = None
    window: int = 0
    """0 is the whole life of the entity."""
    hop: int = 0
    """Width of a tile; 0 when `window` is 0."""
    delay: int = 0
    default: float | str | None = None
    exact_to: int = 0
    """For ``distinct``, ``quantile`` and ``top_k``: exact up to so many values in the window, a sketch beyond."""
    text: bool = False
    """True when the result is a string (``first``/``last`` of a text column, and the like)."""
    half_life: int = 0
    """For ``count``, ``sum`` and ``mean``: rows weigh half after this long; 0 is no decay."""
    n: int = 0
    """For ``top_k`` and ``last_n``: how many values are asked for,"""
    place: int = 0
    """and which of them this is, from 1."""
    q: float = 0.0
    """For ``quantile``: which."""
    cap: int = 0
    """For a window that is exact to the microsecond: at how many instants rows are kept one by one. Where
    that is too few, tiles of `hop` answer."""
    past_cap: bool = False
    """Not the aggregate, but how many instants' rows the cap has cost its window; 0 while that is exact."""
    revisable: bool = False
    """Whether rows of `source`, or those that they refer to, are taken back when they are corrected; a state that
    does not is another."""
    include_request: bool = False
    """The row that a view is read for counts as well, if it is one of the source's and has the key read."""
    defaults: tuple[tuple[str, bool | int | float | str], ...] = ()
    """Paths that it reads of columns with a default, and that default: with another, its state would be another."""


class FeatureColumn(_Frozen, frozen=True):
    """A named feature: an aggregate, or an expression over the group's other features."""

    name: str
    value: Aggregate | Expr
    text: bool = False


class Group(_Frozen, frozen=True):
    """A ``tw.Features`` class; or, with ``attributes``, an entity's columns as of an instant."""

    name: str
    by: tuple[str, ...]
    """What each key part is, for people: an entity's name, or ``Event.column``."""
    features: tuple[FeatureColumn, ...]
    attributes: bool = False
    """True: reads include events at the very instant (a row holds from its time on)."""
    doc: str = ""
    file: str = ""
    line: int = 0
    owner: str = ""


class Lookup(_Frozen, frozen=True):
    """A group read for a view's row: which group, and the paths from the row to its key parts."""

    alias: str
    group: str
    keys: tuple[Path, ...]


class Derived(_Frozen, frozen=True):
    """A Python function over arrays. `source` is enough to run it without the user's module."""

    name: str
    args: tuple[Expr, ...]
    source: str
    """Normalised source of the function (no decorator), preceded by the helpers, constants and
    imports it names; executing it defines `name`."""


class ViewColumn(_Frozen, frozen=True):
    """One output of a view, in order. `text` columns reach a learner as categories."""

    name: str
    value: Expr | Derived
    text: bool = False


class View(_Frozen, frozen=True):
    """The rows a model sees: one per event of type `on`."""

    name: str
    on: str
    lookups: tuple[Lookup, ...]
    columns: tuple[ViewColumn, ...]
    doc: str = ""
    file: str = ""
    line: int = 0
    owner: str = ""
    freshness: int = 0
    """How far its features may be behind the log when they are served; 0 is not looked at."""
    when_stale: Literal["serve", "default", "refuse"] = "serve"
    each: Each | None = None
    """A row for each item of the event, where there is one."""


# --- models ------------------------------------------------------------------------------------


class Label(_Frozen, frozen=True):
    """What became of a row, told by a later event that refers to it."""

    kind: Literal["happened", "outcome", "grade", "aggregate"]
    source: str
    path: Path
    """From the outcome event to the row's event, e.g. ``("transaction",)``."""
    within: int
    value: Expr | None = None
    """For ``outcome``: an expression over the outcome event (a boolean one makes a class)."""
    otherwise: float | None = None
    """For ``outcome``: the label when nothing came; None drops and counts the row."""
    item: Path = ()
    """Of a view with a row for each item: the outcome's column with the item, where `path` names the request."""
    grades: tuple[Grade, ...] = ()
    """For ``grade``: what each kind of event makes of a row; the highest counts, and 0 when none came."""
    aggregate: Aggregate | None = None
    """For ``aggregate``: of what happened to the row's entity within the time; `value` is an expression over it."""
    key: Path = ()
    """For ``aggregate``: the row's column with the entity; `path` is the outcome's."""
    immature: Literal["drop", "reweight"] = "drop"


class Model(_Frozen, frozen=True):
    """A ``tw.Model`` without its estimator object, which only training needs."""

    name: str
    view: str
    label: Label
    split: Split
    estimator: str
    """Import path of the estimator's class and its parameters, for people and for the hash."""
    search: str = ""
    """Canonical JSON of the search space; "" when nothing is tuned."""
    trials: int = 0
    calibrate: Literal["", "isotonic", "platt", "beta"] = ""
    metrics: tuple[str, ...] = ()
    """Names such as ``average_precision`` or ``precision_at(recall=0.95)``; the first leads."""
    gates: tuple[Gate, ...] = ()
    retrain: Retrain | None = None
    doc: str = ""
    file: str = ""
    line: int = 0
    owner: str = ""
    visibility: Visibility = "arrival"
    """What a training row without a decision sees: what had arrived before its instant, or had happened."""
    serving_delay: int = 0
    """By how much later than they arrive such a row sees events."""
    tune: Tune | None = None
    """How the search space is tried; None is `trials` settings by TPE, one after the other."""
    sample: tuple[Sample, ...] = ()
    weights: View | None = None
    """A view of one column, which rows are weighed by."""
    slices: tuple[str, ...] = ()
    """Columns of the view whose values are looked at one by one."""
    group: str = ""
    """The event's column whose equal values are a list, to be ordered and measured as one."""
    blocks: str = ""
    """What is drawn together for intervals: a column of the event, or microseconds of time; "" draws rows."""
    init_from: str = ""
    """The version that a fit goes on from, as it was named; "" begins anew."""
    teacher: Teacher | None = None
    """The version whose scores are learned beside the labels."""
    pipeline: Pipeline | None = None
    allow_pickle: bool = False
    """Whether an estimator that has no other form is kept as a pickle."""
    where: Label | View | None = None
    """Which rows it is meant for: those of which a label says 1, or those where a view's one column is true."""


# --- services ----------------------------------------------------------------------------------


class Rule(_Frozen, frozen=True):
    """Decides before the model does. `column` is the rule view's column that says when."""

    name: str
    column: str
    then: str


class Fallback(_Frozen, frozen=True):
    """One link of the chain that answers when the model can't."""

    kind: Literal["previous", "table", "action", "stored", "model"]
    model: str = ""
    by: Path = ()
    action: str = ""
    stored: Stored | None = None
    version: str = ""
    """``Quick@2``: of a model that stands in; pinned when the service is deployed."""


class Cache(_Frozen, frozen=True):
    """Of a service that keeps scores: by the model's input, or an entity's for so many µs."""

    max_age: int = 0
    by: Path = ()


class Service(_Frozen, frozen=True):
    """A ``tw.Service``: route, features, rules, model, thresholds, journal."""

    name: str
    on: str
    model: str
    """"" for a service of rules alone; of several, the one whose label tells outcomes: the first; of a stack, or a
    cascade of a list, the last."""
    rule_view: View | None
    """A view whose columns are the conditions of `rules`, in order."""
    rules: tuple[Rule, ...]
    thresholds: tuple[tuple[str, float], ...]
    """(action, lowest score) by rising score; the first is the floor. Empty: the score is the answer."""
    prevents: tuple[str, ...] = ()
    explore: float = 0.0
    fallback: tuple[Fallback, ...] = ()
    deadline: int = 50_000
    unit: Path = ()
    """What stays on one arm of a canary; the event's own id when empty."""
    guards: tuple[Guard, ...] = ()
    """What a version that is rolled out must keep to."""
    cooldown: int = 0
    """After something was taken back automatically, nothing is promoted so for so long; 0 is an hour."""
    doc: str = ""
    file: str = ""
    line: int = 0
    combine: Combine | None = None
    """How the score is made of more than one model's."""
    score_view: View | None = None
    """What a score expression reads of the row beside models' scores."""
    candidate_view: View | None = None
    """What candidates are looked for by, read of the event."""
    item_view: View | None = None
    """What a list is cut by, read of each candidate."""
    ranking: Ranking | None = None
    """Of a service that answers with a list."""
    stored: Stored | None = None
    """Scores computed ahead that go before the model's own."""
    cache: Cache | None = None
    """Whether and how scores are kept."""
    keep_rows: float = 1.0
    """Share of ordinary decisions whose record keeps the view's row."""

    @property
    def members(self) -> tuple[str, ...]:
        """The models of its line-up, in the order in which they are asked."""
        return self.combine.members if self.combine is not None else (self.model,) if self.model else ()


class Tick(_Frozen, frozen=True):
    """A ``tw.Tick``: an event that the scheduler makes for each entity at each due instant."""

    name: str
    """Of the event."""
    each: str
    """The entity, and"""
    column: str
    """the event's reference to it."""
    when: When
    where: View | None = None
    """A view of one column: which entities it is made for, as of the due instant."""


class Graph(_Frozen, frozen=True):
    """Everything a project declares, each tuple sorted by name."""

    sources: tuple[Source, ...] = ()
    groups: tuple[Group, ...] = ()
    views: tuple[View, ...] = ()
    models: tuple[Model, ...] = ()
    services: tuple[Service, ...] = ()
    ticks: tuple[Tick, ...] = ()
