"""``tidewheel import-model``."""

from __future__ import annotations

import click


@click.command()
@click.argument("source")
@click.option("--as", "model", required=True, metavar="MODEL", help="The declared model of which it becomes a version.")
@click.option("--from", "url", default="", metavar="URL", help="The MLflow server; default: mlflow in tidewheel.toml.")
@click.option("--columns", default="", metavar="A,B", help="The model's columns in order, where it does not tell.")
@click.option("--allow-pickle", is_flag=True, help="Load a pickle, which runs whatever code it holds.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_context
def import_model(
    context: click.Context, source: str, model: str, url: str, columns: str, allow_pickle: bool, as_json: bool
) -> None:
    """Make an MLflow model the next version of MODEL, without fitting anything.

    SOURCE is a folder with an MLmodel file, or models:/Name/3, models:/Name@alias, runs:/ID/path on a server. Its
    columns must be those of MODEL's view. It is measured on our rows and put before the gates, like any version.

    \b
    Example:
      tidewheel import-model ./mlruns/1/models/m-1/artifacts --as Fraud
      tidewheel import-model models:/fraud/3 --as Fraud --from http://127.0.0.1:5000
    """
    from tidewheel.cli.output import opened, print_json
    from tidewheel.cli.progress import step_progress
    from tidewheel.cli.views.version import print_trained
    from tidewheel.workspace.models.importing import import_model as imported

    names = [name.strip() for name in columns.split(",") if name.strip()]
    with opened(context) as workspace, step_progress() as progress:
        result = imported(workspace, source, model, columns=names, pickles=allow_pickle, url=url, progress=progress)
    if as_json:
        print_json(result)
    else:
        print_trained(result)
