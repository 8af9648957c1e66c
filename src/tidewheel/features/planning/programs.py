"""Several view plans laid out together: one row vector, one program per stage.

A row vector holds the event's columns, then the outputs of each state read, then the results of
derived functions. Derived functions run in stages by what they depend on; each stage is one
program that makes all their arguments, and a last program makes every view's columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from tidewheel.definitions import ir
from tidewheel.features.derived import Function, call, load
from tidewheel.features.planning.group import PAST
from tidewheel.features.planning.nodes import SYMBOLS, Leaf, leaves, literals, place, place_inputs
from tidewheel.features.planning.view import DerivedCall, StateKey, StateRead, ViewPlan
from tidewheel.features.words import Texts, Words
from tidewheel.kernel import Node, Program, compile_program, evaluate, hash_text
from tidewheel.kernel.words.vectors import unpack_vectors


@dataclass(frozen=True, eq=False)
class Step:
    """One derived function of a stage: where its arguments begin and where its result goes; None unpacks a vector."""

    call: DerivedCall
    function: Function | None
    first: int
    position: int


@dataclass(frozen=True, eq=False)
class Stage:
    """A program that makes arguments, and the derived functions that take them."""

    program: Program
    steps: tuple[Step, ...]


@dataclass(frozen=True, eq=False)
class Assembly:
    """Views that share reads and inputs, ready to be computed for one row or many.

    Attributes
    ----------
    inputs : dict
        Event columns (paths) with whether each is a string; the first part of a row vector.
    reads : tuple of StateRead
        Distinct state reads, those with a request last; their outputs are the second part, `state_at[i]` on.
    width : int
        Length of a row vector.
    slices : tuple of slice
        Each view's columns in what `compute` returns.
    """

    views: tuple[ViewPlan, ...]
    inputs: dict[ir.Path, bool]
    reads: tuple[StateRead, ...]
    state_at: tuple[int, ...]
    width: int
    stages: tuple[Stage, ...]
    program: Program
    slices: tuple[slice, ...]
    literals: tuple[str, ...]


def assemble(views: Sequence[ViewPlan]) -> Assembly:
    """Lay out several views over one row of one event type."""
    return _Assembler(views).assemble()


def compute(assembly: Assembly, vector: Words, texts: Texts) -> Words:
    """Return every view's columns, side by side, for a matrix of row vectors.

    Fills the derived part of `vector`. `texts` must know the strings that derived functions take,
    and learns those they return.
    """
    for stage in assembly.stages:
        args = evaluate(stage.program, vector)
        for step in stage.steps:
            columns = [
                texts.strings(args[:, step.first + i].copy().view(np.int64)) if text else args[:, step.first + i].copy()
                for i, text in enumerate(step.call.arg_texts)
            ]
            if step.function is None:
                vector[:, step.position : step.position + step.call.size] = unpack_vectors(columns[0], step.call.size)
            else:
                result = call(step.call.name, step.function, columns, step.call.text, texts, len(vector))
                vector[:, step.position] = result
    return evaluate(assembly.program, vector)


def learn_literals(assembly: Assembly, texts: Texts) -> None:
    """Make the strings written in expressions known to `texts`."""
    for text in assembly.literals:
        texts.add_one(hash_text(text), text)


class _Assembler:
    def __init__(self, views: Sequence[ViewPlan]) -> None:
        self._views = tuple(views)
        self._inputs: dict[ir.Path, bool] = {}
        self._reads: dict[StateKey, StateRead] = {}
        self._calls: dict[DerivedCall, int] = {}
        for view in self._views:
            self._inputs.update(view.inputs)
        # Those with a request come last, so that what is read of the store stands together.
        reads = (read for view in self._views for read in view.reads)
        for read in sorted(reads, key=lambda read: read.request != PAST):
            self._reads.setdefault(read.id, read)
        self._order = {key: index for index, key in enumerate(self._reads)}

    def assemble(self) -> Assembly:
        nodes = [self._rename(view, node) for view in self._views for node in view.nodes]
        positions, state_at, width = self._positions()
        texts = self._texts(width, state_at)
        bounds = np.cumsum([0, *(len(view.nodes) for view in self._views)]).tolist()
        args = [arg for call in self._calls for arg in call.args]
        words = {text for node in (*nodes, *args) for text in literals(node)}
        for read in self._reads.values():
            words.update(read.plan.literals)
        return Assembly(
            views=self._views,
            inputs=self._inputs,
            reads=tuple(self._reads.values()),
            state_at=tuple(state_at),
            width=width,
            stages=tuple(self._stages(positions, texts)),
            program=compile_program([place_inputs(node, positions) for node in nodes], texts),
            slices=tuple(slice(start, end) for start, end in pairwise(bounds)),
            literals=tuple(sorted(words)),
        )

    def _rename(self, view: ViewPlan, node: Node) -> Node:
        """Return a view's node over symbols that all views share."""

        def put(leaf: Leaf) -> Node:
            if leaf[0] == "state":
                return ("state", self._order[view.reads[leaf[1]].id], leaf[2])
            if leaf[0] == "derived":
                return ("derived", self._call(view, leaf[1]))
            return leaf

        return self._unpacked(place(node, put))

    def _unpacked(self, node: Node) -> Node:
        """Return a node with each element of a vector as one of the numbers that unpacking it gives."""
        if node[0] in SYMBOLS or node[0] in ("const", "text", "input"):
            return node
        if node[0] != "element":
            return (node[0], *(self._unpacked(part) for part in node[1:]))
        _, text, (_, place), (_, size) = node
        made = DerivedCall("vector", "", (text,), (True,), False, int(size))
        return ("derived", self._calls.setdefault(made, len(self._calls)), int(place))

    def _call(self, view: ViewPlan, name: str) -> int:
        local = view.derived[name]
        args = tuple(self._rename(view, arg) for arg in local.args)
        shared = DerivedCall(local.name, local.source, args, local.arg_texts, local.text)
        return self._calls.setdefault(shared, len(self._calls))

    def _positions(self) -> tuple[dict[Leaf, int], list[int], int]:
        symbols: list[Leaf] = [("col", path) for path in self._inputs]
        state_at = []
        for index, read in enumerate(self._reads.values()):
            state_at.append(len(symbols))
            symbols += [("state", index, output) for output in range(len(read.plan.aggregates))]
        for index, made in enumerate(self._calls):
            symbols += [("derived", index, part) for part in range(made.size)] or [("derived", index)]
        return {symbol: position for position, symbol in enumerate(symbols)}, state_at, len(symbols)

    def _texts(self, width: int, state_at: list[int]) -> tuple[bool, ...]:
        texts = list(self._inputs.values())
        for read in self._reads.values():
            texts += read.plan.texts
        texts += [call.text for call in self._calls for _ in range(call.size or 1)]
        assert len(texts) == width
        return tuple(texts)

    def _stages(self, positions: dict[Leaf, int], texts: tuple[bool, ...]) -> list[Stage]:
        calls = list(self._calls)
        depths = [self._depth(calls, index) for index in range(len(calls))]
        stages = []
        for depth in sorted(set(depths)):
            args: list[Node] = []
            steps = []
            for index, made in enumerate(calls):
                if depths[index] == depth:
                    function = None if made.size else load(made.name, made.source)
                    first: Leaf = ("derived", index, 0) if made.size else ("derived", index)
                    steps.append(Step(made, function, len(args), positions[first]))
                    args += [place_inputs(arg, positions) for arg in made.args]
            stages.append(Stage(compile_program(args, texts), tuple(steps)))
        return stages

    def _depth(self, calls: list[DerivedCall], index: int) -> int:
        below = [leaf[1] for arg in calls[index].args for leaf in leaves(arg) if leaf[0] == "derived"]
        return 1 + max((self._depth(calls, other) for other in below), default=0)
