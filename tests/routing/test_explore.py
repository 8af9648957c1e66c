from __future__ import annotations

import math

import pytest

from tidewheel.errors import InputError
from tidewheel.routing.explore import Explorer

ACTIONS = ["allow", "review", "block"]


def test_a_share_of_would_be_blocks_is_let_through() -> None:
    explorer = Explorer("Score", ACTIONS, ["block"], 0.05)
    drawn = [explorer(f"event {number}", "block") for number in range(20_000)]
    explored = [draw for draw in drawn if draw.explored]
    assert abs(len(explored) - 1000) < 5 * math.sqrt(20_000 * 0.05 * 0.95)
    assert {(draw.action, draw.propensity) for draw in explored} == {("review", 0.05)}
    assert {(draw.action, draw.propensity) for draw in drawn if not draw.explored} == {("block", 0.95)}


def test_what_prevents_nothing_is_never_touched() -> None:
    explorer = Explorer("Score", ACTIONS, ["block"], 1.0)
    assert explorer("e", "allow") == ("allow", False, 1.0)
    assert explorer("e", "block") == ("review", True, 1.0)


def test_a_retry_gets_the_same_answer() -> None:
    one, other = (Explorer("Score", ACTIONS, ["block"], 0.5) for _ in range(2))
    assert [one(str(n), "block") for n in range(200)] == [other(str(n), "block") for n in range(200)]


def test_two_preventing_actions_and_a_preventing_floor() -> None:
    both = Explorer("Score", ACTIONS, ["review", "block"], 1.0)
    assert both("e", "block").action == "allow"
    floor = Explorer("Score", ACTIONS, ["allow"], 1.0)
    assert floor("e", "allow").action == "review"


def test_a_rules_action_outside_the_thresholds() -> None:
    explorer = Explorer("Score", ["allow", "review"], ["block"], 1.0)
    assert explorer("e", "block").action == "review"


def test_no_exploration() -> None:
    assert Explorer("Score", ACTIONS, ["block"], 0.0)("e", "block") == ("block", False, 1.0)
    assert Explorer("Score", [], [], 0.0)("e", "") == ("", False, 1.0)


def test_mistakes() -> None:
    with pytest.raises(InputError, match="explore"):
        Explorer("Score", ACTIONS, ["block"], 1.5)
    with pytest.raises(InputError, match="every action"):
        Explorer("Score", ACTIONS, ACTIONS, 0.1)
