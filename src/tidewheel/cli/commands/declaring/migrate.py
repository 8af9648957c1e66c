"""``tidewheel import-feast``."""

from __future__ import annotations

from pathlib import Path

import click

from tidewheel.errors import ConflictError


@click.command("import-feast")
@click.argument("repository", type=click.Path(path_type=Path))
@click.option("--output", type=click.Path(path_type=Path), help="Write the module here; default: print it.")
def import_feast(repository: Path, output: Path | None) -> None:
    """Write a module of declarations from a Feast repository's entities and feature views.

    The repository's files are read, not run. What has no like here is named in a comment at the module's end.

    \b
    Example:
      tidewheel import-feast feature_repo --output project.py
    """
    from tidewheel.cli.feast.read import read_repository
    from tidewheel.cli.feast.write import Writer

    module = Writer(read_repository(repository)).module()
    if output is None:
        click.echo(module, nl=False)
        return
    if output.exists():
        raise ConflictError("the file exists and would be overwritten", where=str(output), remedy="choose another")
    output.write_text(module)
    click.echo(f"wrote {output}; look at the comment at its end, then: tidewheel plan")
