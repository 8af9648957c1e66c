"""The first code of a supervised process: ``python -m tidewheel.runtime.child``.

It names the process's log lines, ends it when its supervisor is gone, turns SIGTERM into a request to stop,
and then calls the function it was told to. A process that is asked to stop before it is ready ends at once, as if it
were killed: nobody relies on it yet, and what it waits for may take longer than it has.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any, NoReturn

import msgspec

from tidewheel.errors import TidewheelError
from tidewheel.runtime.crash import told
from tidewheel.runtime.logs import set_up_logs

HOPELESS = 3
"""Exit status of a child that met an error of ours before it was ready: starting it again would not help."""

_log = logging.getLogger("tidewheel.child")


class Order(msgspec.Struct, frozen=True):
    """What a supervisor tells a child, as JSON on its command line."""

    name: str
    target: str
    """``module:function``; called with a :class:`Life` and the arguments."""
    arguments: dict[str, Any]
    ready: int
    """Descriptor on which to say "ready"."""
    parent: int
    level: str = "info"
    grace: float = 10.0
    """Seconds from being asked to stop to being stopped."""
    log_format: str = "text"


class Life:
    """What a supervised function knows of its process."""

    def __init__(self, order: Order) -> None:
        self.name = order.name
        self.grace = order.grace
        """Seconds from being asked to stop to being killed."""
        self.stopping = threading.Event()
        """Set when the process is asked to stop; a long wait should wait for this."""
        self.is_ready = False
        self._order = order
        self._callbacks: list[Callable[[], None]] = []

    def ready(self) -> None:
        """Tell the supervisor that this process does its work now."""
        if not self.is_ready:
            self.is_ready = True
            with contextlib.suppress(OSError):
                os.write(self._order.ready, b"r")

    def on_stop(self, callback: Callable[[], None]) -> None:
        """Call `callback` when the process is asked to stop, from a signal handler: let it only wake something."""
        self._callbacks.append(callback)
        if self.stopping.is_set():
            callback()

    def stop(self) -> None:
        """Ask this process to stop."""
        self.stopping.set()
        for callback in self._callbacks:
            callback()


def main(text: str) -> int:
    """Run the order in `text`; return the exit status."""
    order = msgspec.json.decode(text, type=Order)
    set_up_logs(order.name, order.level, format=order.log_format)
    life = Life(order)
    _obey_signals(life)
    _end_with_parent(order, life)
    try:
        module, _, name = order.target.partition(":")
        getattr(importlib.import_module(module), name)(life, **order.arguments)
    except TidewheelError as error:
        _log.error("%s", error)
        return 1 if life.is_ready else HOPELESS
    except Exception as error:
        _log.error("%s", told(error))
        return 1
    return 0


def _obey_signals(life: Life) -> None:
    def stop(_signal: int, _frame: FrameType | None) -> None:
        if not life.is_ready:
            os._exit(0)
        life.stop()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the supervisor passes it on in order


def leave(status: int) -> NoReturn:
    """End this process without taking its interpreter apart: that takes seconds on a busy machine, and for nothing."""
    logging.shutdown()
    with contextlib.suppress(OSError):
        sys.stdout.flush()
    os._exit(status)


def _end_with_parent(order: Order, life: Life) -> None:
    """Stop when the supervisor dies: told by the kernel, and by the end of the pipe it holds open as our input."""
    libc = ctypes.CDLL(None, use_errno=True)
    if hasattr(libc, "prctl"):
        libc.prctl(1, int(signal.SIGTERM), 0, 0, 0)  # 1 is PR_SET_PDEATHSIG
    if os.getppid() != order.parent:
        life.stop()

    def watch() -> None:
        while os.read(0, 64):
            continue
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(order.grace)
        os._exit(1)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()


if __name__ == "__main__":
    leave(main(sys.argv[1]))
