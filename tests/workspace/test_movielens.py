"""MovieLens, served: a ranker over candidates against the most popular movies."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.workspace import movielens

import tidewheel as tw

DATA = Path(__file__).parents[3] / "shared" / "data" / "ml-latest-small"
MARGIN = 0.15
"""How much better than popularity the ranked lists are at least, of its NDCG@10. Measured: see docs/ranking.md."""


def ndcg(items: list[str], relevant: set[str], k: int = 10) -> float:
    gains = [1 / np.log2(place + 2) for place, item in enumerate(items[:k]) if item in relevant]
    return float(sum(gains) / sum(1 / np.log2(place + 2) for place in range(min(k, len(relevant)))))


@pytest.mark.slow
@pytest.mark.skipif(not DATA.exists(), reason="MovieLens is not beside this repository")
def test_ranked_lists_beat_popularity(tmp_path: Path) -> None:
    rows, held_out_at, likes = movielens.world(DATA)
    (tmp_path / "tidewheel.toml").write_text('project = "project.py"\nclock = "replay"\n')
    with tw.open(tmp_path, movielens.DECLARED) as workspace:
        workspace.advance(held_out_at)
        for name, table in rows.items():
            pq.write_table(pa.Table.from_pylist(table), tmp_path / f"{name}.parquet")
            workspace.ingest(str(tmp_path / f"{name}.parquet"), name)
        workspace.sync()
        result = workspace.train("Ranker")
        workspace.deploy(result.version)
        names, counts = np.unique([play["movie"] for play in rows["Play"]], return_counts=True)
        popular = names[np.lexsort((names, -counts))].tolist()
        ours, theirs = [], []
        for user, relevant in sorted(likes.items()):
            answer = workspace.decide("Recommend", {"id": f"held-{user}", "user": user})
            assert not answer.fallback, answer.reason
            ours.append(ndcg([item.id for item in answer.items], relevant))
            seen = set(workspace.read("History", user=user).lately)
            theirs.append(ndcg([id for id in popular if id not in seen], relevant))
        print(f"NDCG@10 {np.mean(ours):.4f}, popularity {np.mean(theirs):.4f}, {len(ours)} users")
        assert np.mean(ours) >= (1 + MARGIN) * np.mean(theirs)
