"""When a challenger is trained, and what decides between it and the champion: ``tw.retrain``."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tidewheel.definitions import ir
from tidewheel.definitions.language.durations import Duration, parse_duration
from tidewheel.definitions.language.quantities import number, share_of, whole
from tidewheel.errors import DefinitionError


def retrain(
    every: str = "",
    *,
    on_drift: float = 0.0,
    on_labels: int = 0,
    on_age: Duration | None = None,
    tz: str = "UTC",
    missed: Literal["latest", "skip", "all"] = "latest",
    canary: str | float = "10%",
    watch: Duration = "7d",
    metric: str = "",
    margin: float = 0.0,
) -> ir.Retrain:
    """Say when to train a challenger and what decides between it and the champion.

    Parameters
    ----------
    every : str
        ``"daily"``, ``"weekly"``, ``"monthly"``, a cron expression such as ``"0 3 * * mon"``, or ``""`` for on
        events alone.
    on_drift : float
        Train when a feature's PSI is alerted at this or more; 0 is never.
    on_labels : int
        Train when so many events that tell the label came since the last training; 0 is never.
    on_age : duration, optional
        Train when what the last training saw is so old.
    tz : str
        Zone of a cron expression.
    missed : {"latest", "skip", "all"}
        Of due times that came while nothing ran: make up for the latest, for none, or for each.
    canary : str or float
        The challenger's share of traffic: ``"20%"`` or 0.2.
    watch : duration
        How long it runs before it is judged.
    metric : str
        Compared on each one's own traffic; by default the model's leading one.
    margin : float
        Promote at ``champion - margin`` or better.

    Examples
    --------
    >>> retrain("0 3 * * mon", on_labels=1000).cron
    '0 3 * * mon'
    """
    period = every if every in ("", "daily", "weekly", "monthly") else ""
    if missed not in ("latest", "skip", "all"):
        raise DefinitionError(f"missed={missed!r}?", remedy="write 'latest', 'skip' or 'all'")
    if every != period:
        _check_cron(every, tz)
    if not every and not on_drift and not on_labels and on_age is None:
        raise DefinitionError("this would never retrain", remedy="give a period, on_drift=, on_labels= or on_age=")
    return ir.Retrain(
        cast("Any", period), number(on_drift), share_of("canary", canary), parse_duration(watch), metric,
        number(margin), cron=every if every != period else "", tz=tz, missed=missed,
        on_labels=whole("on_labels", on_labels, 0), on_age=0 if on_age is None else parse_duration(on_age),
    )  # fmt: skip


def _check_cron(every: str, tz: str) -> None:
    from cronsim import CronSim, CronSimError

    try:
        if len(every.split()) != 5:
            raise CronSimError("five fields are expected")
        next(CronSim(every, datetime(2000, 1, 1, tzinfo=ZoneInfo(tz))))
    except (CronSimError, ZoneInfoNotFoundError, StopIteration, ValueError) as error:
        raise DefinitionError(
            f"retrain every {every!r} in {tz}? ({error or 'never due'})",
            remedy="write 'daily', 'weekly', 'monthly' or a cron expression such as '0 3 * * mon'",
        ) from error
