"""``tidewheel features list``, ``search`` and ``show``; ``tidewheel lineage``."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

import click

from tidewheel.errors import InputError

if TYPE_CHECKING:
    from tidewheel.governance.catalog import Card, Entry
    from tidewheel.governance.lineage import Lineage, Tree


@click.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_context
def list_all(context: click.Context, as_json: bool) -> None:
    """List what the project declares: what it is, whose, and who uses it.

    \b
    Example:
      tidewheel features list
    """
    _print_entries(context, "", as_json)


@click.command("search")
@click.argument("text")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_context
def search_all(context: click.Context, text: str, as_json: bool) -> None:
    """List the declarations with a text in their name, owner, description or columns.

    \b
    Example:
      tidewheel features search payment
    """
    _print_entries(context, text, as_json)


@click.command("show")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_context
def show_one(context: click.Context, name: str, as_json: bool) -> None:
    """Show one declaration: owner, description, columns, statistics, freshness, who uses it.

    \b
    Example:
      tidewheel features show CardHistory
      tidewheel features show Transaction --json
    """
    from tidewheel.cli.output import opened, print_json
    from tidewheel.workspace.cataloguing import catalog_card

    with opened(context) as workspace:
        card = catalog_card(workspace, name)
    if as_json:
        print_json(card)
    else:
        _print_card(card)


@click.command("lineage")
@click.argument("name", required=False)
@click.option("--openlineage", "file", type=click.File("w"), help="Write all of it as OpenLineage events, a line each.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_context
def lineage(context: click.Context, name: str | None, file: IO[str] | None, as_json: bool) -> None:
    """Show what a column, class or version is made of, and what is made of it.

    \b
    Example:
      tidewheel lineage Transaction.amount
      tidewheel lineage Fraud@3 --json
      tidewheel lineage --openlineage lineage.jsonl
    """
    import msgspec

    from tidewheel.cli.output import opened, print_json
    from tidewheel.workspace.cataloguing import exported_lineage, lineage_of

    if (name is None) == (file is None):
        raise InputError("nothing is named", remedy="name a column, class or version; or give --openlineage FILE")
    with opened(context) as workspace:
        if file is not None:
            events = exported_lineage(workspace)
            for event in events:
                click.echo(msgspec.json.encode(event).decode(), file=file)
            click.echo(f"{len(events)} events written", err=True)
            return
        found = lineage_of(workspace, str(name))
    if as_json:
        print_json(found)
    else:
        _print_lineage(found)


def _print_entries(context: click.Context, text: str, as_json: bool) -> None:
    from tidewheel.cli.output import opened, print_json, print_table
    from tidewheel.workspace.cataloguing import catalog_entries

    with opened(context) as workspace:
        entries = catalog_entries(workspace, text)
    if as_json:
        print_json(entries)
    elif entries:
        print_table(["name", "what", "owner", "columns", "used by", "description"], [_line(entry) for entry in entries])
    else:
        click.echo(f"nothing has {text!r} in its name, owner, description or columns")


def _line(entry: Entry) -> list[object]:
    used = ", ".join(entry.used_by)
    return [entry.name, entry.what, entry.owner or "-", len(entry.columns), used or "-", entry.description]


def _print_card(card: Card) -> None:
    from tidewheel.cli.output import print_table, when

    click.secho(f"{card.what} {card.name}", bold=True)
    facts = {
        "owner": card.owner,
        "declared": card.place,
        "digest": card.digest,
        "state": card.state,
        "rows": f"{card.rows:,}, the newest arrived {when(card.newest)}" if card.what in ("event", "entity") else "",
        "kept": f"{card.keep // 86_400_000_000} days" if card.keep else "",
        "folded": f"up to offset {card.folded}, {card.behind} behind the log" if card.folded is not None else "",
        "used by": ", ".join(card.used_by),
    }
    if card.description:
        click.echo(card.description)
    for name, value in facts.items():
        if value:
            click.echo(f"  {name:<9}{value}")
    rows = []
    for column in card.columns:
        seen = column.statistics
        told = [seen.nulls, seen.distinct, seen.least, seen.greatest, seen.mean] if seen else [None] * 5
        rows.append([column.name, f"{column.type}{', personal' * column.personal}", column.description, *told])
    if rows:
        print_table(["column", "type", "description", "nulls", "distinct", "least", "greatest", "mean"], rows)


def _print_lineage(found: Lineage) -> None:
    click.secho(f"{found.kind} {found.name}", bold=True)
    for title, trees in (("is made of", found.upstream), ("is used by", found.downstream)):
        click.echo(f"{title}:" if trees else f"{title}: nothing")
        for tree in trees:
            _print_tree(tree, "  ")


def _print_tree(tree: Tree, indent: str) -> None:
    click.echo(f"{indent}{tree.name} ({tree.kind}{', see above' * tree.repeated})")
    for child in tree.children:
        _print_tree(child, indent + "  ")
