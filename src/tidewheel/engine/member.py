"""One member of a gang of this machine's processes: ``python -m tidewheel.engine.member JOB RESULT``.

It reads its work from one file and writes what came of it to another. It ends when its standard input does: when
the process that began it is gone.
"""

from __future__ import annotations

import os
import pickle
import sys
import threading
from pathlib import Path

from tidewheel.engine.gang import Outcome
from tidewheel.engine.shipping import packed


def main(job: str, result: str) -> None:
    """Do a job; the result appears whole or not at all."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    work, member, part = pickle.loads(Path(job).read_bytes())
    try:
        outcome = Outcome(work(member, part))
    except Exception as error:
        outcome = Outcome(error=error)
    written = Path(f"{result}.part")
    written.write_bytes(packed(outcome))
    written.replace(result)


def _end_with_parent() -> None:
    while os.read(0, 1024):
        continue
    os._exit(1)


if __name__ == "__main__":
    main(*sys.argv[1:])
