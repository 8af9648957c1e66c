"""Lists ordered by a model of models' scores: members of a line-up, or versions that it has pinned."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.serving.list_shop import CHAIN, STACK, ask, graph_of, point, stock, version_of
from tests.serving.shop import open_shop, serving

from tidewheel.serving.deciding.stages import same_score


def words(features: bytes) -> list[float]:
    return np.frombuffer(features, "<f8").tolist()


@pytest.mark.parametrize("score", [STACK, CHAIN])
def test_a_model_of_scores_orders_a_list(tmp_path: Path, score: str) -> None:
    """Both = 10 Worth - Age, where Worth is twice the worth and Age the age."""
    with open_shop(tmp_path) as shop:
        graph = graph_of(shop, score)
        stock(shop, graph)
        worth, age = version_of(shop, graph, "Worth", 2.0), version_of(shop, graph, "Age", 1.0)
        both = version_of(shop, graph, "Both", 10.0, -1.0, inner=(worth, age))
        moved = version_of(shop, graph, "Worth", -2.0)
        point(shop, graph, f"{worth}+{age}+{both}" if score == STACK else both)
        with serving(shop) as running:
            answer = running.decide("Pick", ask(1))
            assert not answer.fallback
            assert [(item.id, item.score) for item in answer.items] == [("e", 99.0), ("c", 57.0), ("b", 36.0)]
            record = running.find(answer.decision_id)
            assert [stage.model for stage in record.stages if stage.model] == [worth, age, both]
            told = {one.stage.partition("@")[0]: one for one in record.item_scores if one.item == "c"}
            assert [told[name].score for name in ("Worth", "Age", "Both")] == [6.0, 3.0, 57.0]
            seen = told["Both"].features or next(item.features for item in record.items if item.id == "c")
            assert words(seen) == [6.0, 3.0]
            assert same_score(record, shop.stores)
        point(shop, graph, f"{moved}+{age}+{both}" if score == STACK else both)
        with serving(shop) as running:
            found = "".join(item.id for item in running.decide("Pick", ask(2)).items)
            assert found == ("abe" if score == STACK else "ecb"), "a member moves, a pinned version does not"
