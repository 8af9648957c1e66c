"""What the supervised processes of these tests do."""

from __future__ import annotations

import atexit
import time
from pathlib import Path

from tidewheel.errors import ConfigError
from tidewheel.runtime.child import Life


def steady(life: Life, mark: str = "") -> None:
    life.ready()
    life.stopping.wait(60)
    if mark:
        Path(mark).write_text("stopped cleanly")


def stubborn(life: Life) -> None:
    life.ready()
    while True:
        time.sleep(60)


def beginning(life: Life, mark: str) -> None:
    Path(mark).touch()
    time.sleep(60)
    life.ready()


def lingering(life: Life) -> None:
    """Stop at once, and leave an interpreter that takes long to take apart."""
    atexit.register(time.sleep, 60)
    life.ready()
    life.stopping.wait(60)


def hopeless(life: Life) -> None:
    raise ConfigError("port 80 is taken", remedy="choose another")


def brief(life: Life, mark: str) -> None:
    life.ready()
    with Path(mark).open("a") as file:
        file.write("x")
    raise RuntimeError("oops")
