"""Questions to people, in the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from tidewheel.cli.output import when

if TYPE_CHECKING:
    from tidewheel.registry.pointers.approvals import Approval

_COLOURS = {"open": "yellow", "approved": "green", "rejected": "red", "expired": "red"}


def print_approvals(found: Sequence[Approval], now: int) -> None:
    """Print each question with what the gate saw and where it stands."""
    if not found:
        click.echo("nobody is asked anything")
    for question in found:
        state = question.state(now)
        click.secho(f"{state:<9} {question.version}  {question.gate}", fg=_COLOURS[state])
        click.echo(f"  {question.detail}")
        for name, value in question.evidence.items():
            click.echo(f"    {name}: {value}")
        if question.answer and question.answered is not None:
            told = f": {question.note}" if question.note else ""
            click.echo(f"  {question.answer} by {question.who} at {when(question.answered)}{told}")
        else:
            click.echo(f"  asked {' or '.join(question.approvers)} until {when(question.expires)}")
