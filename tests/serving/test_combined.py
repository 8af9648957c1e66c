"""Scores of several models: equal to what its members' own scores give, told by stage, replayed, switched, in time."""

from __future__ import annotations

import math
import threading
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.serving.combined_shop import (
    CASCADE,
    CHAIN,
    EXPRESSION,
    STACK,
    VOTE,
    WEIGHTED,
    graph_of,
    point,
    version_of,
)
from tests.serving.shop import Shop, open_shop, payment, serving
from tests.serving.test_deciding import eventually

from tidewheel.collect.keeping.history import History
from tidewheel.definitions import ir
from tidewheel.errors import NotFoundError
from tidewheel.registry.models.combining import Combiner
from tidewheel.registry.pointers.deployments import canary, get_deployment, rollback
from tidewheel.runtime.kill_switch import Killed
from tidewheel.serving.deciding.answers import Answer
from tidewheel.serving.deciding.scoring import Pending
from tidewheel.serving.explain import Explanation, explain
from tidewheel.serving.service import Serving
from tidewheel.storage.journal.decisions import DecisionRecord
from tidewheel.storage.journal.rows import from_arrow, to_arrow

ZERO_TO_ONE = st.floats(0.0, 1.0)


def decided(
    tmp_path: Path, score: str, *, amount: float = 0.5, first: float = 1.0, second: float = 2.0
) -> tuple[Answer, DecisionRecord, Explanation]:
    """Deploy Small (the amount times `first`), Large (half the amount, doubled) and Meta, and decide once."""
    with open_shop(tmp_path) as shop:
        graph = graph_of(shop, score)
        names = [version_of(shop, graph, "Small", first), version_of(shop, graph, "Large", second)]
        meta = version_of(shop, graph, "Meta", 1.0, 10.0, inner=("Small@1", "Large@1"))
        lineup = {STACK: [*names, meta], CHAIN: [meta]}.get(score, names)
        point(shop, graph, "+".join(lineup))
        with serving(shop) as running:
            running.decide("Score", payment(0, amount=amount))
            running.appender.flush()
            shop.fold(graph)
            answer = running.decide("Score", payment(1, amount=amount))
            record = running.find(answer.decision_id)
            history = History(shop.stores.lake, shop.stores.log)
            return answer, record, explain(record, shop.stores, history)


@pytest.mark.parametrize(
    ("score", "amount", "expected"),
    [
        (WEIGHTED, 0.5, 0.75 * 0.5 + 0.25 * 0.5),
        (VOTE, 0.45, 0.5),
        (CASCADE, 0.5, 0.5),
        (CASCADE, 0.25, 0.25),
        (EXPRESSION, 0.5, 0.5 * 0.5 + 0.5 / 3),
        (STACK, 0.5, 0.5 + 10 * 0.5),
        (CHAIN, 0.5, 0.5 + 10 * 0.5),
    ],
)
def test_the_score_is_what_the_members_give_and_replays_to_the_bit(
    tmp_path: Path, score: str, amount: float, expected: float
) -> None:
    answer, record, told = decided(tmp_path, score, amount=amount)
    assert not answer.fallback, answer.reason
    assert answer.score == pytest.approx(expected, abs=1e-12)
    assert answer.decision == ("block" if expected >= 0.9 else "allow")
    assert told.replay.done, told.replay.why_not
    assert told.replay.equal, told.replay.first_difference
    assert told.replay.score_equal
    by_name = {stage.name: stage for stage in record.stages}
    assert all(stage.note == "" for stage in record.stages)
    if score == CASCADE and amount == 0.25:
        assert list(by_name) == ["Small"]
    else:
        assert {"Small", "Large"} <= set(by_name)
        assert by_name["Large"].score == amount
        shown = next(stage for stage in told.stages if stage.name == "Large")
        assert shown.features["country"] == "SE"
        assert shown.features["weight"] == amount * 0.5


def test_a_record_with_stages_is_the_same_from_the_lake(tmp_path: Path) -> None:
    _, record, _ = decided(tmp_path, EXPRESSION)
    assert {stage.name for stage in record.stages} == {"row", "Small", "Large"}
    assert from_arrow(to_arrow([record])) == [record]


@given(st.lists(st.tuples(ZERO_TO_ONE, st.integers(1, 9), st.booleans()), min_size=2, max_size=5))
def test_a_weighted_mean_is_of_those_that_answered(members: list[tuple[float, int, bool]]) -> None:
    total = sum(weight for _, weight, _ in members)
    names = tuple(f"M{number}" for number in range(len(members)))
    how = ir.Combine("weighted", names, weights=tuple(weight / total for _, weight, _ in members))
    answered = {name: score for name, (score, _, there) in zip(names, members, strict=True) if there}
    found = Combiner(how)(answered)
    if not answered:
        assert math.isnan(found)
        return
    weights = {name: weight for name, (_, weight, _) in zip(names, members, strict=True) if name in answered}
    mean = sum(answered[name] * weights[name] for name in answered) / sum(weights.values())
    assert found == pytest.approx(mean, abs=1e-12)
    assert min(answered.values()) - 1e-12 <= found <= max(answered.values()) + 1e-12


@given(st.lists(st.tuples(ZERO_TO_ONE, ZERO_TO_ONE), min_size=2, max_size=5))
def test_a_vote_is_the_share_of_members_that_say_yes(members: list[tuple[float, float]]) -> None:
    names = tuple(f"M{number}" for number in range(len(members)))
    how = ir.Combine("vote", names, at=tuple(level for _, level in members))
    found = Combiner(how)(dict(zip(names, (score for score, _ in members), strict=True)))
    assert found * len(members) == pytest.approx(sum(score >= level for score, level in members))


@pytest.mark.parametrize(("score", "expected"), [(WEIGHTED, 0.5), (VOTE, 1.0), (CASCADE, 0.5)])
def test_a_member_that_gives_no_number_is_left_out_and_marked(tmp_path: Path, score: str, expected: float) -> None:
    answer, record, told = decided(tmp_path, score, second=math.nan)
    assert (answer.fallback, answer.score) == ("", expected)
    large = next(stage for stage in record.stages if stage.name == "Large")
    assert (large.score, large.note) == (None, "serving: the model gave no number")
    assert told.replay.score_equal


@pytest.mark.parametrize("score", [STACK, CHAIN, EXPRESSION])
def test_what_needs_every_member_falls_back(tmp_path: Path, score: str) -> None:
    answer, record, _ = decided(tmp_path, score, second=math.nan)
    assert (answer.fallback, answer.decision) == ("action", "allow")
    assert answer.reason == "serving: the model gave no number"
    assert any(stage.note for stage in record.stages)


def test_a_cascade_asks_the_next_when_the_first_gives_none(tmp_path: Path) -> None:
    answer, record, _ = decided(tmp_path, CASCADE, first=math.nan)
    assert (answer.fallback, answer.score) == ("", 0.5)
    assert [(stage.name, bool(stage.note)) for stage in record.stages] == [("Small", True), ("Large", False)]


def test_a_dear_member_is_not_begun_when_no_time_is_left(tmp_path: Path) -> None:
    with open_shop(tmp_path) as shop:
        graph = graph_of(shop, CASCADE, deadline="500ms")
        point(shop, graph, f"{version_of(shop, graph, 'Small', 1.0)}+{version_of(shop, graph, 'Large', 2.0)}")
        with serving(shop) as running:
            arm = running.desk.services["Score"].decider.champion
            assert arm is not None
            assert arm.combined is not None
            arm.combined.members[1].cost[0] = 600_000_000
            answer = running.decide("Score", payment(1, amount=0.5))
            record = running.find(answer.decision_id)
            assert (answer.fallback, answer.score) == ("", 0.5)
            assert record.stages[1].note == "deadline: no time was left to ask it"
            arm.combined.members[1].cost[0] = 0
            again = running.find(running.decide("Score", payment(2, amount=0.5)).decision_id)
            assert again.stages[1].note == ""


def two_of_each(shop: Shop, score: str) -> tuple[ir.Graph, str, str]:
    """Two line-ups that differ in Large: its second version gives twice the first one's score."""
    graph = graph_of(shop, score)
    small, one, two = (
        version_of(shop, graph, model, factor) for model, factor in (("Small", 1.0), ("Large", 2.0), ("Large", 4.0))
    )
    return graph, f"{small}+{one}", f"{small}+{two}"


def test_moving_a_member_under_load_gives_each_answer_of_one_whole_lineup(tmp_path: Path) -> None:
    with open_shop(tmp_path) as shop:
        graph, first, second = two_of_each(shop, WEIGHTED)
        point(shop, graph, first)
        expected = {first: 0.4, second: 0.5}
        with serving(shop) as running:
            answers: list[Answer] = []
            stop = threading.Event()

            def ask() -> None:
                while not stop.is_set():
                    answers.append(running.decide("Score", payment(len(answers), amount=0.4)))

            thread = threading.Thread(target=ask)
            thread.start()
            for lineup in (second, first, second):
                point(shop, graph, lineup)
                eventually(lambda wanted=lineup: answers and answers[-1].model == wanted, 20.0)  # type: ignore[misc]
            rollback(shop.stores.catalog, "Score")
            eventually(lambda: answers[-1].model == first, 20.0)
            stop.set()
            thread.join()
        assert {answer.model for answer in answers} == {first, second}
        assert not any(answer.fallback for answer in answers)
        assert all(answer.score == pytest.approx(expected[answer.model]) for answer in answers)
        assert get_deployment(shop.stores.catalog, "Score").champion == first


def test_a_canary_of_a_member_is_a_line_up_beside_the_champions(tmp_path: Path) -> None:
    with open_shop(tmp_path) as shop:
        graph, first, second = two_of_each(shop, WEIGHTED)
        point(shop, graph, first)
        with pytest.raises(NotFoundError, match="no version Large@9"):
            canary(shop.stores.catalog, "Score", "Small@1+Large@9", 0.5)
        canary(shop.stores.catalog, "Score", second, 0.5)
        with serving(shop) as running:
            answers = [running.decide("Score", payment(number, amount=0.4)) for number in range(60)]
        expected = {(first, "champion"): 0.4, (second, "challenger"): 0.5}
        assert {(answer.model, answer.arm) for answer in answers} == set(expected)
        assert all(answer.score == pytest.approx(expected[answer.model, answer.arm]) for answer in answers)


def test_the_line_up_before_answers_when_a_member_of_the_new_one_is_damaged(tmp_path: Path) -> None:
    with open_shop(tmp_path) as shop:
        graph, first, second = two_of_each(shop, STACK)
        meta = version_of(shop, graph, "Meta", 1.0, 10.0)
        bad = version_of(shop, graph, "Meta", math.nan, math.nan)
        point(shop, graph, f"{first}+{meta}")
        point(shop, graph, f"{second}+{bad}")
        with serving(shop) as running:
            answer = running.decide("Score", payment(1, amount=0.5))
            stages = running.find(answer.decision_id).stages
        assert (answer.fallback, answer.model, answer.score) == ("previous", f"{first}+{meta}", 5.5)
        assert [stage.model for stage in stages] == ["Small@1", "Large@1", "Meta@1"]


def switched_off(running: Serving, name: str, work: Callable[[], Answer]) -> Answer:
    running.switch.kill(Killed(name, at=0, who="", why=""))
    try:
        return work()
    finally:
        running.switch.unkill(name)


def test_a_member_that_is_switched_off_leaves_the_others_answering(tmp_path: Path) -> None:
    with open_shop(tmp_path) as shop:
        graph, first, second = two_of_each(shop, WEIGHTED)
        point(shop, graph, first)
        point(shop, graph, second)
        with serving(shop) as running:
            whole = running.decide("Score", payment(1, amount=0.4))
            without = switched_off(running, "Large@2", lambda: running.decide("Score", payment(2, amount=0.4)))
            other = switched_off(running, "Large@1", lambda: running.decide("Score", payment(3, amount=0.4)))
            model = switched_off(running, "Small", lambda: running.decide("Score", payment(4, amount=0.4)))
            notes = [stage.note for stage in running.find(without.decision_id).stages]
        assert [answer.score for answer in (whole, without, other, model)] == pytest.approx([0.5, 0.4, 0.5, 0.8])
        assert notes == ["killed: Large@2 is switched off", ""] or notes == ["", "killed: Large@2 is switched off"]


class Dear:
    """A scoring in a thread of its own, as a net's is; both of a pair begin before either answers."""

    def __init__(self, score: float, meet: threading.Barrier | None) -> None:
        self.score, self.meet = score, meet

    def __call__(self, words: object, until: int) -> Awaitable[float]:
        owed: Pending[float] = Pending(until)
        threading.Thread(target=self._work, args=(owed,), daemon=True).start()
        return owed

    def _work(self, owed: Pending[float]) -> None:
        if self.meet is not None:
            self.meet.wait(10.0)
            owed.finish(self.score)


def of_dear(running: Serving, *scorings: Dear) -> None:
    """Put dear scorings in the place of the members' own."""
    served = running.desk.services["Score"]
    arm = served.decider.champion
    assert arm is not None
    assert arm.combined is not None
    members = zip(arm.combined.members, scorings, strict=True)
    combined = replace(arm.combined, members=tuple(replace(member, scoring=dear) for member, dear in members))
    served.decider = replace(served.decider, champion=replace(arm, combined=combined))


@pytest.mark.parametrize(("score", "expected"), [(WEIGHTED, 0.75 * 0.6 + 0.25 * 0.2), (VOTE, 0.5)])
def test_dear_members_are_asked_at_the_same_time(tmp_path: Path, score: str, expected: float) -> None:
    with open_shop(tmp_path) as shop:
        graph, lineup, _ = two_of_each(shop, score)
        point(shop, graph, lineup)
        with serving(shop) as running:
            meet = threading.Barrier(2)  # neither answers before the other was asked
            of_dear(running, Dear(0.6, meet), Dear(0.2, meet))
            answer = running.decide("Score", payment(1))
            assert (answer.fallback, answer.score) == ("", pytest.approx(expected))


@pytest.mark.parametrize(("score", "expected"), [(WEIGHTED, 0.6), (CASCADE, 0.6)])
def test_a_dear_member_that_is_late_is_left_out_at_its_end(tmp_path: Path, score: str, expected: float) -> None:
    shares = ", shares={Small: 0.5, Large: 0.5})"
    with open_shop(tmp_path) as shop:
        graph = graph_of(shop, score.removesuffix(")") + shares, deadline="400ms")
        point(shop, graph, f"{version_of(shop, graph, 'Small', 1.0)}+{version_of(shop, graph, 'Large', 2.0)}")
        with serving(shop) as running:
            of_dear(running, Dear(expected, threading.Barrier(1)), Dear(0.0, None))
            answer = running.decide("Score", payment(1))
            late = running.find(answer.decision_id).stages[-1]
            assert (answer.fallback, answer.score) == ("", expected)
            assert (late.name, late.note) == ("Large", "deadline: the deadline passed before the model answered")


def test_a_stack_waits_for_its_members_before_it_is_asked(tmp_path: Path) -> None:
    with open_shop(tmp_path) as shop:
        graph = graph_of(shop, STACK)
        models = (("Small", (1.0,)), ("Large", (2.0,)), ("Meta", (1.0, 10.0)))
        point(shop, graph, "+".join(version_of(shop, graph, model, *factors) for model, factors in models))
        with serving(shop) as running:
            served = running.desk.services["Score"]
            arm = served.decider.champion
            assert arm is not None
            assert arm.combined is not None
            meet = threading.Barrier(2)
            *_, meta = arm.combined.members
            dear = (Dear(0.5, meet), Dear(0.25, meet))
            inner = tuple(
                (column, replace(member, scoring=scoring))
                for (column, member), scoring in zip(meta.inner, dear, strict=True)
            )
            members = (*(member for _, member in inner), replace(meta, inner=inner))
            combined = replace(arm.combined, members=members)
            served.decider = replace(served.decider, champion=replace(arm, combined=combined))
            answer = running.decide("Score", payment(1))
            assert (answer.fallback, answer.score) == ("", 0.5 + 10 * 0.25)
            *members_told, last = [stage.name for stage in running.find(answer.decision_id).stages]
            assert (set(members_told), last) == ({"Small", "Large"}, "Meta")
