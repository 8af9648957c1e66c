"""Snapshots give back what was kept, share what they have in common, and tell when a file is damaged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidewheel.errors import CorruptError, NotFoundError
from tidewheel.registry.runs.snapshots import cuts, read_manifest, read_snapshot, save_snapshot, shared_bytes
from tidewheel.storage.artifacts.local import ArtifactStore

DAY = 86_400_000_000
WORLD = np.random.default_rng(5)
N = 60_000
"""Rows of 53 weeks."""
TABLE = pa.table(
    {
        "_id": pa.array([f"p{i}" for i in range(N)]),
        "_at": pa.array((np.arange(N) * (53 * 7 * DAY) // N).astype(np.int64)),
        "amount": pa.array(np.round(WORLD.lognormal(3, 1, N), 2), mask=WORLD.random(N) < 0.1),
        "country": pa.array(WORLD.choice(["SE", "NO", "DK"], N).tolist()),
        "_label": pa.array((WORLD.random(N) < 0.1).astype(float)),
    }
)


@pytest.fixture
def artifacts(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore.open(tmp_path / "artifacts")


def size(artifacts: ArtifactStore) -> int:
    return sum(artifacts.get(digest, verify=False).stat().st_size for digest in artifacts.digests())


def test_rows_come_back_as_they_were(artifacts: ArtifactStore) -> None:
    manifest = save_snapshot(artifacts, "d", TABLE.slice(0, 5000), rows=512)
    snapshot = read_manifest(artifacts, manifest)
    assert read_snapshot(artifacts, snapshot).equals(TABLE.slice(0, 5000))
    assert read_snapshot(artifacts, snapshot, ["amount"]).column_names == ["amount"]
    assert (snapshot.rows, sum(part.rows for part in snapshot.partitions)) == (5000, 5000)
    assert snapshot.partitions[0].since == 0


def test_a_week_later_the_week_alone_is_new(artifacts: ArtifactStore) -> None:
    year = N * 52 // 53
    first = read_manifest(artifacts, save_snapshot(artifacts, "a", TABLE.slice(0, year), rows=512))
    before = size(artifacts)
    second = read_manifest(artifacts, save_snapshot(artifacts, "b", TABLE, rows=512))
    new = size(artifacts) - before
    assert shared_bytes(second, [first]) / second.bytes > 0.95
    assert new < 0.05 * second.bytes + 20_000  # the manifest besides
    assert read_snapshot(artifacts, second).equals(TABLE)


def test_a_changed_row_changes_its_own_file_alone(artifacts: ArtifactStore) -> None:
    labels = TABLE["_label"].to_numpy().copy()
    labels[30_000] = 1.0 - labels[30_000]
    other = TABLE.set_column(4, "_label", pa.array(labels))
    without = pa.concat_tables([TABLE.slice(0, 20_000), TABLE.slice(20_001)])
    one, two, three = (
        {part.artifact for part in read_manifest(artifacts, save_snapshot(artifacts, "x", table)).partitions}
        for table in (TABLE, other, without)
    )
    assert len(two - one) == 1
    assert len(three - one) <= 2


def test_the_same_rows_have_the_same_bytes(tmp_path: Path) -> None:
    digests = set()
    for name in ("a", "b"):
        chunked = pa.concat_tables([TABLE.slice(0, 777), TABLE.slice(777)]) if name == "b" else TABLE
        digests.add(save_snapshot(ArtifactStore.open(tmp_path / name), "d", chunked))
    assert len(digests) == 1


def test_damage_and_loss_are_told(artifacts: ArtifactStore) -> None:
    manifest = save_snapshot(artifacts, "d", TABLE.slice(0, 3000), rows=512)
    snapshot = read_manifest(artifacts, manifest)
    path = artifacts.get(snapshot.partitions[0].artifact)
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(CorruptError, match="no longer holds what its name says"):
        read_snapshot(artifacts, snapshot)
    path.unlink()
    with pytest.raises(NotFoundError, match="no artifact"):
        read_snapshot(artifacts, snapshot)
    with pytest.raises(CorruptError, match="this is no snapshot"):
        read_manifest(artifacts, artifacts.put(b"{}"))


@settings(deadline=None)
@given(st.lists(st.integers(-(2**63), 2**63 - 1), max_size=400), st.sampled_from([4, 16, 64]))
def test_cuts_cover_every_row_once_within_bounds(hashes: list[int], rows: int) -> None:
    ends = cuts(np.array(hashes, np.int64), rows)
    sizes = np.diff([0, *ends])
    assert (ends[-1] if ends else 0) == len(hashes)
    assert np.all(sizes > 0)
    assert np.all(sizes <= 4 * rows)
    assert np.all(sizes[:-1] >= rows // 4)
