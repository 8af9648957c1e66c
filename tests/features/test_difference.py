"""Two definitions side by side: what can't be compared is told."""

from __future__ import annotations

import pytest
from feature_shop import GRAPH, VIEW
from feature_world import ListHistory
from msgspec.structs import replace

from tidewheel.definitions import ir
from tidewheel.errors import FeatureError
from tidewheel.features.proof.difference import Side, compare_view


def test_a_view_that_went_over_to_another_event_is_told() -> None:
    other = ir.View(VIEW.name, "Return", (), (ir.ViewColumn("fee", ir.Col(("fee",))),))
    history = ListHistory([])
    sides = [Side("V@1", GRAPH, history), Side("V@2", replace(GRAPH, views=(other,)), history)]
    with pytest.raises(FeatureError, match="a row for each Buy in V@1, and for each Return in V@2"):
        compare_view(*sides, VIEW.name, 0)
