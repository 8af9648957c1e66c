"""A scheduler that makes ticks and kills itself at a named place, for a test."""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from tests.workspace.visits import VISITS, Thanks

from tidewheel.serving.service import Serving
from tidewheel.storage.log import EventLog
from tidewheel.workspace import ticking
from tidewheel.workspace.keeper import Keeper
from tidewheel.workspace.opening import open_workspace


def kill_after(cls: Any, name: str, times: int) -> None:
    """Have the process killed as the method has returned for the so-and-so-manieth time."""
    method, left = getattr(cls, name), [times]

    def killing(*given: Any, **named: Any) -> Any:
        found = method(*given, **named)
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return found

    setattr(cls, name, killing)


if __name__ == "__main__":
    folder, what, times = sys.argv[1:]
    ticking.AT_ONCE = 3
    with open_workspace(folder, VISITS) as ws:
        if what == "decide":
            ws.deploy(Thanks.__name__)
            kill_after(Serving, "decide", int(times))
        elif what == "append":
            kill_after(EventLog, "append", int(times))
        keeper = Keeper(ws)
        try:
            for run in keeper.step():
                print(run.job, run.status, run.attempt, run.detail)
        finally:
            keeper.close()
