"""A run as named steps: each timed, told, and written to the run's own log as it ends."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from tidewheel.registry.runs import log_step
from tidewheel.storage.catalog import Catalog
from tidewheel.training.context import Progress


class Steps:
    """The steps of one run.

    Attributes
    ----------
    timings : dict of str to float
        Seconds of each step that ended.
    current : str
        The step under way, for the error of a run that fails.
    closed : bool
        The run's record is complete, whatever goes wrong after it.
    """

    def __init__(self, catalog: Catalog, run: str, progress: Progress | None) -> None:
        self._catalog = catalog
        self._run = run
        self._progress = progress
        self._detail = ""
        self.timings: dict[str, float] = {}
        self.current = ""
        self.closed = False

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time a step; `detail` said within it goes to the run's log."""
        self.current, self._detail = name, ""
        self.tell(name, 0.0)
        started = time.monotonic()
        yield
        seconds = time.monotonic() - started
        self.timings[name] = round(seconds, 3)
        log_step(self._catalog, self._run, name, seconds, self._detail)
        self.tell(name, 1.0)

    def detail(self, text: str) -> None:
        """Say what the current step found."""
        self._detail = text

    def tell(self, what: str, share: float) -> None:
        """Pass progress on."""
        if self._progress:
            self._progress(what, share)

    def within(self, what: str, share: float) -> None:
        """Pass the progress of a part of the current step on."""
        self.tell(f"{self.current}: {what}", share)
