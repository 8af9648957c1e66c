"""A group as the kernel folds and reads it: aggregates in canonical order, fed by sources.

A *feed* is one source seen through one tuple of key paths. Aggregates of one group that share a
feed share its slot program; those that go through a reference to another event form a feed of
their own, because they take effect only once both events are there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tidewheel.definitions import canonical_aggregates, ir, state_id
from tidewheel.definitions.compiling.requests import FOLDED, kept_for
from tidewheel.errors import DefinitionError
from tidewheel.features.planning.nodes import constant, is_text, leaves, literals, place_inputs, to_node
from tidewheel.features.planning.requests import merged
from tidewheel.features.words import text_word
from tidewheel.kernel import AggregateSpec, Layout, Node, Program, build_layout, compile_program

AT = "at"
RowKey = tuple[str, tuple[ir.Path, ...]]
"""The row that a state is read for: what it is an event of, and its columns that name the entity."""
PAST = -1
"""In place of a feed's number: a state is read as it is, no row asked for folded into it."""
EVERY_EVENT = -1
"""The slot of a count without condition: there is nothing that could be null."""


@dataclass(frozen=True)
class Via:
    """The reference a feed goes through, and what it needs of the event referred to."""

    ref: str
    target: str
    columns: tuple[str, ...]
    revisable: bool = False
    """Whether the event referred to may be corrected by later ones."""


@dataclass(frozen=True)
class Feed:
    """One source, keyed one way, with the program that makes its aggregates' slots.

    `inputs` are the paths the program reads, in order, with `texts` telling which are strings;
    `columns` are the source's own columns that keys, reference and program need.
    """

    source: str
    keys: tuple[ir.Path, ...]
    via: Via | None
    inputs: tuple[ir.Path, ...]
    texts: tuple[bool, ...]
    program: Program
    n_slots: int
    columns: tuple[str, ...]
    spoken: tuple[ir.Path, ...]
    """Paths whose strings must be kept, because an aggregate may answer with one."""
    literals: tuple[str, ...]
    revisable: bool = False
    """Whether its events may be corrected by later ones."""

    @property
    def corrected(self) -> tuple[str, ...]:
        """The event types, of those it reads, whose events may be corrected."""
        own = (self.source,) if self.revisable else ()
        return (*own, self.via.target) if self.via is not None and self.via.revisable else own


@dataclass(frozen=True, eq=False)
class GroupPlan:
    """How a group is folded and read.

    `aggregates` stand in the order of the kernel's outputs; `texts` tells which outputs are
    strings. Two groups of one `state_id` have equal layouts and share their state.
    """

    group: ir.Group
    state_id: str
    layout: Layout
    feeds: tuple[Feed, ...]
    aggregates: tuple[ir.Aggregate, ...]
    texts: tuple[bool, ...]

    @property
    def corrected(self) -> bool:
        """Whether events that it counts, or that these refer to, may be corrected."""
        return any(feed.corrected for feed in self.feeds)

    @property
    def literals(self) -> frozenset[str]:
        """Strings that features may answer with and that no event brings."""
        defaults = {aggregate.default for aggregate in self.aggregates if isinstance(aggregate.default, str)}
        return frozenset(defaults.union(*(feed.literals for feed in self.feeds)))

    def node(self, name: str, read: Callable[[int], int] = lambda request: 0, row: RowKey | None = None) -> Node:
        """Return a feature as a node over symbols ``("state", read, output)``, and the columns of `row`.

        `read` gives the number of the read with a row folded into the state as an event of a feed, or of `PAST`.
        """
        value = self._value(name)
        if not isinstance(value, ir.Aggregate):
            return to_node(value, lambda expr: self.node(_feature_name(expr), read, row))
        counts = row == (value.source, value.keys)
        folds = value.include_request and value.op in FOLDED and counts
        number = read(self._feed_of(value) if folds else PAST)
        past = [("state", number, self.aggregates.index(kept)) for kept in kept_for(value)]
        return merged(value, past, counts) if value.include_request else past[0]

    def _feed_of(self, aggregate: ir.Aggregate) -> int:
        """Return the number of the feed that brings an aggregate's own events."""
        wanted = (aggregate.source, aggregate.keys, None)
        return next(i for i, feed in enumerate(self.feeds) if (feed.source, feed.keys, feed.via) == wanted)

    def is_text(self, name: str) -> bool:
        """Tell whether a feature is a string."""
        value = self._value(name)
        if isinstance(value, ir.Aggregate):
            return value.text
        return is_text(value, lambda expr: self.is_text(_feature_name(expr)))

    def _value(self, name: str) -> ir.Aggregate | ir.Expr:
        for feature in self.group.features:
            if feature.name == name:
                return feature.value
        raise DefinitionError(f"no feature '{name}'", where=self.group.name)


def plan_group(graph: ir.Graph, group: ir.Group) -> GroupPlan:
    """Plan a group of `graph`.

    Raises
    ------
    DefinitionError
        When an aggregate goes through more than one reference to an event.
    """
    aggregates = canonical_aggregates(group)
    sources = {source.name: source for source in graph.sources}
    makers: dict[tuple[str, tuple[ir.Path, ...], str], _FeedMaker] = {}
    specs = []
    for aggregate in aggregates:
        source = sources[aggregate.source]
        ref = _reference(sources, source, aggregate, group)
        key = (aggregate.source, aggregate.keys, ref)
        maker = makers.setdefault(key, _FeedMaker(len(makers), source, aggregate.keys, ref, sources))
        maker.revisable |= aggregate.revisable
        specs.append(maker.add(aggregate))
    name = state_id(group)
    return GroupPlan(
        group=group,
        state_id=name,
        layout=build_layout(specs, state_hash(name)),
        feeds=tuple(maker.feed() for maker in makers.values()),
        aggregates=aggregates,
        texts=tuple(aggregate.text for aggregate in aggregates),
    )


def state_hash(state_id: str) -> int:
    """Return the 64 bits by which a blob names its state, never 0."""
    bits = int(state_id[:16], 16)
    return (bits - (1 << 64) if bits >> 63 else bits) or 1


def column_kind(sources: dict[str, ir.Source], source: ir.Source, path: ir.Path) -> ir.Kind:
    """Return the kind of what a path leads to."""
    column = source.column(path[0])
    if column is None:
        if path == (AT,):
            return "time"
        raise DefinitionError(f"no column '{path[0]}'", where=source.name)
    if len(path) == 1:
        return column.kind
    if column.target is None:
        raise DefinitionError(f"'{path[0]}' refers to nothing, so '.{path[1]}' leads nowhere", where=source.name)
    return column_kind(sources, sources[column.target], path[1:])


def vectors_of(graph: ir.Graph, group: ir.Group) -> tuple[str, ...]:
    """Return the names of a group's features that are vectors."""
    sources = {source.name: source for source in graph.sources}

    def is_vector(value: ir.Aggregate | ir.Expr) -> bool:
        if not isinstance(value, ir.Aggregate) or not isinstance(value.value, ir.Col):
            return False
        return value.text and column_kind(sources, sources[value.source], value.value.path) == "vector"

    return tuple(feature.name for feature in group.features if is_vector(feature.value))


def check_key(sources: dict[str, ir.Source], source: ir.Source, path: ir.Path) -> None:
    """Refuse a key that is a float: its text would not be exact."""
    if column_kind(sources, source, path) == "float":
        raise DefinitionError(
            f"'{source.name}.{'.'.join(path)}' is a float, and a key",
            remedy="key by a string, a whole number, a boolean or a time",
        )


def _feature_name(expr: ir.Expr) -> str:
    if isinstance(expr, ir.Feature):
        return expr.name
    raise DefinitionError("an expression over features names something else", remedy="use features of the same group")


def _default_word(aggregate: ir.Aggregate) -> float:
    if aggregate.text:
        return text_word(aggregate.default if isinstance(aggregate.default, str) else None)
    if aggregate.default is None:
        return 0.0 if aggregate.past_cap or aggregate.op in ("count", "distinct", "rate") else math.nan
    return float(aggregate.default)


def _reference(sources: dict[str, ir.Source], source: ir.Source, aggregate: ir.Aggregate, group: ir.Group) -> str:
    """Return the reference column an aggregate goes through, or "" when it uses its own columns alone."""
    refs: set[str] = set()
    for path in aggregate_paths(aggregate):
        if len(path) == 1:
            continue
        column = source.column(path[0])
        target = sources.get(column.target or "") if column else None
        if target is None or target.entity or len(path) > 2:
            raise DefinitionError(
                f"'{source.name}.{'.'.join(path)}' is more than one step to another event",
                where=f"{group.file}:{group.line} {group.name}",
                remedy="go through one reference to an event; carry other columns on the event itself",
            )
        refs.add(path[0])
    if len(refs) > 1:
        raise DefinitionError(
            f"an aggregate goes through two references, {' and '.join(sorted(refs))}",
            where=f"{group.file}:{group.line} {group.name}",
            remedy="go through one reference in each aggregate",
        )
    return refs.pop() if refs else ""


def aggregate_paths(aggregate: ir.Aggregate) -> Iterator[ir.Path]:
    """Yield the paths an aggregate reads, keys first."""
    yield from aggregate.keys
    for expr in (aggregate.value, aggregate.where):
        if expr is not None:
            yield from expr_paths(expr)


def expr_paths(expr: ir.Expr) -> Iterator[ir.Path]:
    """Yield the columns an expression reads, in order, with repeats."""
    if isinstance(expr, ir.Col):
        yield expr.path
    elif isinstance(expr, ir.Call):
        for arg in expr.args:
            yield from expr_paths(arg)


class _FeedMaker:
    """Collects the slots of the aggregates that share a feed."""

    def __init__(
        self, index: int, source: ir.Source, keys: tuple[ir.Path, ...], ref: str, sources: dict[str, ir.Source]
    ) -> None:
        self._index = index
        self._source = source
        self._keys = keys
        self._ref = ref
        self._sources = sources
        self.revisable = False
        self._slots: dict[Node, int] = {}
        self._spoken: dict[ir.Path, None] = {}
        self._literals: dict[str, None] = {}

    def add(self, aggregate: ir.Aggregate) -> AggregateSpec:
        """Give the aggregate its slot and return what the kernel needs to know of it."""
        text = aggregate.value is not None and is_text(aggregate.value, self._leaf_is_text)
        slot = EVERY_EVENT
        if aggregate.value is not None or aggregate.where is not None:
            slot = self._slots.setdefault(self._slot_node(aggregate, text), len(self._slots))
        if aggregate.text and aggregate.value is not None:
            self._speak(aggregate.value)
        return AggregateSpec(
            op=aggregate.op,
            source=self._index,
            slot=slot,
            window=aggregate.window,
            hop=aggregate.hop,
            delay=aggregate.delay,
            default=_default_word(aggregate),
            exact_to=aggregate.exact_to,
            text=text,
            half_life=aggregate.half_life,
            n=aggregate.n,
            place=max(aggregate.place, 1),
            q=aggregate.q,
            cap=aggregate.cap,
            past_cap=aggregate.past_cap,
        )

    def feed(self) -> Feed:
        """Compile what was collected."""
        symbols = list(dict.fromkeys(leaf for node in self._slots for leaf in leaves(node)))
        positions = {symbol: position for position, symbol in enumerate(symbols)}
        inputs = tuple(symbol[1] for symbol in symbols)
        texts = tuple(self._kind_is_text(path) for path in inputs)
        program = compile_program([place_inputs(node, positions) for node in self._slots], texts)
        for path in self._keys:
            check_key(self._sources, self._source, path)
        paths = (*self._keys, *inputs)
        own = [path[0] for path in paths if path != (AT,) or self._source.column(AT)]
        revisable = self.revisable and self._source.revisable > 0
        if revisable:
            own.append(ir.REVISION)
        return Feed(
            source=self._source.name,
            keys=self._keys,
            via=self._via(paths),
            inputs=inputs,
            texts=texts,
            program=program,
            n_slots=len(self._slots),
            columns=tuple(dict.fromkeys(own)),
            spoken=tuple(self._spoken),
            literals=tuple(self._literals),
            revisable=revisable,
        )

    def _slot_node(self, aggregate: ir.Aggregate, text: bool) -> Node:
        value = constant(1.0) if aggregate.value is None else to_node(aggregate.value, _symbol)
        if aggregate.op == "distinct" and not text:
            value = ("hash", value)
        if aggregate.where is None:
            return value
        return ("if_else", to_node(aggregate.where, _symbol), value, constant(None))

    def _speak(self, value: ir.Expr) -> None:
        node = to_node(value, _symbol)
        for leaf in leaves(node):
            if self._kind_is_text(leaf[1]):
                self._spoken[leaf[1]] = None
        self._literals.update(dict.fromkeys(literals(node)))

    def _via(self, paths: tuple[ir.Path, ...]) -> Via | None:
        if not self._ref:
            return None
        column = self._source.column(self._ref)
        assert column is not None
        assert column.target is not None
        needed = dict.fromkeys(path[1] for path in paths if len(path) > 1)
        revisable = self.revisable and self._sources[column.target].revisable > 0
        if revisable:
            needed[ir.REVISION] = None
        return Via(self._ref, column.target, tuple(needed), revisable)

    def _leaf_is_text(self, expr: ir.Expr) -> bool:
        return isinstance(expr, ir.Col) and self._kind_is_text(expr.path)

    def _kind_is_text(self, path: ir.Path) -> bool:
        return column_kind(self._sources, self._source, path) in ir.TEXT_KINDS


def _symbol(expr: ir.Expr) -> Node:
    if isinstance(expr, ir.Col):
        return ("col", expr.path)
    raise DefinitionError("an aggregate reads a feature", remedy="aggregate columns of the event")
