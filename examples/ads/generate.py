"""A world of ads: who followed what was shown at random, and who ordered, days later. Seeded, in a second."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

TOPICS = ("travel", "books", "garden", "music")
REGIONS = ("north", "south", "west")
SITES = ("news", "weather", "sport")
DAYS = 45
Row = dict[str, object]


def chance_of_click(fond: float, hour: int) -> float:
    """Return how likely an ad is followed: by what its viewer is fond of, and more so in the evening."""
    return float(1 / (1 + np.exp(2.2 - 1.6 * fond - 0.6 * (hour >= 18))))


def chance_of_order(price: float, region: str) -> float:
    """Return how likely who followed an ad orders: less, the dearer it is."""
    return float(1 / (1 + np.exp(price / 40 - 0.8 - 0.7 * (region == "north"))))


def world(
    end: datetime, *, users: int = 60, ads: int = 40, requests: int = 3000, seed: int = 0
) -> dict[str, list[Row]]:
    """Return rows by event or entity, over the 45 days before `end`; nothing that happens later is known yet."""
    rng = np.random.default_rng(seed)
    start = end - timedelta(days=DAYS)
    tastes = rng.normal(0, 1, (users, len(TOPICS)))
    region, topic = rng.integers(len(REGIONS), size=users), rng.integers(len(TOPICS), size=ads)
    price, bid = rng.uniform(5, 100, ads).round(2), rng.uniform(1, 5, ads).round(2)
    rows: dict[str, list[Row]] = {name: [] for name in ("User", "Ad", "AdRequest", "Impression", "Click", "Conversion")}
    for i in range(users):
        rows["User"].append({"id": f"u{i}", "region": REGIONS[region[i]], "at": start})
    for i in range(ads):
        told: Row = {"id": f"a{i}", "topic": TOPICS[topic[i]], "price": float(price[i]), "bid": float(bid[i])}
        rows["Ad"].append(told | {"at": start})
    for i, day in enumerate(np.sort(rng.random(requests)) * (DAYS - 0.1) + 0.05):
        at, user, ad = start + timedelta(days=float(day)), int(rng.integers(users)), int(rng.integers(ads))
        asked: Row = {"id": f"r{i}", "user": f"u{user}", "site": SITES[rng.integers(len(SITES))], "hour": at.hour}
        rows["AdRequest"].append(asked | {"at": at})
        about: Row = {"request": f"r{i}", "ad": f"a{ad}"}
        rows["Impression"].append(about | {"at": at + timedelta(seconds=1)})
        click = at + timedelta(seconds=float(rng.exponential(120)))
        if rng.random() < chance_of_click(float(tastes[user, topic[ad]]), at.hour) and click < end:
            rows["Click"].append(about | {"user": f"u{user}", "at": click})
            order = click + timedelta(days=float(rng.exponential(2)))
            if rng.random() < chance_of_order(float(price[ad]), REGIONS[region[user]]) and order < end:
                rows["Conversion"].append(about | {"at": order})
    return rows


def write(folder: Path, rows: dict[str, list[Row]]) -> None:
    """Write one Parquet file for each event or entity."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in rows.items():
        pq.write_table(pa.Table.from_pylist(table), folder / f"{name}.parquet")


if __name__ == "__main__":
    write(Path(sys.argv[1]), world(datetime.now(UTC)))
