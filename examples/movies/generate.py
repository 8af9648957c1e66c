"""A world of viewers with tastes: who asked, what was shown at random, what came of it. Seeded, in a second."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

GENRES = ("drama", "crime", "comedy", "western", "horror")
FIRST = ("Night", "River", "Stone", "Summer", "Paper", "Glass", "Silent", "Golden")
SECOND = ("Train", "Garden", "Letter", "Road", "House", "Song", "Winter", "Harbour")
SIZE = 8
Row = dict[str, object]


def world(
    end: datetime, *, users: int = 80, movies: int = 300, requests: int = 1500, shown: int = 8, seed: int = 0
) -> dict[str, list[Row]]:
    """Return rows by event or entity, over the 40 days before `end`."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(0, 1, (len(GENRES), SIZE))
    genre = rng.integers(len(GENRES), size=movies)
    vectors = centres[genre] + rng.normal(0, 0.7, (movies, SIZE))
    tastes = centres[rng.integers(len(GENRES), size=users)] + rng.normal(0, 0.5, (users, SIZE))
    start = end - timedelta(days=40)
    rows: dict[str, list[Row]] = {name: [] for name in ("User", "Movie", "Request", "Shown", "Play", "Save")}
    for i in range(users):
        rows["User"].append({"id": f"u{i}", "taste": tastes[i].tolist(), "at": start})
    for i in range(movies):
        title = f"{FIRST[rng.integers(8)]} {SECOND[rng.integers(8)]} {i}"
        told: Row = {"id": f"m{i}", "title": title, "genre": GENRES[genre[i]], "year": int(rng.integers(1920, 2025))}
        rows["Movie"].append(told | {"embedding": vectors[i].tolist(), "at": start})
    for i, day in enumerate(np.sort(rng.random(requests)) * 39):
        at, user = start + timedelta(days=float(day) + 0.01), int(rng.integers(users))
        rows["Request"].append({"id": f"r{i}", "user": f"u{user}", "movie": None, "words": "", "at": at})
        for place, movie in enumerate(rng.choice(movies, shown, replace=False), 1):
            about: Row = {"request": f"r{i}", "movie": f"m{movie}", "at": at + timedelta(seconds=1)}
            rows["Shown"].append(about | {"genre": GENRES[genre[movie]], "position": place})
            likes = float(tastes[user] @ vectors[movie] / np.linalg.norm(tastes[user]) / np.linalg.norm(vectors[movie]))
            if rng.random() < 1 / (1 + np.exp(3 - 5 * likes)) / (1 + 0.1 * place):
                came: Row = {"request": f"r{i}", "movie": f"m{movie}", "at": at + timedelta(minutes=float(place))}
                minutes = float(rng.exponential(60))
                rows["Play"].append(came | {"user": f"u{user}", "genre": GENRES[genre[movie]], "minutes": minutes})
                if likes > 0.8:
                    rows["Save"].append(came)
    return rows


def write(folder: Path, rows: dict[str, list[Row]]) -> None:
    """Write one Parquet file for each event or entity."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in rows.items():
        pq.write_table(pa.Table.from_pylist(table), folder / f"{name}.parquet")


if __name__ == "__main__":
    write(Path(sys.argv[1]), world(datetime.now(UTC)))
