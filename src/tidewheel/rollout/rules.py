"""What may be done without a person, judged by the moves that were made: cool-down, and never twice in a row."""

from __future__ import annotations

from collections.abc import Sequence

from tidewheel.definitions import format_duration
from tidewheel.registry.pointers.pointers import Move

GUARD = "rollout guard"
LOOP = "retraining loop"
AUTOMATIC = frozenset({GUARD, LOOP})
"""Who acts without a person."""
_BACK = ("rollback", "drop")
_CHAMPION = ("deploy", "promote", "rollback")


def may_go_on(moves: Sequence[Move], now: int, cooldown: int) -> str:
    """Return why a challenger may not be ramped up or promoted automatically now; "" when it may.

    Parameters
    ----------
    moves : sequence of Move
        Of one service, newest first.
    now : int
        The workspace's instant.
    cooldown : int
        Microseconds after something was taken back automatically.
    """
    taken_back = next((move for move in moves if move.who in AUTOMATIC and move.action in _BACK), None)
    if taken_back is not None and now - taken_back.at < cooldown:
        left = format_duration((taken_back.at + cooldown - now) // 1_000_000 * 1_000_000)
        return f"cooling down for {left} after an automatic {taken_back.action}"
    newest = next((move for move in moves if move.who not in AUTOMATIC or move.action == "rollback"), None)
    if newest is not None and newest.who in AUTOMATIC:
        return "the champion was rolled back automatically: a person must act first"
    return ""


def may_roll_back(moves: Sequence[Move]) -> str:
    """Return why the champion may not be rolled back automatically now; "" when it may.

    Nobody's rollback follows another's: what a person has not looked at since is left alone.
    """
    last = next((move for move in moves if move.action in _CHAMPION), None)
    if last is not None and last.action == "rollback" and last.who in AUTOMATIC:
        return "the last rollback was automatic too: a person must act first"
    return ""
