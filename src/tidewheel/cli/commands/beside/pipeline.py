"""``tidewheel pipeline export``."""

from __future__ import annotations

from pathlib import Path

import click


@click.group()
def pipeline() -> None:
    """Compile the project's training for an orchestrator.

    \b
    Example:
      tidewheel pipeline export Fraud --to dagster --out dagster_job.py
    """


@pipeline.command()
@click.argument("models", nargs=-1)
@click.option(
    "--to",
    "target",
    required=True,
    type=click.Choice(["kubernetes", "airflow", "dagster", "prefect"]),
    help="For what.",
)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write here instead of to the terminal.")
@click.option("--folder", default="", help="The project's folder where the nodes run (default: as it is here).")
@click.option("--cron", default="0 3 * * *", show_default=True, help="When, five fields in UTC.")
@click.option("--deploy", default="", metavar="SHARE", help="Deploy what passed: 'whole', or a canary's share as 5%.")
@click.option("--image", default="", help="The container with the project in it (kubernetes).")
@click.pass_context
def export(
    context: click.Context,
    models: tuple[str, ...],
    target: str,
    out: Path | None,
    folder: str,
    cron: str,
    deploy: str,
    image: str,
) -> None:
    """Write a file whose nodes call tidewheel, one for each model, or for MODELS.

    \b
    Example:
      tidewheel pipeline export --to dagster --out pipeline.py
      tidewheel pipeline export Fraud --to kubernetes --image shop/fraud:7 --folder /app --deploy 5%
    """
    from tidewheel.bridges.orchestrators import TARGETS, training_pipeline
    from tidewheel.definitions import load_project
    from tidewheel.definitions.language.places import likely
    from tidewheel.errors import NotFoundError

    here = Path(context.find_root().obj[0]).resolve()
    known = [model.name for model in load_project(here).graph.models]
    for model in models:
        if model not in known:
            raise NotFoundError(f"the project declares no model {model!r}", remedy=likely(model, known))
    made = training_pipeline(here.name, folder or str(here), models or known, deploy=deploy, cron=cron, image=image)
    text = TARGETS[target](made)
    if out is None:
        click.echo(text, nl=False)
    else:
        out.write_text(text)
        click.echo(f"wrote {out}: {len(made.nodes)} nodes, {made.cron}")
