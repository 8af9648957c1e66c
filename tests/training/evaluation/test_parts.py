"""The parts of an evaluation, on rows whose answer is known."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from tidewheel.metrics import metric
from tidewheel.training.evaluation.cells import cells
from tidewheel.training.evaluation.churn import churn, moved
from tidewheel.training.evaluation.groups import decision_threshold, fairness
from tidewheel.training.evaluation.material import Material, Rival
from tidewheel.training.evaluation.permutation import permutation_importance
from tidewheel.training.evaluation.slices import row_loss, slices

RNG = np.random.default_rng(2)
N = 4000
COUNTRY = RNG.choice(["SE", "NO", "DK"], N)
AMOUNT = RNG.lognormal(3, 1, N)
CHANCE = RNG.random(N)
Y = (RNG.random(N) < CHANCE).astype(float)
TABLE = pa.table({"country": COUNTRY, "amount": AMOUNT, "noise": RNG.random(N)})


def material(score: np.ndarray, **more: object) -> Material:
    given = {"baseline": np.full(N, Y.mean()), "intervals": {}, "table": TABLE, "texts": ("country",)} | more
    return Material("M", [metric("brier")], True, Y, np.ones(N), score, **given)  # type: ignore[arg-type]  # test


def test_a_bad_slice_is_found_and_noise_is_not() -> None:
    bad = (COUNTRY == "DK") & (np.quantile(AMOUNT, 0.75) < AMOUNT)
    score = np.where(bad, 1.0 - CHANCE, CHANCE)
    found, tried = slices(material(score), ["country"])
    assert [part.where["country"] for part in found if part.declared] == sorted(
        set(COUNTRY), key=lambda name: -np.count_nonzero(name == COUNTRY)
    )
    worst = next(part for part in found if not part.declared)
    assert worst.where["country"] == "DK"
    assert worst.where["amount"].endswith("inf)")
    assert worst.rows == bad.sum()
    assert worst.value is not None
    assert worst.rest is not None
    assert worst.low is not None
    assert worst.low <= worst.value
    assert worst.value > 2 * worst.rest
    assert worst.q is not None
    assert worst.q < 1e-6
    assert tried > 30
    assert [part for part in slices(material(CHANCE), [])[0] if not part.declared] == []


def test_slices_stand_beside_the_champion() -> None:
    found, _ = slices(material(np.where(COUNTRY == "SE", 0.5, CHANCE), champion=Rival("M@1", CHANCE)), ["country"])
    by_name = {part.where["country"]: part for part in found if part.declared}
    assert by_name["SE"].change_high is not None
    assert by_name["SE"].change_high < 0.0
    assert by_name["NO"].change == 0.0
    assert by_name["NO"].champion == by_name["NO"].value


@pytest.mark.parametrize("value", [1.0, 2.0, 3.0])
def test_few_numbers_are_values_of_their_own(value: float) -> None:
    codes, values = cells(pa.chunked_array([[1.0, 2.0, 3.0, None, value]]), text=False)
    assert values == ["1", "2", "3", "(null)"]
    assert codes[-1] == value - 1


def test_margins_are_ranked_before_they_are_a_loss() -> None:
    assert row_loss(np.array([0.0, 1.0]), np.array([-5.0, 9.0]), classification=True).tolist() == [0.25, 0.0]


def test_churn_counts_what_people_feel() -> None:
    before, after = np.array([0.1, 0.6, 0.95, 0.2]), np.array([0.7, 0.6, 0.5, 0.3])
    changed, moves = moved(before, after, {"allow": 0.0, "block": 0.9, "review": 0.5})
    assert changed == 0.5
    assert moves == {"allow -> review": 1, "block -> review": 1}
    assert churn(material(CHANCE)) is None
    found = churn(material(CHANCE, champion=Rival("M@1", CHANCE**2)))
    assert found is not None
    assert found.changed is None
    assert found.rank_correlation == pytest.approx(1.0)
    assert found.mean_change == pytest.approx(np.abs(CHANCE - CHANCE**2).mean())


def test_groups_are_counted_by_hand() -> None:
    found = fairness(material(CHANCE), "country", 0.7, least=100)
    for group in found.groups:
        rows = group.value == COUNTRY
        taken = CHANCE[rows] >= 0.7
        assert group.selected == pytest.approx(taken.mean())
        assert group.true_positive_rate == pytest.approx(taken[Y[rows] == 1].mean())
        assert group.precision == pytest.approx(Y[rows][taken].mean())
        assert group.selected_low < group.selected < group.selected_high
    rates = [group.selected for group in found.groups]
    assert found.ratio["selected"] == pytest.approx(min(rates) / max(rates))
    assert found.difference["selected"] == pytest.approx(max(rates) - min(rates))
    assert all(group.small for group in fairness(material(CHANCE), "country", 0.7, least=N).groups)
    assert decision_threshold({}) == decision_threshold({"allow": 0.0}) == 0.5


def test_what_a_column_tells_is_lost_when_it_is_shuffled() -> None:
    x = np.column_stack([CHANCE, RNG.random(N)])
    lost = permutation_importance(metric("roc_auc"), lambda rows: rows[:, 0], x, Y, np.ones(N), [0, 1])
    assert lost[0][0] == pytest.approx(metric("roc_auc")(Y, CHANCE) - 0.5, abs=0.03)
    assert lost[1] == (0.0, 0.0)
