"""Tokens: what the catalog keeps of them, and what of their changes can be read afterwards."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from tidewheel.errors import ConflictError, InputError, NotFoundError
from tidewheel.registry.audit import audit, note_refused
from tidewheel.registry.tokens import (
    create_token,
    digest_of,
    list_tokens,
    parse_rate,
    parse_scopes,
    revoke_token,
    rotate_token,
    shown,
)
from tidewheel.storage.catalog import Catalog
from tidewheel.storage.catalog.actor import acting
from tidewheel.storage.catalog.store import system_clock
from tidewheel.storage.catalog.tables import metadata

HOUR = 3_600_000_000


def test_the_catalog_never_holds_the_token(catalog: Catalog) -> None:
    made = create_token(catalog, "shop", ("decide",), rate=5.0)
    again = rotate_token(catalog, "shop", grace=HOUR)
    assert made.secret != again.secret
    assert len(made.secret) >= 43
    with catalog.read() as connection:
        for table in metadata.sorted_tables:
            rows = str(connection.execute(sa.select(table)).all())
            assert made.secret not in rows
            assert again.secret not in rows
    (kept,) = list_tokens(catalog)
    assert kept == again.token
    assert not {"digest", "previous"} & shown(kept, system_clock()).keys()


def test_the_old_one_is_good_until_its_grace_is_over(catalog: Catalog) -> None:
    old = create_token(catalog, "shop", ("decide",)).secret
    new = rotate_token(catalog, "shop", grace=HOUR).secret
    now, (kept,) = system_clock(), list_tokens(catalog)
    assert kept.digests(now) == [digest_of(new), digest_of(old)]
    assert kept.digests(now + 2 * HOUR) == [digest_of(new)]
    rotate_token(catalog, "shop", grace=0)
    (kept,) = list_tokens(catalog)
    assert len(kept.digests(system_clock())) == 1


def test_revoked_and_expired_ones_are_good_for_nothing(catalog: Catalog) -> None:
    now = system_clock()
    create_token(catalog, "brief", ("read",), expires=now + HOUR)
    create_token(catalog, "gone", ("read",))
    revoke_token(catalog, "gone")
    brief, gone = list_tokens(catalog)
    assert (brief.state(now), brief.state(now + HOUR), gone.state(now)) == ("active", "expired", "revoked")
    assert brief.digests(now + HOUR) == gone.digests(now) == []
    for change in (revoke_token, rotate_token):
        with pytest.raises(ConflictError, match="revoked"):
            change(catalog, "gone")
        with pytest.raises(NotFoundError, match="brief, gone"):
            change(catalog, "nobody")


def test_a_name_means_one_caller_for_ever(catalog: Catalog) -> None:
    create_token(catalog, "shop", ("read",))
    revoke_token(catalog, "shop")
    with pytest.raises(ConflictError):
        create_token(catalog, "shop", ("read",))
    for name in ("", "a b", "1st", "x" * 65, "a\nb"):
        with pytest.raises(InputError):
            create_token(catalog, name, ("read",))
    with pytest.raises(InputError, match="ended already"):
        create_token(catalog, "late", ("read",), expires=1)
    with pytest.raises(InputError, match="9999"):
        create_token(catalog, "late", ("read",), expires=1 << 63)
    create_token(catalog, "turned", ("read",))
    for grace in (-1, 1 << 63):
        with pytest.raises(InputError, match="grace"):
            rotate_token(catalog, "turned", grace=grace)


@pytest.mark.parametrize("text", ["", "all", "decide,", "decide;ingest"])
def test_what_is_no_scope_is_refused(text: str) -> None:
    if text == "decide,":
        assert parse_scopes(text) == ("decide",)
        return
    with pytest.raises(InputError, match="scopes: ingest, decide, read, admin"):
        parse_scopes(text)


@pytest.mark.parametrize("text", ["0", "-1/s", "many", "5/day", "nan", ""])
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        parse_rate(text)


def test_the_audit_tells_who_did_what_from_where(catalog: Catalog) -> None:
    create_token(catalog, "ci", ("admin",))
    with acting("ci", "10.0.0.7"):
        create_token(catalog, "shop", ("decide",))
        note_refused(catalog, "deployment.deploy", "Score", "no version Fraud@9")
    revoke_token(catalog, "ci")
    found = audit(catalog)
    assert [(e.action, e.subject, e.origin, e.outcome) for e in found] == [
        ("token.revoked", "ci", "", "done"),
        ("deployment.deploy", "Score", "10.0.0.7", "no version Fraud@9"),
        ("token.created", "shop", "10.0.0.7", "done"),
        ("token.created", "ci", "", "done"),
    ]
    assert [e.who for e in found[1:3]] == ["ci", "ci"]
    assert found[0].who not in ("", "ci")
    assert audit(catalog, who="ci") == found[1:3]
    assert audit(catalog, subject="shop", limit=1) == [found[2]]
