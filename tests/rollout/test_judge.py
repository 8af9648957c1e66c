"""Verdicts from decisions: paired on one view, each on its own traffic on two."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from decision_rows import DAY, MONDAY, record, table
from fake_view import POLICY, decided, linear

from tidewheel.definitions import ir
from tidewheel.outcomes import Joined, Lists
from tidewheel.registry.models.scoring import score_words
from tidewheel.rollout.judge import Contender, Judgement, judge_canary, judge_lists
from tidewheel.routing.split import CHALLENGER, Split

SPLIT = Split("Score", "salt", {CHALLENGER: 0.4})


def judge(
    rows: Joined,
    challenger: float,
    *,
    views: tuple[str, str] = ("v1", "v1"),
    policy: ir.Retrain = POLICY,
    measure: str = "average_precision",
    group: str = "",
) -> Judgement:
    bundles = {"Fraud@1": linear(1.0), "Fraud@2": linear(challenger)}
    contenders = [Contender(name, view, 2) for name, view in zip(bundles, views, strict=True)]
    return judge_canary(
        policy,
        measure,
        rows,
        contenders[0],
        contenders[1],
        lambda version, words: score_words(bundles[version], words),
        3 * DAY,
        group,
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
    rows = Joined(table.set_column(place, "score", pa.array(scores)), rows.label, rows.weight, rows.status)
    judgement = judge(rows, 1.0, views=("v1", "v2"))
    assert judgement.verdict == verdict
    assert "each one's own traffic" in judgement.reason


def test_decisions_on_another_view_are_left_out() -> None:
    rows = decided(800, MONDAY, MONDAY + 3 * DAY, view="older")
    assert "0 outcomes are known" in judge(rows, 1.0).reason


def lists(played_at: dict[str, int], n: int = 300, known: int = 10_000) -> Lists:
    """Return lists of three, by turns of two versions and the fallback, and at which place something came of each."""
    versions = ["Fraud@1", "Fraud@2", ""]
    told = [record(i, model=versions[i % 3], fallback="" if versions[i % 3] else "action") for i in range(3 * n)]
    of_list, rank = np.repeat(np.arange(3 * n), 3), np.tile([1, 2, 3], 3 * n)
    place = np.array([played_at.get(versions[i % 3], 1) for i in range(3 * n)])
    label = np.where(rank == place[of_list], 1.0, 0.0)
    label[of_list >= known] = np.nan
    joined = Joined(table(told), np.full(3 * n, np.nan), np.ones(3 * n), np.zeros(3 * n, np.int8))
    return Lists(of_list, pa.array(["a", "b", "c"] * 3 * n), rank, label, 3, joined)


def judge_shown(shown: Lists, measure: str = "mean_reciprocal_rank", watched: int = 3 * DAY) -> Judgement:
    return judge_lists(POLICY, measure, lambda: shown, "Fraud@1", "Fraud@2", watched)


def test_lists_are_measured_as_each_version_showed_them() -> None:
    judgement = judge_shown(lists({"Fraud@1": 2, "Fraud@2": 1}))
    assert (judgement.verdict, judgement.evidence["champion"], judgement.evidence["challenger"]) == (
        "promote",
        0.5,
        1.0,
    )
    assert "the lists that each one answered" in judgement.reason
    assert judge_shown(lists({"Fraud@1": 1, "Fraud@2": 3})).verdict == "rollback"


def test_a_list_of_which_nothing_came_counts() -> None:
    shown = lists({"Fraud@1": 2, "Fraud@2": 1})
    mostly = (shown.list % 3 == 1) & (shown.list > 60)
    shown.label[mostly] = 0.0  # of the challenger's lists most led to nothing, and the others to the first item
    judgement = judge_shown(shown)
    assert judgement.verdict == "rollback"
    assert judgement.evidence["challenger"] < 0.1


def test_lists_whose_order_chance_made_are_left_out() -> None:
    shown = lists({"Fraud@1": 2, "Fraud@2": 1})
    table = shown.joined.decisions
    explored = np.arange(table.num_rows) % 9 == 1  # of the challenger's, every third: nothing came of what stood first
    place = table.column_names.index("explored")
    marked = table.set_column(place, "explored", pa.array(explored))
    shown.label[explored[shown.list]] = np.tile([0.0, 0.0, 1.0], int(explored.sum()))
    assert judge_shown(replace(shown, joined=replace(shown.joined, decisions=marked))).evidence["challenger"] == 1.0
    assert judge_shown(shown).evidence["challenger"] < 1.0


def test_lists_wait_for_enough_outcomes_and_are_not_read_before_their_time() -> None:
    few = lists({}, known=30)
    assert "10 outcomes are known, 200 are needed" in judge_shown(few).reason
    assert judge_shown(few).verdict == "wait"
    assert judge_shown(few, watched=10 * DAY).verdict == "rollback"
    never: list[Lists] = []
    waits = judge_lists(POLICY, "ndcg(k=10)", never.pop, "Fraud@1", "Fraud@2", DAY)
    assert waits.verdict == "wait"


@pytest.mark.parametrize("views", [("v1", "v1"), ("v1", "v2")])
def test_lists_of_single_decisions_go_by_their_column(views: tuple[str, str]) -> None:
    rows = decided(900, MONDAY, MONDAY + 3 * DAY, split=SPLIT)
    inputs = [f'{{"query": "q{i // 5}"}}' for i in range(899)] + ["{}"]
    place = rows.decisions.schema.get_field_index("inputs")
    rows = Joined(rows.decisions.set_column(place, "inputs", pa.array(inputs)), rows.label, rows.weight, rows.status)
    judgement = judge(rows, -1.0, views=views, measure="mean_reciprocal_rank", group="query")
    assert judgement.verdict == ("rollback" if views[0] == views[1] else judgement.verdict)
    assert "mean_reciprocal_rank on" in judgement.reason
    assert 0.0 < judgement.evidence["challenger"] <= 1.0
