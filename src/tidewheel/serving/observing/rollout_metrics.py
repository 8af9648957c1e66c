"""Rollouts as metrics: who answers what share since when, and how each guard stands between its bounds.

The guards' process looks at rollouts and writes down what it saw; any worker that is asked for metrics tells it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from tidewheel.serving.observing.exposition import escaped, headed

FILE = "rollouts.json"
STALE = 120.0
"""Seconds; scoring a shadow takes less as a rule."""
GUARD_FIGURES = ("rows", "value", "low", "high", "limit", "fired")


class GuardNumbers(msgspec.Struct, frozen=True):
    """What a guard said last."""

    guard: str
    fired: bool
    limit: float
    figures: dict[str, float]
    """``rows``, ``value`` and its bounds ``low`` and ``high``, where the guard has them."""


class RolloutNumbers(msgspec.Struct, frozen=True):
    """A service's rollout as it was seen last."""

    service: str
    version: str
    mode: str
    share: float
    stage: int
    """Which step of its ramp, from 1; 0 without one."""
    since: int
    """The last move, microseconds UTC."""
    guards: list[GuardNumbers] = []


def write_rollouts(run: Path, rollouts: Sequence[RolloutNumbers]) -> None:
    """Put what was seen where workers find it."""
    fresh = run / f"{FILE}.{os.getpid()}"
    fresh.write_bytes(msgspec.json.encode(rollouts))
    fresh.replace(run / FILE)


def read_rollouts(run: Path) -> list[RolloutNumbers]:
    """Return what was seen on this host last; nothing when that is long ago: another host looks."""
    try:
        if time.time() - (run / FILE).stat().st_mtime > STALE:
            return []
        return msgspec.json.decode((run / FILE).read_bytes(), type=list[RolloutNumbers])
    except (OSError, msgspec.MsgspecError):
        return []


def rollout_lines(rollouts: Sequence[RolloutNumbers], now: int) -> bytes:
    """Return rollouts in Prometheus' text format.

    Examples
    --------
    >>> guard = GuardNumbers("fallbacks", False, 0.01, {"rows": 250.0, "value": 0.0, "low": 0.0, "high": 0.04})
    >>> seen = RolloutNumbers("Score", "Fraud@2", "canary", 0.05, 1, 0, [guard])
    >>> print(rollout_lines([seen], 60_000_000).decode())  # doctest: +ELLIPSIS
    # HELP tidewheel_rollout_share Share of the units that a version being rolled out answers.
    # TYPE tidewheel_rollout_share gauge
    tidewheel_rollout_share{service="Score",version="Fraud@2",mode="canary"} 0.05
    ...
    tidewheel_rollout_seconds{service="Score",version="Fraud@2",mode="canary"} 60
    ...
    tidewheel_guard_high{service="Score",version="Fraud@2",guard="fallbacks"} 0.04
    ...
    """
    lines = headed("tidewheel_rollout_share", "gauge", "Share of the units that a version being rolled out answers.")
    lines += [f"tidewheel_rollout_share{_of(seen)} {seen.share:g}" for seen in rollouts]
    lines += headed("tidewheel_rollout_stage", "gauge", "Step of its ramp, from 1; 0 without a ramp.")
    lines += [f"tidewheel_rollout_stage{_of(seen)} {seen.stage}" for seen in rollouts]
    lines += headed("tidewheel_rollout_seconds", "gauge", "Time since the rollout's last move.")
    lines += [f"tidewheel_rollout_seconds{_of(seen)} {max(now - seen.since, 0) / 1e6:.16g}" for seen in rollouts]
    for figure in GUARD_FIGURES:
        lines += headed(f"tidewheel_guard_{figure}", "gauge", f"What a rollout's guard says: {figure}.")
        lines += [
            f"tidewheel_guard_{figure}{_by(seen, guard)} {value:.16g}"
            for seen in rollouts
            for guard in seen.guards
            if (value := _figure(guard, figure)) is not None
        ]
    return ("\n".join(lines) + "\n").encode()


def _figure(guard: GuardNumbers, name: str) -> float | None:
    own = {"limit": guard.limit, "fired": float(guard.fired)}
    return own.get(name, guard.figures.get(name))


def _of(seen: RolloutNumbers) -> str:
    return f'{{service="{escaped(seen.service)}",version="{escaped(seen.version)}",mode="{escaped(seen.mode)}"}}'


def _by(seen: RolloutNumbers, guard: GuardNumbers) -> str:
    of = f'service="{escaped(seen.service)}",version="{escaped(seen.version)}"'
    return f'{{{of},guard="{escaped(guard.guard)}"}}'
