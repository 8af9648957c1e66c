"""Has a process kill itself where something has just become durable."""

from __future__ import annotations

import os
import signal
from typing import Any


def kill_after(cls: Any, name: str, times: int) -> None:
    """Kill the process as the method returns for the so-and-so-manieth time."""
    method, left = getattr(cls, name), [times]

    def killing(*given: Any, **named: Any) -> Any:
        found = method(*given, **named)
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return found

    setattr(cls, name, killing)
