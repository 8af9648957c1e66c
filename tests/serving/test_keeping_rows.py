"""A service that keeps the rows of a share of its decisions: which are kept, what stands of the others, who is told."""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from tests.serving.shop import PROJECT, Shop, open_shop, payment, service_of, serving
from tests.serving.test_deciding import records

from tidewheel.definitions.ir import Graph
from tidewheel.errors import TidewheelError
from tidewheel.outcomes import evenly
from tidewheel.routing.keeping import among
from tidewheel.storage.journal.decisions import DecisionRecord, is_left_out
from tidewheel.storage.journal.rows import from_arrow, to_arrow

SHARE = 0.25


def sampling(shop: Shop, monkeypatch: pytest.MonkeyPatch, share: float = SHARE, explore: float = 0.0) -> Graph:
    lines = PROJECT.replace('prevents = ["block"]', f'prevents = ["block"]\n    keep_rows = {share}')
    monkeypatch.setattr("tests.serving.shop.PROJECT", lines)
    return shop.graph(explore=explore)


def decided(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, amounts: list[float]) -> list[DecisionRecord]:
    with open_shop(tmp_path) as shop:
        shop.deploy(sampling(shop, monkeypatch, explore=0.5))
        with serving(shop) as running:
            for number, amount in enumerate(amounts):
                running.decide("Score", payment(number, amount=amount))
        return records(shop.stores.layout.journal)


def test_the_event_says_whose_row_is_kept_and_the_rest_of_the_record_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = decided(tmp_path, monkeypatch, [100.0] * 60)
    kept = among(SHARE, [record.event_id for record in found])
    assert 3 < kept.sum() < 30
    assert [bool(record.features) for record in found] == kept.tolist()
    assert [not is_left_out(record) for record in found] == kept.tolist()
    for record in found:
        assert record.row_kept == SHARE
        assert (record.score, record.decision, record.model) == (0.1, "allow", "Fraud@1")
        assert record.inputs["amount"] == 100.0
        assert record.states
        assert bool(record.texts) == bool(record.features)


def test_explored_decisions_and_those_without_the_model_keep_theirs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = decided(tmp_path, monkeypatch, [990.0] * 60)
    explored = [record for record in found if record.explored]
    assert 10 < len(explored) < 50
    assert all(record.features and record.row_kept == 1.0 for record in explored)
    assert any(is_left_out(record) for record in found if not record.explored)
    ruled = decided_by_fallback(tmp_path, monkeypatch)
    assert all(record.fallback and record.row_kept == 1.0 for record in ruled)


def decided_by_fallback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[DecisionRecord]:
    folder = tmp_path / "broken"
    folder.mkdir()
    monkeypatch.undo()
    lines = PROJECT.replace('prevents = ["block"]', f'prevents = ["block"]\n    keep_rows = {SHARE}')
    monkeypatch.setattr("tests.serving.shop.PROJECT", lines)
    with open_shop(folder) as shop:
        shop.deploy(shop.graph("raise ValueError('no weight today')"))
        with serving(shop) as running:
            for number in range(10):
                running.decide("Score", payment(number))
        return records(shop.stores.layout.journal)


def test_a_share_that_keeps_all_changes_no_digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tidewheel.definitions import digest

    with open_shop(tmp_path) as shop:
        plain = service_of(shop.graph(), "Score")
        whole = service_of(sampling(shop, monkeypatch, 1.0), "Score")
        assert digest(whole) == digest(plain)
        with pytest.raises(TidewheelError, match="keep_rows"):
            sampling(shop, monkeypatch, 1.5)


def test_what_is_left_out_survives_the_lake_and_older_rows_count_as_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = decided(tmp_path, monkeypatch, [100.0] * 12)
    table = to_arrow(found)
    assert from_arrow(table) == found
    older = table.drop_columns(["row_kept"])
    assert [record.row_kept for record in from_arrow(older)] == [1.0] * 12
    assert evenly(older).all()
    nulls = table.set_column(table.schema.get_field_index("row_kept"), "row_kept", pa.nulls(12, pa.float64()))
    assert evenly(nulls).all()


def test_an_even_sample_is_the_same_share_of_every_kind_of_decision() -> None:
    """Features of what is always kept would otherwise weigh four times as much as they should."""
    random = np.random.default_rng(3)
    ids = [f"e{n}" for n in range(20_000)]
    odd = random.random(len(ids)) < 0.2
    value = np.where(odd, 10.0, 0.0)
    kept = odd | among(SHARE, ids)
    rows = pa.table({"event_id": np.array(ids)[kept], "row_kept": np.where(odd, 1.0, SHARE)[kept]})
    assert abs(value[kept].mean() - 2.0) > 2.0
    assert abs(value[kept][evenly(rows)].mean() - 2.0) < 0.3


def test_readers_skip_what_was_left_out_and_say_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tidewheel.collect.keeping.history import History
    from tidewheel.serving.explain import explain
    from tidewheel.workspace.features.exploding import feature_rows
    from tidewheel.workspace.features.reading import check_parity

    with open_shop(tmp_path) as shop:
        shop.deploy(sampling(shop, monkeypatch))
        with serving(shop) as running:
            for number in range(40):
                running.decide("Score", payment(number, amount=50.0, country="SE"))
        found = records(shop.stores.layout.journal)
        kept = [record for record in found if record.features]
        history = History(shop.stores.lake, shop.stores.log)
        report = check_parity(shop.stores, history, "Score", 1000, None)
        assert (report.checked, report.skipped, report.equal) == (len(kept), 0, True)
        rows = feature_rows(shop.stores, "Fraud@1")
        assert rows["decision_id"].to_pylist() == [record.decision_id for record in kept]
        assert rows["amount"].to_pylist() == [50.0] * len(kept)
        assert set(rows["country"].to_pylist()) == {"SE"}
        assert rows["card.last_country" if "card.last_country" in rows.column_names else "last_country"].null_count
        total = duckdb.sql("SELECT sum(amount / row_kept) FROM rows").fetchall()
        assert total == [(pytest.approx(50.0 * len(kept) / SHARE),)]
        left = next(record for record in found if is_left_out(record))
        told = explain(left, shop.stores, history)
        assert told.features == {}
        assert "keeps 0.25 of them" in told.replay.why_not
        assert explain(kept[0], shop.stores, history).replay.equal
