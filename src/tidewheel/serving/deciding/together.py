"""Events that are decided in one go: features of all read in one call, then the scores of all, each to its own bits.

What came while the loop was busy is taken together, which costs a fraction of one by one. It is only a shorter way:
whatever is not plain (a deadline that has passed, a breaker that is open, a list, several models, a score that is
awaited) and whatever goes wrong is left to be decided alone, so a verdict says the same either way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from time import perf_counter_ns
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tidewheel.serving.deciding.arms import Arm, Verdict, first_rule, settle
from tidewheel.serving.deciding.breaker import GuardedReader, GuardedScoring

if TYPE_CHECKING:
    from tidewheel.serving.deciding.decider import Decider


class Ask(NamedTuple):
    """An event to be decided: its id, its columns, when it happened, and its deadline (ns of the monotonic clock)."""

    event_id: str
    columns: Mapping[str, object]
    at: int
    until: int


def is_plain(decider: Decider) -> bool:
    """Return whether the events of a decider may be decided together at all."""
    arms = [arm for arm in (decider.champion, decider.challenger) if arm is not None]
    return bool(arms) and not decider.killed and all(map(_is_plain, arms))


def _is_plain(arm: Arm) -> bool:
    odd = (arm.freshness, arm.stored, arm.combined, arm.lists)
    scored = arm.scoring is None or (isinstance(arm.scoring, GuardedScoring) and arm.scoring.together)
    return all(it is None for it in odd) and scored and isinstance(arm.reader, GuardedReader) and arm.reader.together


def _is_left_alone(arm: Arm) -> bool:
    """Return whether a breaker is open: whoever may be its probe is decided alone."""
    guarded = (it for it in (arm.reader, arm.scoring) if isinstance(it, GuardedReader | GuardedScoring))
    return any(it.breaker.open for it in guarded)


def decide_together(decider: Decider, asks: Sequence[Ask], now: int) -> list[Verdict | None]:
    """Return a verdict for each event, as `Decider.decide` gives it; None for one that is to be decided alone.

    Parameters
    ----------
    decider : Decider
    asks : sequence of Ask
    now : int
        The workspace's instant.
    """
    verdicts: list[Verdict | None] = [None] * len(asks)
    if decider.switch is not None and decider.switch.names():
        return verdicts
    of_arm: dict[str, list[int]] = {}
    arms: dict[str, Arm] = {}
    for number, ask in enumerate(asks):
        arm = decider.arm_of(decider.unit_of(ask.event_id, ask.columns))
        if arm is not None and _is_plain(arm) and not _is_left_alone(arm):
            arms[arm.name] = arm
            of_arm.setdefault(arm.name, []).append(number)
    for name, numbers in of_arm.items():
        if len(numbers) < 2:
            continue
        try:
            found = _judge(arms[name], [asks[number] for number in numbers], now)
        except Exception:  # whoever is to blame is told so when each is decided alone
            continue
        for number, verdict in zip(numbers, found, strict=True):
            if verdict is not None:
                verdicts[number] = decider.explored(arms[name], asks[number].event_id, verdict)
    return verdicts


def _judge(arm: Arm, asks: list[Ask], now: int) -> list[Verdict | None]:
    """Read and score; durations are told as each event's share."""
    assert isinstance(arm.reader, GuardedReader)
    start, n = perf_counter_ns(), len(asks)
    if arm.asking is not None:
        arm.asking.begin(min(ask.until for ask in asks))
    rows = arm.reader.read_many([ask.columns for ask in asks], now, [min(ask.at, now) for ask in asks])
    resent = "" if arm.asking is None else arm.asking.end()
    read = perf_counter_ns()
    verdicts = []
    for row in rows:
        verdict = Verdict(arm.name, arm.model, arm.bundle, arm.view, arm.service_version)
        verdict.row, verdict.words = row, row.words[-1] if row.words else None
        verdict.features_ns, verdict.resent = (read - start) // n, resent
        first_rule(arm, row, verdict)
        verdicts.append(verdict)
    asked = perf_counter_ns()
    scored = [verdict for verdict in verdicts if arm.scoring is not None and not verdict.rule]
    if scored:
        assert isinstance(arm.scoring, GuardedScoring)
        scores = arm.scoring.score_many(np.stack([verdict.words for verdict in scored]))
        share = (perf_counter_ns() - asked) // len(scored)
        for verdict, score in zip(scored, scores, strict=True):
            settle(arm, score, asked, verdict)
            verdict.model_ns = share
    for verdict in verdicts:
        verdict.rules_ns = (asked - read) // n
    # Where there was no time to read or to ask the model, the chain answers.
    return [
        None if start > ask.until or (asked > ask.until and not verdict.rule) else verdict
        for verdict, ask in zip(verdicts, asks, strict=True)
    ]
