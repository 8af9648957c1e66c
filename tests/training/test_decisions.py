"""Rows that were decided: read as they were served, or dropped; and the champion on the same rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from training_world import DAY, START, at, payments, world

from tidewheel.definitions import digest
from tidewheel.registry.pointers.deployments import deploy
from tidewheel.registry.services import freeze_service
from tidewheel.storage.journal.rows import lake_schema
from tidewheel.training import TrainingContext, train
from tidewheel.training.context import pinned
from tidewheel.training.data.gather import answered, gather


@pytest.fixture
def context(tmp_path: Path) -> Iterator[TrainingContext]:
    with world(tmp_path, payments(900)) as found:
        yield found


def decisions(rows: list[dict[str, object]]) -> pa.Table:
    """Return rows of the lake's decisions table, what is not given left at its plainest."""
    plain: dict[str, object] = {
        "service": "Score", "event_type": "Payment", "arm": "champion", "propensity": 1.0, "explored": False,
        "decision": "allow", "states": [], "arrived": START, "instant": START + 60 * DAY,
    }  # fmt: skip
    numbered = [{"decision_id": f"{i:026d}"} | plain | row for i, row in enumerate(rows)]
    columns = {field.name: pa.array([row.get(field.name) for row in numbered], field.type) for field in lake_schema()}
    return pa.table(columns)


def reader(table: pa.Table):
    def read(event_type: str, columns: Sequence[str]) -> pa.Table:
        assert event_type == "Payment"
        return table.select(columns)

    return read


def test_prevented_rows_are_left_out_and_explored_ones_weigh_more(context: TrainingContext) -> None:
    plain = train(context, "Fraud")
    given = [{"event_id": f"p{i}", "decision": "block"} for i in range(100)]
    given += [{"event_id": f"p{i}", "decision": "block", "explored": True, "propensity": 0.1} for i in range(100, 110)]
    decided = replace(context, decisions=reader(decisions(given)))
    result = train(decided, "Fraud")
    assert result.counts["prevented"] == 100
    assert result.counts["decided"] == 110
    assert result.counts["labelled"] == plain.counts["labelled"] - 100
    gathered = gather(decided, decided.model("Fraud"), pinned(context.history, context.history.head()), context.now())
    assert np.count_nonzero(gathered.data.weight == 10.0) == 10


def test_nothing_is_learnt_from_a_load_test(context: TrainingContext) -> None:
    plain = train(context, "Fraud")
    asked = [{"event_id": f"p{i}", "caller": "ann (bench)" if i % 2 else "bench"} for i in range(100)]
    result = train(replace(context, decisions=reader(decisions(asked))), "Fraud")
    assert result.counts["load tests"] == 100
    assert result.counts["labelled"] == plain.counts["labelled"] - 100


def test_a_decided_row_is_read_at_the_offsets_it_recorded(context: TrainingContext) -> None:
    """A decision that saw nothing of its card's payments keeps saying so, whatever history knows by now."""
    model = context.model("Fraud")
    history = pinned(context.history, context.history.head())
    before = gather(context, model, history, context.now()).data.view["card.payments_1d"].to_pylist()
    busy = max(range(len(before)), key=before.__getitem__)
    ids = gather(context, model, history, context.now()).data.ids
    group = next(group for group in context.graph.groups if group.name == "CardHistory")
    from tidewheel.definitions import state_id

    rows = gather(context, model, history, context.now()).rows
    states = [{"state_id": state_id(group), "key": rows["card"][busy].as_py(), "offset": 0}]
    instant = rows["_arrived"][busy].as_py()
    one = decisions([{"event_id": ids[busy].as_py(), "instant": instant, "states": states}])
    after = gather(replace(context, decisions=reader(one)), model, history, context.now()).data.view
    assert before[busy] > 0
    assert after["card.payments_1d"][busy].as_py() == 0
    others = [value for place, value in enumerate(after["card.payments_1d"].to_pylist()) if place != busy]
    assert others == [value for place, value in enumerate(before) if place != busy]


def test_the_first_answer_counts_and_shadows_do_not() -> None:
    table = decisions(
        [
            {"event_id": "a", "arm": "shadow", "decision": "block"},
            {"event_id": "a", "decision": "allow"},
            {"event_id": "a", "decision": "block"},
            {"event_id": "b", "service": "Other"},
            {"event_id": "c", "arrived": START + DAY},
        ]
    )
    kept = answered(table, ["Score"], START + DAY)
    assert kept.select(["event_id", "decision"]).to_pylist() == [{"event_id": "a", "decision": "allow"}]
    assert answered(table, ["Nothing"], START).num_rows == 0


def test_the_champion_is_scored_on_the_same_rows(context: TrainingContext) -> None:
    first = train(at(context, START + 45 * DAY), "Fraud")
    service = next(service for service in context.graph.services if service.name == "Score")
    frozen = freeze_service(context.catalog, service, context.graph)
    deploy(context.catalog, "Score", first.version, frozen.digest)
    result = train(context, "Fraud")
    beats = next(verdict for verdict in result.verdicts if verdict.gate.startswith("beats_champion"))
    assert f"against {first.version}" in beats.detail
    assert beats.evidence["champion"] == first.version
    assert result.metric("average_precision", "champion").value != result.metric("average_precision").value
    same = train(context, "Fraud")
    assert digest(context.model("Fraud"))
    assert same.metric("brier", "champion") == result.metric("brier", "champion")
