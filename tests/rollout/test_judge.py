"""Verdicts from decisions: paired on one view, each on its own traffic on two."""

from __future__ import annotations

import numpy as np
import pytest
from decision_rows import DAY, MONDAY
from fake_view import POLICY, decided, linear

from tidewheel.definitions import ir
from tidewheel.outcomes import Joined
from tidewheel.registry.models.scoring import score_words
from tidewheel.rollout.judge import Contender, Judgement, judge_canary
from tidewheel.routing.split import CHALLENGER, Split

SPLIT = Split("Score", "salt", {CHALLENGER: 0.4})


def judge(
    rows: Joined, challenger: float, *, views: tuple[str, str] = ("v1", "v1"), policy: ir.Retrain = POLICY
) -> Judgement:
    bundles = {"Fraud@1": linear(1.0), "Fraud@2": linear(challenger)}
    contenders = [Contender(name, view, 2) for name, view in zip(bundles, views, strict=True)]
    return judge_canary(
        policy,
        "average_precision",
        rows,
        contenders[0],
        contenders[1],
        lambda version, words: score_words(bundles[version], words),
        3 * DAY,
    )


def test_both_score_the_same_rows() -> None:
    judgement = judge(decided(800, MONDAY, MONDAY + 3 * DAY, split=SPLIT), 1.0)
    assert judgement.verdict == "promote"
    assert judgement.evidence["gain"] == judgement.evidence["gain_low"] == judgement.evidence["gain_high"] == 0.0
    assert judgement.evidence["champion"] == judgement.evidence["challenger"]


def test_a_margin_allows_for_a_little_less() -> None:
    rows = decided(800, MONDAY, MONDAY + 3 * DAY, split=SPLIT)
    assert judge(rows, -1.0).verdict == "rollback"
    lenient = ir.Retrain("monthly", canary=0.3, watch=DAY, margin=0.99)
    assert judge(rows, -1.0, policy=lenient).verdict == "promote"


def test_rows_of_rules_and_fallbacks_are_nobodys() -> None:
    rows = decided(800, MONDAY, MONDAY + 3 * DAY, score=None, rule="burst")
    assert "0 outcomes are known" in judge(rows, 1.0).reason
    rows = decided(800, MONDAY, MONDAY + 3 * DAY, fallback="table")
    assert "0 outcomes are known" in judge(rows, 1.0).reason


def test_one_class_alone_can_not_be_judged_yet() -> None:
    rows = decided(800, MONDAY, MONDAY + 3 * DAY)
    rows.label[:] = 0.0
    judgement = judge(rows, 1.0)
    assert judgement.verdict == "wait"
    assert "average_precision can't be computed yet" in judgement.reason


@pytest.mark.parametrize(("sign", "verdict"), [(1.0, "promote"), (-1.0, "rollback")])
def test_versions_on_two_views_are_measured_on_their_own_traffic(sign: float, verdict: str) -> None:
    rows = decided(2000, MONDAY, MONDAY + 3 * DAY, split=SPLIT)
    table = rows.decisions
    ours = np.array(table["model"].to_pylist()) == "Fraud@2"
    scores = np.where(ours, sign * table["score"].to_numpy(), np.random.default_rng(0).random(len(ours)))
    place = table.schema.get_field_index("score")
    import pyarrow as pa

    rows = Joined(table.set_column(place, "score", pa.array(scores)), rows.label, rows.weight, rows.status)
    judgement = judge(rows, 1.0, views=("v1", "v2"))
    assert judgement.verdict == verdict
    assert "each one's own traffic" in judgement.reason


def test_decisions_on_another_view_are_left_out() -> None:
    rows = decided(800, MONDAY, MONDAY + 3 * DAY, view="older")
    assert "0 outcomes are known" in judge(rows, 1.0).reason
