from __future__ import annotations

import random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.definitions.conftest import Load
from tests.definitions.test_examples import EXAMPLES

from tidewheel.definitions import canonical_aggregates, diff, digest, ir, load_project, reachable, state_id
from tidewheel.definitions.projects.graphs import Change, nodes_of
from tidewheel.errors import NotFoundError

GRAPH = load_project(EXAMPLES / "fraud").graph
NAMES = st.text("abcdefgh_", min_size=1, max_size=8)


def shuffled(items: tuple[ir.Column, ...], seed: int) -> tuple[ir.Column, ...]:
    return tuple(random.Random(seed).sample(items, len(items)))


@given(doc=st.text(), file=st.text(), line=st.integers(0, 10**6), seed=st.integers())
def test_a_digest_is_of_content_alone(doc: str, file: str, line: int, seed: int) -> None:
    for _, node in nodes_of(GRAPH):
        moved = msgspec.structs.replace(node, doc=doc, file=file, line=line)
        for field in ("columns", "features", "lookups"):
            if hasattr(moved, field) and not (field == "columns" and isinstance(moved, ir.View)):
                moved = msgspec.structs.replace(moved, **{field: shuffled(getattr(moved, field), seed)})
        assert digest(moved) == digest(node)
    assert len({digest(node) for _, node in nodes_of(GRAPH)}) == len(list(nodes_of(GRAPH)))


def test_the_order_of_a_views_columns_counts() -> None:
    view = GRAPH.views[0]
    assert digest(msgspec.structs.replace(view, columns=view.columns[::-1])) != digest(view)


@given(names=st.lists(NAMES, min_size=7, max_size=7, unique=True), seed=st.integers(), group=NAMES)
def test_a_state_is_named_by_its_aggregates(names: list[str], seed: int, group: str) -> None:
    history = next(node for node in GRAPH.groups if node.name == "CardHistory")
    features = [ir.FeatureColumn(name, old.value, old.text) for name, old in zip(names, history.features, strict=True)]
    random.Random(seed).shuffle(features)
    renamed = ir.Group(group, history.by, tuple(features))
    assert state_id(renamed) == state_id(history)
    assert canonical_aggregates(renamed) == canonical_aggregates(history)
    assert state_id(msgspec.structs.replace(history, features=history.features[1:])) != state_id(history)


def test_expressions_are_no_part_of_a_state() -> None:
    risk = next(node for node in GRAPH.groups if node.name == "TerminalRisk")
    assert state_id(msgspec.structs.replace(risk, features=risk.features[:2])) == state_id(risk)
    assert len(state_id(risk)) == 16


def test_renaming_keeps_state(load: Load) -> None:
    body = 'class H(tw.Features, by=Card):\n    {name} = tw.sum(Payment.amount, "1d"{was})\n    share = {name} / 2\n'
    body += "class V(tw.View, on=Payment):\n    h = H\n"
    body += "class M(tw.Model):\n    view = V\n    label = tw.happened(Chargeback, within='1d')\n"
    old = load(body.format(name="spent", was="")).graph
    new = load(body.format(name="spend_1d", was=', was="spent"')).graph
    before, after = (next(group for group in graph.groups if group.name == "H") for graph in (old, new))
    assert state_id(before) == state_id(after)
    assert digest(before) != digest(after)
    assert diff(old, new) == [Change("changed", "H", "features"), Change("changed", "V", "view")]


def test_diff_says_what_came_and_went() -> None:
    smaller = reachable(GRAPH, ["TerminalRisk"])
    assert diff(GRAPH, GRAPH) == []
    assert Change("added", "Score", "service") in diff(smaller, GRAPH)
    assert Change("removed", "Card", "attributes") in diff(GRAPH, smaller)
    assert Change("removed", "Fraud", "model") in diff(GRAPH, ir.Graph())


def test_a_graph_survives_the_wire() -> None:
    assert msgspec.json.decode(msgspec.json.encode(GRAPH), type=ir.Graph) == GRAPH
    assert digest(msgspec.json.decode(msgspec.json.encode(GRAPH), type=ir.Graph)) == digest(GRAPH)


def test_names_nobody_declared() -> None:
    with pytest.raises(NotFoundError, match="no 'Frod'; did you mean 'Fraud'"):
        reachable(GRAPH, ["Frod"])


def test_reach_of_a_view_and_a_service() -> None:
    view = reachable(GRAPH, ["PaymentView"])
    assert [node.name for node in view.groups] == ["Card", "CardHistory", "TerminalRisk"]
    assert view.models == ()
    both = reachable(GRAPH, ["CardHistory", "Score"])
    assert both == GRAPH
