"""Whether the process that began something still lives: told by its number and the moment it began, not by hope."""

from __future__ import annotations

import os
import socket
from functools import cache
from pathlib import Path

SILENT = 120_000_000
"""Microseconds without a sign of life after which a process of another machine counts as dead."""
_BOOT = Path("/proc/sys/kernel/random/boot_id")


def this_process() -> str:
    """Return a name for this process that no other one has, ever: machine, boot, number, beginning.

    Examples
    --------
    >>> this_process() == this_process(), alive(this_process())
    (True, True)
    """
    return _named(os.getpid())


def alive(process: str, seen: int | None = None, now: int = 0) -> bool:
    """Tell whether a process lives that named itself so.

    Parameters
    ----------
    process : str
        From `this_process`.
    seen : int, optional
        When it last gave a sign of life, and `now`: microseconds UTC by the machines' clocks. They decide about a
        process of another machine, whose processes can't be looked at.
    """
    machine, number, began = process.rsplit(" ", 2)
    if machine == _machine():
        return _began(int(number)) == began
    if machine.split(" ")[0] == _machine().split(" ")[0]:
        return False  # the machine was started again since
    return seen is not None and now - seen < SILENT


@cache
def _named(number: int) -> str:
    return f"{_machine()} {number} {_began(number)}"


@cache
def _machine() -> str:
    boot = _BOOT.read_text().strip() if _BOOT.exists() else "-"
    return f"{socket.gethostname()} {boot}"


def _began(number: int) -> str:
    """Return when a process began, in ticks since the boot; "" when there is none, or it is a zombie."""
    try:
        told = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return _began_elsewhere(number)
    return "" if told[0] == "Z" else told[19]


def _began_elsewhere(number: int) -> str:
    """Tell a living process from none where there is no ``/proc``: its number has to do."""
    if Path("/proc/self").exists():
        return ""
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return ""
    except PermissionError:
        return "-"
    return "-"
