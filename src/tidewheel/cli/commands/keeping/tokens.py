"""``tidewheel tokens`` and ``audit``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from tidewheel.registry.tokens import NewToken


@click.group()
def tokens() -> None:
    """Make, list, rotate and revoke API tokens. The first one closes the data plane to callers without.

    \b
    Example:
      tidewheel tokens create shop --scope decide,ingest
    """


@tokens.command("create")
@click.argument("name")
@click.option(
    "--scope", "scopes", required=True, metavar="SCOPES", help="Of ingest, decide, read, admin; as decide,ingest."
)
@click.option("--expires", metavar="TIME", help="Ends after so long, such as 90d; default: never.")
@click.option("--rate", metavar="RATE", help="At most so many requests a second on each host, such as 100/s.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_context
def create(
    context: click.Context, name: str, scopes: str, expires: str | None, rate: str | None, as_json: bool
) -> None:
    """Make a token, and print it: it is shown this once. NAME is the caller in the decisions it asks for.

    \b
    Example:
      tidewheel tokens create shop --scope decide,ingest --expires 90d --rate 100/s
    """
    from tidewheel.cli.output import opened
    from tidewheel.definitions.language.durations import parse_duration
    from tidewheel.registry.tokens import create_token, parse_rate, parse_scopes
    from tidewheel.storage.catalog.store import system_clock

    until = system_clock() + parse_duration(expires) if expires else None
    wanted, most = parse_scopes(scopes), parse_rate(rate) if rate else 0.0
    with opened(context, declarations=False) as workspace:
        made = create_token(workspace.stores.catalog, name, wanted, expires=until, rate=most)
    _show(made, as_json)


@tokens.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_context
def list_(context: click.Context, as_json: bool) -> None:
    """List every token that was made: what it may do, until when, and how it stands.

    \b
    Example:
      tidewheel tokens list
    """
    from tidewheel.cli.output import opened, print_json, print_table, when
    from tidewheel.registry.tokens import list_tokens, shown
    from tidewheel.storage.catalog.store import system_clock

    with opened(context, declarations=False) as workspace:
        found = list_tokens(workspace.stores.catalog)
    now = system_clock()
    if as_json:
        print_json([shown(token, now) for token in found])
        return
    headers = ["token", "scopes", "rate/s", "made", "by", "expires", "state"]
    rows = [
        [t.name, ", ".join(t.scopes), t.rate or None, when(t.created), t.who, when(t.expires), t.state(now)]
        for t in found
    ]
    print_table(headers, rows)


@tokens.command("rotate")
@click.argument("name")
@click.option("--grace", default="1d", show_default=True, metavar="TIME", help="How long the old one stays good.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_context
def rotate(context: click.Context, name: str, grace: str, as_json: bool) -> None:
    """Give a token a new secret, and print it; the old one stays good for a while.

    \b
    Example:
      tidewheel tokens rotate shop --grace 1h
    """
    from tidewheel.cli.output import opened
    from tidewheel.definitions.language.durations import parse_duration
    from tidewheel.registry.tokens import rotate_token

    with opened(context, declarations=False) as workspace:
        made = rotate_token(workspace.stores.catalog, name, grace=parse_duration(grace))
    _show(made, as_json)


@tokens.command("revoke")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_context
def revoke(context: click.Context, name: str, as_json: bool) -> None:
    """End a token now: workers refuse it within a second.

    \b
    Example:
      tidewheel tokens revoke shop
    """
    from tidewheel.cli.output import opened, print_json
    from tidewheel.registry.tokens import revoke_token, shown
    from tidewheel.storage.catalog.store import system_clock

    with opened(context, declarations=False) as workspace:
        ended = revoke_token(workspace.stores.catalog, name)
    print_json(shown(ended, system_clock())) if as_json else click.echo(f"{name} is revoked")


def _show(made: NewToken, as_json: bool) -> None:
    from tidewheel.cli.output import print_json
    from tidewheel.registry.tokens import shown
    from tidewheel.storage.catalog.store import system_clock

    if as_json:
        print_json({"token": made.secret, **shown(made.token, system_clock())})
        return
    click.echo(made.secret)
    click.echo("keep it now: it is not shown again", err=True)


@click.command()
@click.argument("subject", default="")
@click.option("--who", default="", help="Only what this person or token did.")
@click.option("--limit", default=100, show_default=True, help="At most so many, the newest.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_context
def audit(context: click.Context, subject: str, who: str, limit: int, as_json: bool) -> None:
    """List who changed what, newest first: deployments, thresholds, switches, tokens, versions; refusals too.

    SUBJECT is a service, a model, a version or a token.

    \b
    Example:
      tidewheel audit Score --who ci
    """
    from tidewheel.cli.output import opened, print_json, print_table, when
    from tidewheel.registry.audit import audit as audited

    with opened(context, declarations=False) as workspace:
        found = audited(workspace.stores.catalog, subject=subject, who=who, limit=limit)
    if as_json:
        print_json(found)
        return
    headers = ["when", "who", "what", "of", "from", "outcome"]
    print_table(headers, [[when(e.at), e.who, e.action, e.subject, e.origin, e.outcome] for e in found])
