"""``tidewheel export``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

if TYPE_CHECKING:
    from tidewheel.registry.models.exports import Quantise


@click.command()
@click.argument("version")
@click.option("--format", "form", type=click.Choice(["onnx"]), default="onnx", show_default=True)
@click.option("--quantise", type=click.Choice(["int8"]), help="Keep a network's weights in eight bits.")
@click.option("--out", "file", type=click.Path(path_type=Path), help="The file; by default named by the version.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_context
def export(
    context: click.Context, version: str, form: str, quantise: str | None, file: Path | None, as_json: bool
) -> None:
    """Write a version as ONNX, and measure on its test rows what that costs.

    The graph takes float64 rows of the version's columns (named in its metadata, with the codes of category levels)
    and gives the calibrated score. The cost goes on record: `show` and `card` tell it.

    \b
    Example:
      tidewheel export Fraud@3 --out fraud-3.onnx
      tidewheel export Fraud@3 --quantise int8 --json
    """
    from tidewheel.cli.output import opened, print_json

    with opened(context, declarations=False) as workspace:
        name = workspace.version(version)[0].name
        path = file or Path(f"{name.replace('@', '-')}{f'-{quantise}' if quantise else ''}.{form}")
        found = workspace.export(name, path, form=cast("Any", form), quantise=cast("Quantise", quantise or ""))
    if as_json:
        print_json({"file": str(path), "export": found})
    else:
        click.echo(f"{path}: {found.version} as {found}")
