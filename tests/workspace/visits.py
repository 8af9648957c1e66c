"""Users who visit, for tests of ticks."""

from __future__ import annotations

import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from lightgbm import LGBMRegressor

import tidewheel as tw
from tidewheel.runtime.due import Schedule, latest_due
from tidewheel.workspace import Workspace

DAY = 86_400_000_000
TONIGHT = latest_due(Schedule(every="daily", at="02:00", tz="Europe/Stockholm"), time.time_ns() // 1000 - DAY)
START = TONIGHT - 100 * DAY


class User(tw.Entity):
    id: tw.Id


class Visit(tw.Event):
    id: tw.Id
    user: tw.Ref[User]
    minutes: float


class Activity(tw.Features, by=User):
    visits_28d = tw.count(Visit, "28d")
    minutes_28d = tw.sum(Visit.minutes, "28d")


class Nightly(
    tw.Tick, each=User, every="1d", at="02:00", tz="Europe/Stockholm", where=Activity.visits_28d > 0, missed="latest"
):
    user: tw.Ref[User]


class UserView(tw.View, on=Nightly):
    user = Activity


class Coming(tw.Model):
    """How often a user will come in the next week."""

    view = UserView
    label = tw.outcome(tw.count(Visit), within="7d")
    estimator = LGBMRegressor(n_estimators=10, num_leaves=4, min_child_samples=5, verbose=-1)
    split = tw.temporal(test="14d")
    metrics = ["rmse"]


class Offer(tw.Service, on=Nightly):
    model = Coming
    decide = tw.thresholds(nothing=0.0, greet=4.0)
    fallback = [tw.action("nothing")]
    deadline = "5s"


class Thanks(tw.Service, on=Nightly):
    """Thanks those who come often."""

    rules = [tw.rule("often", Activity.visits_28d >= 8, then="thank")]
    decide = tw.thresholds(nothing=0.0)
    deadline = "5s"


VISITS = [User, Visit, Activity, Nightly, UserView, Coming, Offer, Thanks]


def visits() -> list[tuple[str, int, float]]:
    """User k visits every k-th day, each a little later in the day; user u9 only in the first ten days."""
    found = []
    for day in range(100):
        for number in range(1, 10):
            if day % number == 0 and (number < 9 or day < 10):
                found.append((f"u{number}", START + day * DAY + number * 1_000_000, float(number + day % 3)))
    return sorted(found, key=lambda visit: visit[1])


def fill(workspace: Workspace, folder: Path) -> None:
    """Ingest the visits, as known when they happened."""
    rows = visits()
    columns = {
        "id": [f"v{number}" for number in range(len(rows))],
        "user": [user for user, _, _ in rows],
        "minutes": [minutes for _, _, minutes in rows],
        "at": pa.array([at for _, at, _ in rows], pa.timestamp("us", "UTC")),
    }
    pq.write_table(pa.table(columns), folder / "visits.parquet")
    assert workspace.ingest(str(folder / "visits.parquet"), Visit).accepted == len(rows)


def active(due: int) -> list[str]:
    """Who visited in the 28 days before an instant."""
    return sorted({user for user, at, _ in visits() if due - 28 * DAY <= at < due})
