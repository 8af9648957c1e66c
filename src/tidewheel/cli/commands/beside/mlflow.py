"""``tidewheel mlflow push``."""

from __future__ import annotations

import click


@click.group()
def mlflow() -> None:
    """Mirror to an MLflow tracking server.

    \b
    Example:
      tidewheel mlflow push Fraud --to http://127.0.0.1:5000
    """


@mlflow.command()
@click.argument("what", default="")
@click.option("--to", "url", default="", metavar="URL", help="The server; default: mlflow in tidewheel.toml.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_context
def push(context: click.Context, what: str, url: str, as_json: bool) -> None:
    """Push a run, a version, a model's finished runs, or all of them.

    Metrics, parameters, artifacts, versions and aliases go. Pushing twice changes nothing but the aliases that moved.

    \b
    Example:
      tidewheel mlflow push Fraud --to http://127.0.0.1:5000
      tidewheel mlflow push Fraud@3
    """
    from tidewheel.cli.output import opened, print_json, print_table

    with opened(context, declarations=False) as workspace:
        pushed = workspace.mirror(url).push(what)
    if as_json:
        print_json(pushed)
    else:
        rows = [[one.run, one.version, one.mlflow_run, one.mlflow_version, ", ".join(one.aliases)] for one in pushed]
        print_table(["run", "version", "MLflow run", "MLflow version", "aliases"], rows)
