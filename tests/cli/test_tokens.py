"""``tokens`` and ``audit``."""

from __future__ import annotations

from pathlib import Path

from tests.shop import done, tidewheel

DAY = 86_400_000_000


def test_a_token_s_life(empty: Path) -> None:
    made = done(
        "tokens", "create", "shop", "--scope", "decide,ingest", "--expires", "90d", "--rate", "100/s", folder=empty
    )
    secret = made.out.strip()
    assert secret.startswith("tw_")
    assert "not shown again" in made.err
    (listed,) = done("tokens", "list", "--json", folder=empty).json
    assert (listed["name"], listed["scopes"], listed["rate"]) == ("shop", ["ingest", "decide"], 100.0)
    assert abs(listed["expires"] - listed["created"] - 90 * DAY) < DAY
    rotated = done("tokens", "rotate", "shop", "--grace", "1h", "--json", folder=empty).json
    assert rotated["token"] != secret
    done("tokens", "revoke", "shop", folder=empty)
    told = done("tokens", "list", folder=empty).out
    assert "revoked" in told
    assert secret not in told
    assert [e["action"] for e in done("audit", "shop", "--json", folder=empty).json] == [
        "token.revoked",
        "token.rotated",
        "token.created",
    ]
    assert "token.rotated" in done("audit", folder=empty).out


def test_what_can_not_be_made_is_told(empty: Path) -> None:
    for arguments, said in (
        (["create", "shop", "--scope", "all"], "scopes: ingest, decide, read, admin"),
        (["create", "my shop", "--scope", "read"], "can't name a token"),
        (["create", "shop", "--scope", "read", "--rate", "often"], "write it like 100/s"),
        (["create", "shop", "--scope", "read", "--expires", "soon"], "soon"),
        (["revoke", "shop"], "no token 'shop'"),
    ):
        ran = tidewheel("tokens", *arguments, folder=empty)
        assert ran.code == 1
        assert said in ran.err
