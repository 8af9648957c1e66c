"""A run as named steps: each timed, told, recorded as it begins and ends, and spared when its output is known."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar

from tidewheel.registry.runs.steps import begin_step, end_step
from tidewheel.storage.catalog import Catalog
from tidewheel.training.added import Added
from tidewheel.training.context import Progress
from tidewheel.training.outputs import Kept, Outputs
from tidewheel.training.retries import ONCE, Retry

T = TypeVar("T")


class Steps:
    """The steps of one run.

    Parameters
    ----------
    catalog : Catalog
    run : str
    progress : callable, optional
    outputs : Outputs, optional
        Where what steps leave is kept and found; without it every step works, and nothing is kept.
    added : Added, optional
        What the project has done after these steps.

    Attributes
    ----------
    run_id : str
    timings : dict of str to float
        Seconds of each step that ended.
    current : str
        The step under way, for the error of a run that fails.
    closed : bool
        The run's record is complete, whatever goes wrong after it.
    """

    def __init__(
        self,
        catalog: Catalog,
        run: str,
        progress: Progress | None = None,
        outputs: Outputs | None = None,
        added: Added | None = None,
    ) -> None:
        self._catalog = catalog
        self._run = self.run_id = run
        self._progress = progress
        self._outputs = outputs
        self._added = added
        self._detail = ""
        self._attempts = 1
        self.timings: dict[str, float] = {}
        self.current = ""
        self.closed = False

    def run(
        self,
        name: str,
        do: Callable[[], T],
        *,
        key: str = "",
        told: Callable[[T], str] = lambda found: "",
        because: str = "same code, same input",
        retry: Retry = ONCE,
    ) -> T:
        """Do a step and return what it returns; or return what an earlier step of the same key left.

        Parameters
        ----------
        name : str
        do : callable
        key : str
            From `keys.step_key`; "" for a step whose output is neither kept nor reused.
        told : callable
            Given the output, says in a line what was found.
        because : str
            What an equal key means, for people.
        retry : Retry
        """
        with self._recorded(name, key) as left:
            kept = self._outputs.find(key) if self._outputs and key else None
            if kept is not None:
                left |= {"output": kept.step.output, "reused": kept.step.run}
                self._detail = f"{self._whose(kept, because)}; {told(kept.value)}".rstrip("; ")
                return kept.value  # type: ignore[no-any-return]  # what went in under this key
            value = retry.call(do, self._again)
            self._detail = told(value) or self._detail
            if self._outputs and key:
                left["output"] = self._outputs.keep(value)
        return value

    def made(self, name: str, key: str = "", **what: Callable[[], Any]) -> None:
        """Say what a step made, under the names by which added steps ask for it; those that come after it are done.

        Parameters
        ----------
        name : str
            The step.
        key : str
            Of the step; "" for one that has none.
        **what : callable
            Called when somebody asks.
        """
        if self._added is not None:
            self._added.after(self, name, key, what)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time a step that always works; `detail` said within it goes to the run's log."""
        with self._recorded(name, ""):
            yield

    @contextmanager
    def _recorded(self, name: str, key: str) -> Iterator[dict[str, Any]]:
        self.current, self._detail, self._attempts = name, "", 1
        started = time.monotonic()
        place = begin_step(self._catalog, self._run, name, key)
        left: dict[str, Any] = {"status": "failed"}
        try:
            self.tell(name, 0.0)
            yield left
            left["status"] = "done"
        finally:
            seconds = time.monotonic() - started
            self.timings[name] = round(seconds, 3)
            end_step(
                self._catalog, self._run, place,
                seconds=seconds, detail=self._detail, attempts=self._attempts, **left,
            )  # fmt: skip
        self.tell(f"{name}: {self._detail}" if left.get("reused") else name, 1.0)

    def _whose(self, kept: Kept, because: str) -> str:
        at = datetime.fromtimestamp(kept.step.at / 1e6, UTC)
        if kept.step.run == self._run:
            return f"done at {at:%H:%M:%S} UTC, before the run was cut off"
        return f"reused from run {kept.step.run} of {at:%Y-%m-%d %H:%M} UTC: {because}"

    def _again(self, attempt: int, error: BaseException) -> None:
        self._attempts = attempt + 1
        self.within(f"attempt {attempt} failed ({error}); again", 0.0)

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
