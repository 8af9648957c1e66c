"""What is left to people: two automatic rollbacks in a row never happen, whatever the order of moves."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tidewheel.registry.pointers.pointers import Action, Deployment, Move
from tidewheel.rollout.rules import AUTOMATIC, GUARD, LOOP, may_go_on, may_roll_back

HOUR = 3_600_000_000
STANDS = Deployment(service="Score", revision=1, service_version="s", champion="Fraud@1")


def moved(action: Action, who: str, at: int) -> Move:
    return Move(
        seq=at, service="Score", revision=at, action=action, before=None, after=STANDS, at=at, cause="", who=who
    )


def test_after_something_was_taken_back_it_cools_down() -> None:
    moves = [moved("drop", GUARD, 0), moved("canary", "ada", -HOUR)]
    assert may_go_on(moves, HOUR // 2, HOUR) == "cooling down for 30min after an automatic drop"
    assert may_go_on(moves, HOUR, HOUR) == ""
    assert may_go_on([moved("drop", "ada", 0)], 1, HOUR) == "", "a person's drop is no alarm"


def test_after_an_automatic_rollback_a_person_acts_first() -> None:
    moves = [moved("canary", LOOP, 5 * HOUR), moved("rollback", GUARD, 0), moved("promote", GUARD, -HOUR)]
    assert "a person must act first" in may_go_on(moves, 6 * HOUR, HOUR)
    assert may_go_on([moved("canary", "ada", 5 * HOUR), *moves], 6 * HOUR, HOUR) == ""
    assert "a person must act first" in may_roll_back(moves)
    assert may_roll_back([moved("promote", "ada", HOUR), *moves]) == ""


class Life(RuleBasedStateMachine):
    """People and guards move one pointer; guards ask first."""

    def __init__(self) -> None:
        super().__init__()
        self.moves: list[Move] = []
        self.now = 0

    def add(self, action: Action, who: str) -> None:
        self.moves.insert(0, moved(action, who, self.now))

    @rule(hours=st.integers(0, 30))
    def wait(self, hours: int) -> None:
        self.now += hours * HOUR // 10

    @rule(action=st.sampled_from(["deploy", "canary", "ramp", "promote", "rollback", "drop"]))
    def person(self, action: Action) -> None:
        self.add(action, "ada")

    @rule(who=st.sampled_from(sorted(AUTOMATIC)), action=st.sampled_from(["ramp", "promote"]))
    def goes_on(self, who: str, action: Action) -> None:
        if not may_go_on(self.moves, self.now, HOUR):
            self.add(action, who)

    @rule(who=st.sampled_from(sorted(AUTOMATIC)))
    def rolls_back(self, who: str) -> None:
        if not may_roll_back(self.moves):
            self.add("rollback", who)

    @rule(who=st.sampled_from(sorted(AUTOMATIC)), action=st.sampled_from(["drop", "canary"]))
    def drops_and_starts(self, who: str, action: Action) -> None:
        self.add(action, who)

    @invariant()
    def never_twice_without_a_person(self) -> None:
        champion = [m for m in reversed(self.moves) if m.action in ("deploy", "promote", "rollback")]
        for before, after in pairwise(champion):
            if before.action == "rollback" and before.who in AUTOMATIC and after.who in AUTOMATIC:
                assert after.action == "promote"
                between = self.moves[self.moves.index(after) : self.moves.index(before)]
                assert any(m.who not in AUTOMATIC for m in between), "somebody acted in between"

    @invariant()
    def goes_on_only_after_the_cool_down(self) -> None:
        for place, move in enumerate(self.moves):
            if move.who in AUTOMATIC and move.action in ("ramp", "promote"):
                for earlier in self.moves[place + 1 :]:
                    if earlier.who in AUTOMATIC and earlier.action in ("drop", "rollback"):
                        assert move.at - earlier.at >= HOUR


Life.TestCase.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
test_people_and_guards = Life.TestCase
