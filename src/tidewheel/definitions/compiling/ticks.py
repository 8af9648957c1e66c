"""Compiles ``tw.Tick`` classes: their schedule, and which entities they are made for."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tidewheel.definitions import ir
from tidewheel.definitions.columns.columns import Column
from tidewheel.definitions.compiling.context import Context
from tidewheel.definitions.compiling.expressions import lower, text_of
from tidewheel.definitions.compiling.row_scope import RowScope
from tidewheel.definitions.events.ticks import Tick
from tidewheel.definitions.language.durations import parse_duration
from tidewheel.errors import DefinitionError

WHERE = "_where"
"""The one column of the view that says which entities a tick is made for."""
DAY = 86_400_000_000
SHORTEST = 60_000_000


def compile_tick(context: Context, cls: type[Tick]) -> ir.Tick:
    """Return the frozen form of a tick.

    Raises
    ------
    DefinitionError
        It has columns that nobody fills, its schedule makes no sense, or `where` is no condition.
    """
    source = context.source_of(cls)
    assert cls._each is not None
    entity = next((c for c in source.columns if c.target == cls._each.__name__), None)
    others = [c.name for c in source.columns if c is not entity and c.kind != "id"]
    if entity is None or others:
        raise DefinitionError(
            f"a tick holds its id and a reference to its entity, not {', '.join(others) or 'nothing'}",
            remedy=f"keep only {cls._each.__name__.lower()}: tw.Ref[{cls._each.__name__}]; read the rest as features",
        )
    return ir.Tick(source.name, cls._each.__name__, entity.name, _when(cls), _where(context, cls, source))


def _when(cls: type[Tick]) -> ir.When:
    for name, value in (("every", cls._every), ("at", cls._time), ("tz", cls._tz), ("missed", cls._missed)):
        if not isinstance(value, str):
            raise DefinitionError(
                f"{name}={value!r} is no text", remedy="write every='1d', at='02:30', tz='Europe/Oslo'"
            )
    try:
        datetime.strptime(cls._time, "%H:%M")
        ZoneInfo(cls._tz)
    except (ValueError, ZoneInfoNotFoundError):
        raise DefinitionError(
            f"at={cls._time!r} is no time of day, or tz={cls._tz!r} no zone",
            remedy="write at='02:30', tz='Europe/Oslo'",
        ) from None
    if cls._missed not in ("latest", "skip", "all"):
        raise DefinitionError(f"missed={cls._missed!r}", remedy="write 'latest', 'skip' or 'all'")
    if len(cls._every.split()) == 5:
        return ir.When("cron", tz=cls._tz, cron=cls._every, missed=cls._missed)
    if cls._every == "monthly":
        return ir.When("monthly", cls._time, cls._tz, missed=cls._missed)
    length = parse_duration(cls._every)
    if length in (DAY, 7 * DAY):
        return ir.When("daily" if length == DAY else "weekly", cls._time, cls._tz, missed=cls._missed)
    if not SHORTEST <= length < DAY or DAY % length:
        raise DefinitionError(
            f"every={cls._every!r} is no part of a day, no day and no week",
            remedy="write '1h', '1d', '7d', 'monthly' or a cron expression: '0 3 */2 * *'",
        )
    return ir.When("interval", interval=length, missed=cls._missed)


def _where(context: Context, cls: type[Tick], source: ir.Source) -> ir.View | None:
    if cls._where is None:
        return None
    if not isinstance(cls._where, Column):
        raise DefinitionError(f"where={cls._where!r} is no condition", remedy="compare a feature: Activity.visits > 0")
    scope = RowScope(context, source)
    typed = lower(cls._where, scope.column)
    if typed.type != "bool":
        raise DefinitionError(f"where: {text_of(typed.expr)} is no condition", remedy="compare it with something")
    lookups = tuple(sorted(scope.lookups.values(), key=lambda lookup: lookup.alias))
    return ir.View(f"{source.name}.where", source.name, lookups, (ir.ViewColumn(WHERE, typed.expr),))
