"""What the control plane can do, as plain calls: each takes what was sent and returns what is told as JSON.

They work on the stores and the live definitions in the catalog, never on the user's module: a process that has been
running for a week must not publish the declarations of last week.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import msgspec

from tidewheel.definitions.ir import Graph
from tidewheel.definitions.language.durations import parse_duration
from tidewheel.errors import InputError, NotReadyError
from tidewheel.registry.alerts import list_alerts
from tidewheel.registry.audit import audit
from tidewheel.registry.graphs import live_graph
from tidewheel.registry.pointers import deployments
from tidewheel.registry.tokens import (
    create_token,
    list_tokens,
    parse_rate,
    parse_scopes,
    revoke_token,
    rotate_token,
    shown,
)
from tidewheel.runtime.kill_switch import EXPERIMENT
from tidewheel.runtime.stores import Stores
from tidewheel.storage.catalog.store import system_clock
from tidewheel.workspace.features.groups import choose_groups
from tidewheel.workspace.rollouts import deploying
from tidewheel.workspace.rollouts.killing import kill, killed, unkill
from tidewheel.workspace.rollouts.standing import rollout_of

Body = TypeVar("Body")


class Asked(NamedTuple):
    """A call: the names in its path, its query, its body."""

    name: str
    query: dict[str, str]
    body: bytes

    def read(self, kind: type[Body]) -> Body:
        """Return the body as `kind`; an empty one stands for its defaults.

        Raises
        ------
        InputError
            It is no such thing.
        """
        try:
            return msgspec.json.decode(self.body or b"{}", type=kind)
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
            raise InputError(f"can't read the body: {error}", remedy="see docs/security.md") from error


class _Body(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    why: str = ""


class Deploy(_Body):
    """As ``tidewheel deploy``."""

    version: str
    service: str | None = None
    canary: str | float | None = None
    ramp: list[str | float] = []
    hold: str = "1h"
    shadow: bool | str | float = False
    ab: str | float | None = None
    blue_green: bool = False
    force: bool = False


class Switch(_Body):
    """As ``tidewheel kill``."""

    name: str
    experiment: bool = False


class Levels(_Body):
    """As ``tidewheel thresholds``; none go back to the declared ones."""

    levels: dict[str, float] = {}


class Create(_Body):
    """As ``tidewheel tokens create``."""

    name: str
    scopes: list[str]
    expires: str = ""
    rate: str = ""


class Rotate(_Body):
    """As ``tidewheel tokens rotate``."""

    grace: str = "1d"


Call = Callable[[Stores, Asked], Any]


def graph_of(stores: Stores) -> Graph:
    """Return the live definitions.

    Raises
    ------
    NotReadyError
        There are none yet.
    """
    live = live_graph(stores.catalog)
    if live is None:
        raise NotReadyError("nothing was published yet", remedy="run tidewheel up, train or deploy first")
    return live.graph


def deploy(stores: Stores, asked: Asked) -> Any:
    """Point services at a version; returns when its features have caught up."""
    body = asked.read(Deploy)
    how = rollout_of(body.canary, body.ramp, body.hold, body.shadow, body.ab, body.blue_green)
    graph = graph_of(stores)
    named = body.version, body.service, how
    return deploying.deploy(stores, graph, *named, force=body.force, cause=body.why, sync=lambda: None)


def promote(stores: Stores, asked: Asked) -> Any:
    """Make a service's challenger its champion."""
    moved = deployments.promote(stores.catalog, asked.name, cause=asked.read(_Body).why)
    choose_groups(stores.catalog, stores.artifacts)
    return [moved]


def rollback(stores: Stores, asked: Asked) -> Any:
    """Take a service, or a model's services, back."""
    return deploying.rollback(stores, graph_of(stores), asked.name, asked.read(_Body).why)


def list_deployments(stores: Stores, asked: Asked) -> Any:
    """Return every pointer."""
    return deployments.list_deployments(stores.catalog)


def history(stores: Stores, asked: Asked) -> Any:
    """Return a service's moves, newest first."""
    deployments.get_deployment(stores.catalog, asked.name)
    return deployments.history(stores.catalog, asked.name)


def thresholds(stores: Stores, asked: Asked) -> Any:
    """Return what a service decides by."""
    return dict(deploying.current_thresholds(stores, graph_of(stores), asked.name))


def turn_thresholds(stores: Stores, asked: Asked) -> Any:
    """Turn some of a service's thresholds."""
    body = asked.read(Levels)
    deploying.turn_thresholds(stores, graph_of(stores), asked.name, body.levels, body.why)
    return thresholds(stores, asked)


def throw_switch(stores: Stores, asked: Asked) -> Any:
    """Switch something off on this machine, and a service everywhere."""
    body = asked.read(Switch)
    return kill(stores, body.name + EXPERIMENT * body.experiment, body.why)._asdict()


def revive(stores: Stores, asked: Asked) -> Any:
    """Switch something on again."""
    body = asked.read(Switch)
    return unkill(stores, body.name + EXPERIMENT * body.experiment, body.why)._asdict()


def list_killed(stores: Stores, asked: Asked) -> Any:
    """Return what is switched off on this machine."""
    return killed(stores)


def status(stores: Stores, asked: Asked) -> Any:
    """Return what is served, open alerts, who runs the workspace."""
    return deploying.status(stores, False)


def alerts(stores: Stores, asked: Asked) -> Any:
    """Return alerts; ``?open=true`` for those that are open, ``?service=``."""
    only_open = asked.query.get("open", "") in ("1", "true")
    return list_alerts(stores.catalog, asked.query.get("service", ""), only_open=only_open)


def audited(stores: Stores, asked: Asked) -> Any:
    """Return who changed what, newest first; ``?subject=``, ``?who=``, ``?limit=``."""
    limit = asked.query.get("limit", "100")
    if not re.fullmatch(r"[0-9]{1,5}", limit) or not 0 < int(limit) <= 10_000:
        raise InputError(f"limit={limit}", remedy="give a number from 1 to 10000")
    wanted = {name: asked.query.get(name, "") for name in ("subject", "who")}
    return audit(stores.catalog, **wanted, limit=int(limit))


def tokens(stores: Stores, asked: Asked) -> Any:
    """Return every token, without its hash."""
    now = system_clock()
    return [shown(token, now) for token in list_tokens(stores.catalog)]


def make_token(stores: Stores, asked: Asked) -> Any:
    """Make a token; the only answer that shows it."""
    body, now = asked.read(Create), system_clock()
    ends = now + parse_duration(body.expires) if body.expires else None
    rate = parse_rate(body.rate) if body.rate else 0.0
    made = create_token(stores.catalog, body.name, parse_scopes(",".join(body.scopes)), expires=ends, rate=rate)
    return {"token": made.secret, **shown(made.token, now)}


def rotate(stores: Stores, asked: Asked) -> Any:
    """Give a token a new secret."""
    made = rotate_token(stores.catalog, asked.name, grace=parse_duration(asked.read(Rotate).grace))
    return {"token": made.secret, **shown(made.token, system_clock())}


def revoke(stores: Stores, asked: Asked) -> Any:
    """End a token."""
    return shown(revoke_token(stores.catalog, asked.name), system_clock())
