"""How commands print: aligned tables and progress for people, JSON for scripts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

import click
import msgspec

if TYPE_CHECKING:
    from tidewheel.workspace import Workspace


class Progress(Protocol):
    """Told how far a stage is: a share from 0 to 1, and the rows so far where they are counted."""

    def __call__(self, stage: str, share: float, rows: int = 0) -> None:
        """Show it."""


@contextmanager
def opened(context: click.Context, *, declarations: bool = True) -> Iterator[Workspace]:
    """Open the workspace that the command line names, and close it afterwards.

    Parameters
    ----------
    context : Context
    declarations : bool
        False for commands that need none: the project's module is not imported, which takes seconds.
    """
    from tidewheel.workspace.opening import open_unloaded, open_workspace

    folder, env = context.find_root().obj
    workspace = (open_workspace if declarations else open_unloaded)(folder, env=env)
    try:
        yield workspace
    finally:
        workspace.close()


def print_json(value: Any) -> None:
    """Print a value as indented JSON (structs, dataclasses and numbers of NumPy included)."""
    plain = msgspec.to_builtins(value, enc_hook=_plain)
    click.echo(msgspec.json.format(msgspec.json.encode(plain), indent=2).decode())


def print_table(headers: Sequence[str], rows: Sequence[Sequence[Any]], *, title: str = "") -> None:
    """Print rows under headers, numbers to the right, nothing cut in a file; without rows, say so."""
    if not rows:
        click.echo(f"{title}: none" if title else "nothing to show")
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title or None, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for position, header in enumerate(headers):
        numeric = all(isinstance(row[position], int | float) for row in rows)
        table.add_column(header, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*[cell(value) for value in row])
    console = Console()
    if not console.is_terminal:
        console = Console(width=200)
    console.print(table)


def cell(value: Any) -> str:
    """Write one value short enough for a table."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4f}" if abs(value) < 1e4 else f"{value:,.0f}"
    if isinstance(value, int):
        return f"{value:,}"
    return str(value)


def when(instant: int | None) -> str:
    """Write an instant (µs, UTC) as people read it."""
    if not instant:
        return "-"
    return datetime.fromtimestamp(instant / 1e6, tz=UTC).strftime("%Y-%m-%d %H:%M:%S")


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """Show each stage, how far it is, and how long it will take; silent when standard error is no terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[counted]}"),
    )
    console = Console(stderr=True)
    with Bars(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        tasks: dict[str, Any] = {}

        def show(stage: str, share: float, rows: int = 0) -> None:
            if stage not in tasks:
                for earlier in tasks.values():
                    bars.update(earlier, completed=1.0)
                tasks[stage] = bars.add_task(stage, total=1.0, counted="")
            bars.update(tasks[stage], completed=share, counted=_counted(rows, bars.tasks[tasks[stage]].elapsed or 0.0))

        yield show


def _counted(rows: int, seconds: float) -> str:
    """Write how many rows are done, and how many a second.

    >>> _counted(3_000_000, 2.0), _counted(0, 2.0)
    ('3,000,000 rows, 1,500,000/s', '')
    """
    if not rows:
        return ""
    return f"{rows:,} rows" + (f", {rows / seconds:,.0f}/s" if seconds >= 1.0 else "")


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist"):
        return value.tolist()
    return str(value)
