"""The one worker of a replay workspace: it serves, and folds in step by itself.

In a replay workspace each decision waits until the stream has folded all that came before. Where one process does
both, nothing is handed to and fro between two, which costs several times what the folding does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidewheel.runtime.lease import HANDOVER
from tidewheel.serving.worker import serve
from tidewheel.workspace.processes.stream import Stream

if TYPE_CHECKING:
    from tidewheel.runtime.child import Life
    from tidewheel.runtime.stores import Stores


def run(life: Life, folder: str, env: str = "", index: int = 0) -> None:
    """Serve and fold until asked to stop; see ``tidewheel.serving.worker:main``."""
    serve(life, folder, env, index, open_stream)


def open_stream(stores: Stores) -> Stream:
    """Take all partitions of the state."""
    return Stream(stores, range(stores.settings.partitions), wait=HANDOVER)
