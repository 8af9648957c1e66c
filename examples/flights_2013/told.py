"""Progress that can be followed in a file too: a flushed line for each task and each tenth of it."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.progress import Progress, TaskID

TENTHS = 10


class ToldProgress(Progress):
    """Bars on a terminal; lines where standard output is none."""

    def __init__(self, *columns: Any, **options: Any) -> None:
        console = Console()
        self._lines = not console.is_terminal
        self._said: dict[TaskID, tuple[str, int]] = {}
        super().__init__(*columns, console=console, disable=self._lines, **options)

    def add_task(self, description: str, *arguments: Any, **options: Any) -> TaskID:
        """Begin a task, and say so."""
        task = super().add_task(description, *arguments, **options)
        self._say(task)
        return task

    def advance(self, task_id: TaskID, advance: float = 1) -> None:
        """Go on with a task, and say so."""
        super().advance(task_id, advance)
        self._say(task_id)

    def update(self, task_id: TaskID, **changes: Any) -> None:
        """Change a task, and say what is new."""
        super().update(task_id, **changes)
        self._say(task_id)

    def _say(self, task_id: TaskID) -> None:
        task = next(task for task in self.tasks if task.id == task_id)
        now = task.description, int(TENTHS * task.completed / (task.total or 1))
        if self._lines and self._said.get(task_id) != now:
            self._said[task_id] = now
            print(f"{task.description} ({10 * now[1]}%)", flush=True)
