"""A report says what a count by hand says."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from decision_rows import DAY, HOUR, MONDAY, record, table

from tidewheel.definitions import ir
from tidewheel.kernel import hash_text
from tidewheel.metrics import average_precision
from tidewheel.monitoring.build import VersionFacts, build_report
from tidewheel.monitoring.report import Report
from tidewheel.outcomes import Joined, Status, answered
from tidewheel.registry.models.profile import FeatureProfile, Profile

SERVICE = ir.Service("Score", "Payment", "Fraud", None, (), (("allow", 0.0), ("block", 0.9)))
N = 900


def joined() -> Joined:
    """Three weeks of decisions: a canary in the third, some fallbacks, prevented and pending ones."""
    random = np.random.default_rng(0)
    rows = []
    for number in range(N):
        at = MONDAY + number * 21 * DAY // N
        third = at >= MONDAY + 14 * DAY
        score = float(random.random())
        told = {"score": score, "features": [score, float(random.normal())]}
        if number % 50 == 0:
            told |= {"fallback": "table", "model": "", "features": b"", "score": 0.1}
        elif third and number % 5 == 0:
            told |= {"model": "Fraud@2", "arm": "challenger"}
        rows.append(record(number, at, decision="block" if score > 0.9 else "allow", **told))
    decisions = answered(table(rows))
    scores = np.array([row.score for row in rows])
    label = (random.random(N) < scores).astype(np.float64)
    status = np.full(N, Status.MATURED, dtype=np.int8)
    status[scores > 0.9] = Status.PREVENTED
    status[-40:] = Status.PENDING
    label[status != Status.MATURED] = np.nan
    return Joined(decisions, label, np.ones(N), status)


@pytest.fixture(scope="module")
def rows() -> Joined:
    return joined()


def report(rows: Joined, by: str = "week", versions: dict[str, VersionFacts] | None = None) -> Report:
    measures = ["average_precision", "brier"]
    return build_report(rows, SERVICE, measures, versions or {}, [], as_of=MONDAY + 30 * DAY, by=by)  # type: ignore[arg-type]  # a literal


def test_periods_are_versions_by_week(rows: Joined) -> None:
    found = report(rows)
    assert [(p.start, p.version) for p in found.periods] == [
        ("2024-01-01", ""),
        ("2024-01-01", "Fraud@1"),
        ("2024-01-08", ""),
        ("2024-01-08", "Fraud@1"),
        ("2024-01-15", ""),
        ("2024-01-15", "Fraud@1"),
        ("2024-01-15", "Fraud@2"),
    ]
    assert sum(p.decisions for p in found.periods) == N
    assert [p.version for p in found.totals] == ["", "Fraud@1", "Fraud@2"]
    assert [p.start for p in report(rows, "month").periods] == ["2024-01-01"] * 3
    assert found.by == "week"


def test_numbers_are_those_of_the_rows(rows: Joined) -> None:
    whole = {p.version: p for p in report(rows).totals}
    model = np.array(rows.decisions["model"].to_pylist())
    mine = model == "Fraud@1"
    known = mine & rows.matured
    scores = rows.decisions["score"].to_numpy()
    total = whole["Fraud@1"]
    assert total.decisions == mine.sum()
    assert total.matured == known.sum()
    assert total.pending == (mine & (rows.status == Status.PENDING)).sum()
    assert total.prevented == (mine & (rows.status == Status.PREVENTED)).sum()
    assert total.positive_share == pytest.approx(rows.label[known].mean())
    assert total.actions["block"] == (mine & (scores > 0.9)).sum()
    assert sum(total.scores) == mine.sum()
    measured = total.metrics["average_precision"]
    assert measured.value == average_precision(rows.label[known], scores[known])
    assert measured.low < measured.value < measured.high
    assert sum(b.n for b in total.reliability) == known.sum()
    assert total.latency_us is not None
    assert total.latency_us.p50 == 15.0
    assert whole[""].fallbacks == N // 50
    assert whole[""].metrics == {}, "a fallback's score is not held against a model"


def test_explored_rows_stand_for_those_that_were_not() -> None:
    decisions = answered(table([record(0), record(1, explored=True, propensity=0.25)]))
    rows = Joined(decisions, np.array([0.0, 1.0]), np.array([1.0, 4.0]), np.zeros(2, dtype=np.int8))
    total = report(rows).totals[0]
    assert total.positive_share == 0.8
    assert total.explored == 1


def test_scores_that_are_no_probabilities_have_a_range_of_their_own() -> None:
    values = np.linspace(-50, 250, 400)
    decisions = answered(table([record(n, MONDAY + n, score=float(v)) for n, v in enumerate(values)]))
    rows = Joined(decisions, values + 1.0, np.ones(400), np.zeros(400, dtype=np.int8))
    found = build_report(rows, SERVICE, ["rmse"], {}, [], as_of=MONDAY)
    assert found.score_range[0] < -40
    assert found.score_range[1] > 240
    assert sum(found.totals[0].scores) > 390
    assert found.totals[0].metrics["rmse"].value == pytest.approx(1.0)
    assert found.totals[0].reliability == []


def test_no_decisions_make_an_empty_report() -> None:
    nothing = Joined(answered(table([])), np.empty(0), np.empty(0), np.empty(0, dtype=np.int8))
    found = report(nothing)
    assert (found.periods, found.totals, found.drift) == ([], [], [])
    assert found.start == found.end == MONDAY + 30 * DAY


# --- drift -----------------------------------------------------------------------------------------


def facts(edges: list[float], counts: list[int], levels: dict[str, int] | None = None) -> VersionFacts:
    numbers = FeatureProfile(name="x", edges=edges, counts=counts, nulls=0)
    texts = FeatureProfile(name="country", levels=list(levels or {}), level_counts=[*(levels or {}).values(), 0])
    score = FeatureProfile(name="score", edges=[0.5], counts=[5000, 5000])
    return VersionFacts(["x", "country"], Profile(rows=10_000, features=[numbers, texts], score=score))


def served(country: str, *, x: float = 0.0, null: float = 0.0, n: int = 700) -> Joined:
    random = np.random.default_rng(1)
    word = np.array([hash_text(country)]).view(np.float64)[0]
    numbers = random.normal(x, 1.0, n)
    numbers[random.random(n) < null] = np.nan
    scores = random.random(n)
    rows = [
        record(i, MONDAY + i * 7 * DAY // n, features=np.array([numbers[i], word]).tobytes(), score=float(scores[i]))
        for i in range(n)
    ]
    return Joined(answered(table(rows)), np.full(n, np.nan), np.ones(n), np.full(n, Status.PENDING, dtype=np.int8))


def drift_of(rows: Joined, known: VersionFacts) -> dict[str, tuple[float, float, float]]:
    found = report(rows, versions={"Fraud@1": known}).drift
    return {d.feature: (d.psi, d.low, d.high) for d in found}


NORMAL = facts([-0.6745, 0.0, 0.6745], [2500, 2500, 2500, 2500], {"NO": 10_000})


def test_calm_columns_do_not_drift() -> None:
    found = drift_of(served("NO"), NORMAL)
    assert set(found) == {"x", "country", "(score)"}
    assert all(low == 0.0 and value < 0.05 for value, low, _ in found.values())


def test_a_number_a_text_and_nulls_that_moved() -> None:
    assert drift_of(served("NO", x=1.5), NORMAL)["x"][1] > 0.5
    assert drift_of(served("XX"), NORMAL)["country"][1] > 1.0
    found = report(served("NO", null=0.5), versions={"Fraud@1": NORMAL}).drift
    nulls = next(d for d in found if d.feature == "x")
    assert nulls.low > 0.3
    assert nulls.null_share == pytest.approx(0.5, abs=0.05)
    assert nulls.null_share_trained == 0.0


def test_few_rows_and_rows_of_another_width_say_nothing() -> None:
    assert drift_of(served("NO", x=3.0, n=90), NORMAL) == {}
    narrow = VersionFacts(["x"], NORMAL.profile)
    assert drift_of(served("NO"), narrow) == {}


def test_days_that_differ_widen_the_interval() -> None:
    rows = served("NO", n=1400)
    day = (rows.decisions["instant"].to_numpy() - MONDAY) // DAY
    scores = np.where(day % 2 == 0, 0.4, 0.6) + np.random.default_rng(0).normal(0, 0.15, len(day))
    place = rows.decisions.schema.get_field_index("score")
    swinging = Joined(
        rows.decisions.set_column(place, "score", pa.array(np.clip(scores, 0, 1))), rows.label, rows.weight, rows.status
    )
    calm, wide = drift_of(rows, NORMAL)["(score)"], drift_of(swinging, NORMAL)["(score)"]
    assert wide[2] - wide[1] > 3 * (calm[2] - calm[1])
    assert wide[1] == 0.0


def test_a_months_decisions_are_of_their_month() -> None:
    edge = [record(0, MONDAY + 31 * DAY - HOUR), record(1, MONDAY + 31 * DAY)]
    rows = Joined(answered(table(edge)), np.zeros(2), np.ones(2), np.zeros(2, dtype=np.int8))
    assert [p.start for p in report(rows, "month").periods] == ["2024-01-01", "2024-02-01"]
