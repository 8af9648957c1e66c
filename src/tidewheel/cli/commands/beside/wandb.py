"""``tidewheel wandb export``."""

from __future__ import annotations

from pathlib import Path

import click


@click.group()
def wandb() -> None:
    """Write runs for Weights & Biases.

    \b
    Example:
      tidewheel wandb export Fraud --out wandb-runs && wandb sync wandb-runs/wandb/offline-run-*
    """


@wandb.command()
@click.argument("what", default="")
@click.option("--out", "folder", required=True, type=click.Path(path_type=Path), help="Where the runs are written.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_context
def export(context: click.Context, what: str, folder: Path, as_json: bool) -> None:
    """Write a run, a version, a model's finished runs, or all of them as offline runs; nothing is sent.

    \b
    Example:
      tidewheel wandb export Fraud --out wandb-runs
      tidewheel wandb export Fraud@3 --out wandb-runs
    """
    from tidewheel.bridges.wandb import export_runs
    from tidewheel.cli.output import opened, print_json, print_table

    with opened(context, declarations=False) as workspace:
        exported = export_runs(workspace.stores.catalog, workspace.stores.artifacts, folder, what)
    if as_json:
        print_json(exported)
    else:
        rows = [[one.run, one.version, one.folder, "written" if one.new else "stood there"] for one in exported]
        print_table(["run", "version", "folder", ""], rows)
