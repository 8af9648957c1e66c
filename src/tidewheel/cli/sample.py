"""The small data set that ``tidewheel init`` writes, so that a new project has something to run on."""

from __future__ import annotations

import csv
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

CUSTOMERS = 150
DAYS = 200
CATEGORIES = ("books", "garden", "kitchen", "shoes", "toys")


def write_sample(folder: Path, *, orders: int = 6_000, seed: int = 7) -> None:
    """Write ``orders.csv`` and ``returns.csv``: some customers and shoes come back more often."""
    draw = random.Random(seed)
    habit = [draw.betavariate(1.2, 6) for _ in range(CUSTOMERS)]
    begin = datetime.now(UTC).replace(microsecond=0) - timedelta(days=DAYS)
    moments = sorted(draw.uniform(0, DAYS * 86_400) for _ in range(orders))
    with (
        (folder / "orders.csv").open("w", newline="") as placed,
        (folder / "returns.csv").open("w", newline="") as back,
    ):
        order_rows, return_rows = csv.writer(placed), csv.writer(back)
        order_rows.writerow(["id", "at", "customer", "category", "amount"])
        return_rows.writerow(["id", "at", "order"])
        for number, moment in enumerate(moments):
            at = begin + timedelta(seconds=int(moment))
            customer, category = draw.randrange(CUSTOMERS), draw.choice(CATEGORIES)
            amount = round(draw.lognormvariate(3.5, 0.8), 2)
            order_rows.writerow([f"o{number}", at.isoformat(), f"c{customer}", category, amount])
            chance = min(0.9, habit[customer] * (2.2 if category == "shoes" else 0.8) + (0.1 if amount > 100 else 0.0))
            returned = at + timedelta(days=draw.uniform(2, 10))
            if draw.random() < chance and returned < begin + timedelta(days=DAYS):
                return_rows.writerow([f"r{number}", returned.isoformat(), f"o{number}"])
