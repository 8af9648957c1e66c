"""A scheduler that makes ticks and kills itself at a named place, for a test."""

from __future__ import annotations

import sys

from tests.workspace.kill_after import kill_after
from tests.workspace.visits import VISITS, Thanks

from tidewheel.serving.service import Serving
from tidewheel.storage.log.event_log import EventLog
from tidewheel.workspace.events import ticking
from tidewheel.workspace.opening import open_workspace
from tidewheel.workspace.processes.keeper import Keeper

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
