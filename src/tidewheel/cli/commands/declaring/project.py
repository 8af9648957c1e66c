"""``tidewheel init`` and ``tidewheel plan``."""

from __future__ import annotations

from pathlib import Path

import click

from tidewheel.errors import ConflictError

TEMPLATE = Path(__file__).parents[2] / "template"


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
def init(folder: Path) -> None:
    """Write a new project that runs, with a little data to run on.

    \b
    Example:
      tidewheel init shop && cd shop && tidewheel plan
    """
    from tidewheel.cli.sample import write_sample

    if (folder / "tidewheel.toml").exists():
        raise ConflictError("there is a project already", where=str(folder), remedy="choose another folder")
    folder.mkdir(parents=True, exist_ok=True)
    for source in sorted(TEMPLATE.glob("*.txt")):
        target = folder / source.name.removesuffix(".txt")
        if target.exists():
            raise ConflictError(
                f"{target.name} exists and would be overwritten", where=str(folder), remedy="choose another folder"
            )
        target.write_text(source.read_text())
    write_sample(folder)
    click.echo(f"wrote {folder}/project.py, tidewheel.toml, orders.csv and returns.csv; next:")
    click.echo(f"  cd {folder}")
    for line in (
        "ingest orders.csv --as Order",
        "ingest returns.csv --as Return",
        "train SentBack",
        "deploy SentBack@1",
        "up",
    ):
        click.echo(f"  tidewheel {line}")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the graph and the changes as JSON.")
@click.pass_context
def plan(context: click.Context, as_json: bool) -> None:
    """Show the graph, each declaration's content hash, and what changed against what is live.

    Ends with 1 when a change of an event that has rows would be refused.

    \b
    Example:
      tidewheel plan
      tidewheel plan --json | jq .changes
    """
    from tidewheel.cli.output import opened, print_json
    from tidewheel.cli.views.plan import draw_plan

    with opened(context) as workspace:
        summary = workspace.plan()
    if as_json:
        print_json(summary)
    else:
        draw_plan(summary)
    if any(change.verdict == "refused" for change in summary.schema):
        raise SystemExit(1)
