"""Forgets an entity and kills itself, without a word, when it has run so many lines of the erasure."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any

from tests.governance.bank import KEY

import tidewheel as tw
from tidewheel.collect.keeping import flush
from tidewheel.governance import forgetting
from tidewheel.storage.lake import rewrite, upkeep

folder, lines = sys.argv[1], int(sys.argv[2])
WATCHED = (str(Path(forgetting.__file__).parent), *(str(module.__file__) for module in (flush, rewrite, upkeep)))
left = lines


def count(frame: FrameType, event: str, argument: Any) -> Any:
    global left
    if event == "call" and not frame.f_code.co_filename.startswith(WATCHED):
        return None
    if event == "line":
        left -= 1
        if left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)
    return count


assert forgetting.PENDING
with tw.open(folder) as workspace:
    sys.settrace(count)
    try:
        workspace.forget(f"Card={KEY}")
    finally:
        sys.settrace(None)
print("whole", lines - left)
