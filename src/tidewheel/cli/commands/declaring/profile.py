"""``profile``."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--format", "form", default="", help="The files' format; default: by extension or first bytes.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def profile(files: tuple[Path, ...], form: str, as_json: bool) -> None:
    """Look at files before anything is declared: statistics, and a declaration that loads.

    Several files are looked at together, so that references between them are found.

    \b
    Example:
      tidewheel profile payments.parquet cards.csv
    """
    from tidewheel.cli.output import print_json
    from tidewheel.cli.views.profile import print_profile, told
    from tidewheel.collect.profiling.infer import declaration, infer, ingest_command
    from tidewheel.collect.profiling.scan import scan_file

    sources = infer([scan_file(file, form) for file in files])
    module, commands = declaration(sources), [ingest_command(source) for source in sources]
    if as_json:
        print_json({"files": [told(source) for source in sources], "declaration": module, "commands": commands})
        return
    for source in sources:
        print_profile(source)
    click.echo(module)
    for command in commands:
        click.echo(f"# {command}")
