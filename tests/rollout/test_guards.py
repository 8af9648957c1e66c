"""Each guard: what makes it fire, what does not, and how seldom it fires on a version that keeps to it."""

from __future__ import annotations

import numpy as np
import pytest

import tidewheel as tw
from tidewheel.definitions import ir
from tidewheel.rollout.guards import ALPHA, Evidence, Finding, Known, Sample, Side, ask


def side(n: int = 0, *, slow: int = 0, failed: int = 0, labels: object = ()) -> Side:
    spent = np.full(n, 1_000.0)
    spent[:slow] = 50_000.0
    return Side(spent, np.arange(n) < failed, Known(np.asarray(labels, dtype=np.float64)))


def asked(guard: ir.Guard, ours: Side, usual: Side | None = None, **more: object) -> Finding:
    evidence = Evidence("Fraud@2", "Fraud@1", ours, usual)._replace(**more)
    return ask(guard, evidence, ALPHA)


def test_a_p99_that_is_clearly_missed_fires() -> None:
    guard = tw.guard.latency("20ms")
    assert asked(guard, side(1000, slow=60)).fired
    fine = asked(guard, side(1000, slow=10))
    assert not fine.fired
    assert fine.said == "1.00% of 1000 decisions of Fraud@2 took more than 20ms, 1.00% may"
    few = asked(guard, side(50, slow=50))
    assert (few.fired, few.enough, few.said) == (False, False, "50 of 100 rows: too few to say")
    assert not asked(tw.guard.latency("20ms", percentile=90), side(1000, slow=60)).fired


def test_untimed_decisions_say_nothing_of_latency() -> None:
    ours = side(1000)
    ours.spent[:950] = np.nan
    assert not asked(tw.guard.latency("20ms"), ours).enough


def test_fallbacks_are_compared_with_the_champions() -> None:
    guard = tw.guard.fallbacks("1%")
    assert asked(guard, side(500, failed=60), side(4000, failed=40)).fired
    assert not asked(guard, side(500, failed=60), side(4000, failed=480)).fired, "the champion fails as often"
    assert not asked(guard, side(500, failed=6), side(4000, failed=40)).fired
    assert asked(guard, side(500, failed=60)).fired, "watched alone, it stands for itself"


def test_answers_that_differ_too_often_fire() -> None:
    guard = tw.guard.divergence("10%")
    assert asked(guard, side(), changes=np.repeat([1.0, 0.0], [300, 700])).fired
    assert not asked(guard, side(), changes=np.repeat([1.0, 0.0], [110, 890])).fired
    unlike = asked(guard, side())
    assert (unlike.fired, unlike.enough) == (False, True)
    assert "only a shadow can compare them" in unlike.said


def test_an_outcome_below_its_floor_fires() -> None:
    guard = tw.guard.outcome(at_least=0.10)
    assert asked(guard, side(labels=np.repeat([1.0, 0.0], [30, 970]))).fired
    assert not asked(guard, side(labels=np.repeat([1.0, 0.0], [90, 910]))).fired
    ceiling = tw.guard.outcome(at_most=0.10)
    assert asked(ceiling, side(labels=np.repeat([1.0, 0.0], [300, 700]))).fired
    assert not asked(ceiling, side(labels=np.repeat([1.0, 0.0], [30, 970]))).fired


def test_an_outcome_may_be_an_amount() -> None:
    amounts = np.random.default_rng(0).exponential(20.0, 2000)
    assert asked(tw.guard.outcome(at_least=30.0), side(labels=amounts)).fired
    assert not asked(tw.guard.outcome(at_least=19.0), side(labels=amounts)).fired


def explored(rows: int, random: np.random.Generator) -> list[tuple[bool, bool, float]]:
    """Return decisions of which a fifth, half of them bad, is blocked, and 1 in 20 of these let through all the same.

    Of each: whether it was to be blocked, whether its outcome is known, and the outcome. Of all, 10.8% are bad.
    """
    blocked = random.random(rows) < 0.2
    bad = random.random(rows) < np.where(blocked, 0.5, 0.01)
    return list(zip(blocked.tolist(), (~blocked | (random.random(rows) < 0.05)).tolist(), bad.tolist(), strict=True))


def known(decisions: list[tuple[bool, bool, float]], unit: float = 1.0) -> Side:
    blocked, seen, bad = np.array(decisions).T
    labels = [unit * bad[(seen == 1) & (blocked == which)] for which in (0, 1)]
    return Side(np.empty(0), np.empty(0, np.bool_), Known(*labels, Sample(len(decisions), float(blocked.sum()))))


@pytest.mark.parametrize("unit", [1.0, 9.0])
def test_what_was_let_through_to_explore_stands_for_what_was_blocked(unit: float) -> None:
    ours = known(explored(40_000, np.random.default_rng(3)), unit)
    assert np.concatenate(ours.known[:2]).mean() < 0.02 * unit, "of those alone whose outcome is known it looks fine"
    found = asked(tw.guard.outcome(at_most=0.06 * unit), ours)
    assert found.fired
    assert found.figures["low"] < 0.108 * unit < found.figures["high"]
    assert found.figures["value"] == pytest.approx(0.108 * unit, abs=0.015 * unit)
    for fine in (tw.guard.outcome(at_most=0.108 * unit), tw.guard.outcome(at_least=0.108 * unit)):
        assert not asked(fine, ours).fired


@pytest.mark.parametrize("guard", [tw.guard.outcome(at_most=0.108), tw.guard.outcome(at_least=0.108)])
def test_peeking_at_explored_outcomes_seldom_fires_on_what_keeps_to_it(guard: ir.Guard) -> None:
    random = np.random.default_rng(12)
    fired = 0
    for _ in range(50):
        decisions = explored(3000, random)
        fired += any(asked(guard, known(decisions[:n])).fired for n in range(150, 3001, 150))
    assert fired <= 1


def test_while_nothing_was_explored_nothing_is_known_of_what_was_blocked() -> None:
    ours = Side(np.empty(0), np.empty(0, np.bool_), Known(np.zeros(1000), stopped=Sample(1250, 250.0)))
    assert not asked(tw.guard.outcome(at_least=0.1), ours).fired
    ours.known = Known(np.zeros(1000))
    assert asked(tw.guard.outcome(at_least=0.1), ours).fired, "a service that does not explore is taken as it is"


def test_only_a_challenger_that_is_behind_alone_is_taken_back() -> None:
    guard = tw.guard.fresh("5min")
    late, fine = 400_000_000, 0
    alone = asked(guard, side(), side(), behind=late, usual_behind=fine)
    assert (alone.fired, alone.enough) == (True, False)
    both = asked(guard, side(), side(), behind=late, usual_behind=late)
    assert (both.fired, both.enough) == (False, False), "both wait: the rollout stands still"
    assert asked(guard, side(), side(), behind=fine, usual_behind=late).enough
    assert "400s behind the log, 5min may be" in both.said


@pytest.mark.parametrize(
    ("guard", "rate"),
    [(tw.guard.latency("20ms"), 0.01), (tw.guard.fallbacks(0.05), 0.05), (tw.guard.divergence(0.1), 0.1)],
    ids=["latency", "fallbacks", "divergence"],
)
def test_peeking_each_hundred_rows_seldom_fires_on_what_keeps_to_it(guard: ir.Guard, rate: float) -> None:
    random = np.random.default_rng(11)
    fired = 0
    for _ in range(100):
        bad = random.random(2000) < rate
        for n in range(100, 2001, 100):
            seen = Side(np.where(bad[:n], 50_000.0, 1_000.0), bad[:n])
            if asked(guard, seen, changes=bad[:n].astype(np.float64)).fired:
                fired += 1
                break
    assert fired / 100 <= ALPHA + 3 * (ALPHA * (1 - ALPHA) / 100) ** 0.5
