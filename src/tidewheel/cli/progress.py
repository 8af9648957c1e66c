"""How far a training is: a bar a step on a terminal, a line a step where the output is a file."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

Told = Callable[[str, float], None]


@contextmanager
def step_progress() -> Iterator[Told]:
    """Give what shows the steps of a run on standard error: what is under way, its trials, the best, the time left."""
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal:
        yield Lines()
        return
    from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def show(what: str, share: float) -> None:
            step = what.partition(": ")[0]
            if step not in tasks:
                tasks[step] = bars.add_task(what, total=1.0)
            bars.update(tasks[step], description=what, completed=share)

        yield show


class Lines:
    """A line for each step as it ends, flushed, so that whoever reads the file sees it at once.

    Examples
    --------
    >>> lines = Lines(print, lambda: 1.0)
    >>> for what, share in (("fit", 0.0), ("fit: trees", 0.5), ("fit", 1.0)):
    ...     lines(what, share)
    fit: done in 0.0 s
    """

    def __init__(
        self,
        say: Callable[[str], None] = lambda line: click.echo(line, err=True),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._say = say
        self._clock = clock
        self._began: dict[str, float] = {}

    def __call__(self, what: str, share: float) -> None:
        """Note how far it is."""
        step, _, said = what.partition(": ")
        began = self._began.setdefault(step, self._clock())
        of_the_step = not said or said.startswith(("reused", "done at"))
        if share >= 1.0 and of_the_step:
            self._say(what if said or " " in step else f"{step}: done in {self._clock() - began:.1f} s")
