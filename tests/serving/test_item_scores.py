"""Several models over one batch of candidates: what each is asked, what comes of it, and what is told."""

from __future__ import annotations

import math
from functools import partial
from time import perf_counter_ns

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidewheel.definitions import ir
from tidewheel.definitions.ir.ranking import Rerank, Top
from tidewheel.errors import DeadlineError, KilledError, ServingError, TidewheelError
from tidewheel.registry.models.combining import Combiner
from tidewheel.serving.deciding.flight import waited
from tidewheel.serving.deciding.item_scores import ItemModel, ItemScores, ItemScoring, Scored
from tidewheel.serving.deciding.scoring import NO_DEADLINE
from tidewheel.serving.deciding.shortlist import allowed, passed, shortlist
from tidewheel.storage.journal.decisions import Stage

Floats = npt.NDArray[np.float64]
NAMES = ("Small", "Middle", "Large")
PRODUCT = ir.Call("mul", (ir.Score("Small"), ir.Call("add", (ir.Score("Large"), ir.Computed("bid")))))
OWN = ir.View("S.score", "Ask", (), (ir.ViewColumn("bid", ir.Col(("bid",))),))
COMBINED = {
    "weighted": ir.Combine("weighted", NAMES, weights=(0.5, 0.2, 0.3)),
    "vote": ir.Combine("vote", NAMES, at=(0.5, 0.2, 0.9)),
    "expression": ir.Combine("expression", NAMES, expr=PRODUCT),
    "cascade": ir.Combine("cascade", NAMES, top=(4, 2)),
}
TOP = Top(2)


def column(place: int) -> ItemScoring:
    return lambda words, until: words[:, place].copy()


def lineup(how: ir.Combine, **scores: ItemScoring) -> ItemScores:
    """Models that take their score from a column; a large one on a view of its own."""
    models = tuple(
        ItemModel(name, f"{name}@1", f"b-{name}", f"v-{name}", int(name == "Large"), scores.get(name, column(place)))
        for place, name in enumerate(NAMES)
    )
    own = how.expr is not None
    return ItemScores(models, how, Combiner(how, OWN if own else None), 2 if own else None, "own" if own else "")


def asked(
    scores: ItemScores, rows: Floats, top: Top = TOP, until: int = NO_DEADLINE, **columns: Floats
) -> tuple[Scored, list[Stage], list[str]]:
    """Score rows of (small, middle, large, bid); return what came of it with its stages and the list by place."""
    ids = [f"i{at:02}" for at in range(len(rows))]
    stages: list[Stage] = []
    words = [rows, rows, np.ascontiguousarray(rows[:, 3:])]
    asking = scores(words, allowed(top, columns, len(ids)), partial(passed, top, ids, columns), until, stages)
    found = waited(asking)
    cut = shortlist(top, ids, found.scores, columns, None, found.left)
    return found, stages, [ids[place] for place in cut.chosen]


numbers = st.floats(-4, 4, allow_nan=False).map(lambda value: round(value, 1))
tables = st.lists(st.tuples(numbers, numbers, numbers, numbers), min_size=1, max_size=9).map(
    lambda rows: np.array(rows, np.float64)
)


@pytest.mark.parametrize("kind", ["weighted", "vote", "expression"])
@given(rows=tables)
@settings(deadline=None)
def test_a_batch_is_scored_as_its_rows_are_one_by_one(kind: str, rows: Floats) -> None:
    scores = lineup(COMBINED[kind])
    found, stages, _ = asked(scores, rows)
    assert scores.combiner is not None
    for at, row in enumerate(rows):
        given = dict(zip(NAMES, row.tolist(), strict=False))
        alone = scores.combiner(given, row[3:] if kind == "expression" else None)
        assert np.float64(alone).tobytes() == found.scores[at].tobytes()
    assert [stage.model for stage in stages if stage.model] == ["Small@1", "Middle@1", "Large@1"]


@settings(deadline=None)
@given(
    st.lists(st.tuples(*[st.one_of(st.none(), numbers)] * 3), min_size=1, max_size=9), st.sampled_from(sorted(COMBINED))
)
def test_rows_with_holes_combine_as_they_do_alone(rows: list[tuple[float | None, ...]], kind: str) -> None:
    combiner, own = Combiner(COMBINED[kind], OWN), np.ones((len(rows), 1))
    table = np.array([[math.nan if score is None else score for score in row] for row in rows])
    together = combiner.rows(dict(zip(NAMES, table.T, strict=True)), own)
    alone = [combiner(dict(zip(NAMES, row.tolist(), strict=True)), own[0]) for row in table]
    assert np.array_equal(together, alone, equal_nan=True)


@given(tables)
@settings(deadline=None)
def test_a_cascade_is_its_stages_one_after_the_other(rows: Floats) -> None:
    found, _, chosen = asked(lineup(COMBINED["cascade"]), rows)
    left = [f"i{at:02}" for at in range(len(rows))]
    for place, size in ((0, 4), (1, 2), (2, TOP.k)):
        left = sorted(left, key=lambda id: (-rows[int(id[1:]), place], id))[:size]
    assert chosen == left
    assert np.isnan(found.by_model["Middle"]).sum() == max(0, len(rows) - 4)
    assert sorted(f"i{at:02}" for at in np.flatnonzero(found.left)) == sorted(chosen)


def test_what_a_rule_drops_takes_no_place_and_what_it_pins_goes_on() -> None:
    rows = np.array([[9.0, 9, 9, 0], [8, 8, 8, 0], [7, 7, 7, 0], [6, 6, 6, 0], [1, 1, 1, 0], [0, 0, 5, 0]])
    how = ir.Combine("cascade", NAMES, top=(2, 2))
    top = Top(2, rules=(Rerank("drop", "d"), Rerank("pin", "p", at=1)))
    held = {"d": np.array([1.0, 0, 0, 0, 0, 0]), "p": np.array([0.0, 0, 0, 0, 1, 1])}
    found, _, chosen = asked(lineup(how), rows, top, **held)
    assert chosen == ["i04", "i01"]
    assert np.flatnonzero(found.left).tolist() == [1, 2, 4]
    boost = Top(2, rules=(Rerank("boost", "b", by=8.5),))
    assert asked(lineup(how), rows, boost, b=np.array([0.0, 0, 0, 0, 1, 0]))[2] == ["i04", "i00"]


def broken(words: Floats, until: int) -> Floats:
    raise ServingError("it is ill")


def no_number(words: Floats, until: int) -> Floats:
    return np.full(len(words), np.nan)


def test_a_mean_goes_on_without_a_model_and_an_expression_does_not() -> None:
    rows = np.array([[1.0, 0.5, 0.2, 3.0], [0.0, 0.5, 0.4, 3.0]])
    found, stages, _ = asked(lineup(COMBINED["weighted"], Middle=broken), rows)
    assert found.scores.tolist() == pytest.approx([(0.5 + 0.06) / 0.8, 0.12 / 0.8])
    assert [stage.note for stage in stages] == ["", "serving: it is ill", ""]
    with pytest.raises(ServingError, match="it is ill"):
        asked(lineup(COMBINED["expression"], Middle=broken), rows)
    with pytest.raises(ServingError, match="gave no number"):
        asked(lineup(COMBINED["weighted"], Small=broken, Middle=broken, Large=no_number), rows)


def test_a_cascade_takes_the_scores_it_has() -> None:
    rows = np.array([[float(at), -float(at), 0.0, 0.0] for at in range(8)])
    assert asked(lineup(COMBINED["cascade"]), rows)[2] == ["i04", "i05"]
    _, stages, chosen = asked(lineup(COMBINED["cascade"], Middle=broken, Large=broken), rows)
    assert chosen == ["i07", "i06"]
    assert [bool(stage.note) for stage in stages] == [False, True, True]
    assert asked(lineup(COMBINED["cascade"], Small=broken), rows)[2] == ["i00", "i01"], "the next looks at all"


def test_a_model_that_is_too_dear_for_the_time_left_is_not_begun() -> None:
    rows = np.array([[float(at), -float(at), 0.0, 0.0] for at in range(8)])
    scores = lineup(COMBINED["cascade"])
    scores.models[2].cost[0] = 1e15
    _, stages, chosen = asked(scores, rows, until=perf_counter_ns() + 60_000_000_000)
    assert chosen == ["i04", "i05"]
    assert stages[2].note == "deadline: no time was left to ask it"
    assert scores.models[2].cost[0] < 1e15, "so that it is tried again some day"
    with pytest.raises(DeadlineError):
        asked(lineup(COMBINED["weighted"]), rows, until=perf_counter_ns() - 1)


def test_what_has_no_score_is_left_out_and_told() -> None:
    rows = np.array([[1.0, 0.5, 0.2, math.nan], [0.0, 0.5, 0.4, 3.0]])
    _, stages, chosen = asked(lineup(COMBINED["expression"]), rows)
    assert chosen == ["i01"]
    assert (stages[-1].name, stages[-1].note) == ("row", "1 candidates have no score and are left out")
    with pytest.raises(ServingError, match="no number"):
        asked(lineup(COMBINED["expression"]), rows[:1])


def test_a_member_that_is_switched_off_refuses() -> None:
    rows = np.array([[1.0, 0.5, 0.2, 3.0]])
    off = lineup(COMBINED["weighted"]).without({"Small@1", "Large"})
    found, stages, _ = asked(off, rows)
    assert found.scores.tolist() == [0.5]
    assert stages[0].note == "killed: Small@1 is switched off"
    with pytest.raises(KilledError) as error:
        asked(off.without({"Middle"}), rows)
    assert isinstance(error.value, TidewheelError)


def test_an_item_is_told_by_each_model_that_scored_it() -> None:
    rows = np.array([[float(at), -float(at), 0.5, 2.0] for at in range(8)])
    scores = lineup(COMBINED["cascade"])
    found, _, _ = asked(scores, rows)
    told = scores.item("i04", 4, [rows, rows], found)
    assert [(one.stage, one.score) for one in told] == [("Small", 4.0), ("Middle", -4.0), ("Large", 0.5)]
    assert [one.features for one in told] == [b"", b"", rows[4].tobytes()], "the record's row is not kept twice"
    scores = lineup(COMBINED["expression"])
    found, _, _ = asked(scores, rows)
    own = scores.item("i04", 4, [rows, rows, np.ascontiguousarray(rows[:, 3:])], found)[0]
    assert (own.stage, own.score, own.features) == ("row", None, rows[4, 3:].tobytes())
