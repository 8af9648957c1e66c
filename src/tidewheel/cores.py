"""How many cores there are to work on: the one answer for kernels, learners, resamples and parts."""

from __future__ import annotations

import os

from tidewheel.errors import ConfigError

VARIABLE = "TIDEWHEEL_THREADS"


def cores() -> int:
    """Return how many cores this process may use; ``TIDEWHEEL_THREADS`` overrides what the system says.

    Raises
    ------
    ConfigError
        The variable holds no whole number of at least 1.

    Examples
    --------
    >>> cores() >= 1
    True
    """
    if chosen := os.environ.get(VARIABLE):
        if not chosen.isdecimal() or int(chosen) < 1:
            raise ConfigError(f"{VARIABLE}={chosen!r} is no number of threads", remedy="give 1 or more, or unset it")
        return int(chosen)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
