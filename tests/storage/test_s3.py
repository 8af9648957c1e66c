"""What only an object store can meet: writers on several machines, other workspaces, no answer."""

from __future__ import annotations

import threading
from pathlib import Path

import pyarrow as pa
import pytest

from tidewheel.errors import ConfigError, ConflictError, StorageError, UnreachableError
from tidewheel.storage.artifacts.remote import RemoteArtifacts
from tidewheel.storage.lake.delta import Lake
from tidewheel.storage.lake.upkeep import compact, purge
from tidewheel.storage.places.objects import ObjectFolder

pytestmark = pytest.mark.s3
TABLE = "events/Sale"


def rows(first: int, count: int = 5) -> pa.Table:
    return pa.table({"_offset": list(range(first, first + count)), "_arrived": [7] * count})


def test_writers_on_two_machines_write_each_row_once(tmp_path: Path, s3_place: str) -> None:
    """No lock is shared: of two commits with one position the store takes the first."""
    lakes = [Lake.open_on(s3_place, tmp_path / name) for name in ("one", "two")]
    Lake.open_on(s3_place, tmp_path).append(TABLE, rows(0), position=("flush", 5))
    refused = []

    def write(lake: Lake) -> None:
        for start in range(5, 20, 5):
            try:
                lake.append(TABLE, rows(start), position=("flush", start + 5))
            except ConflictError as error:
                refused.append(error)

    threads = [threading.Thread(target=write, args=(lake,)) for lake in lakes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    offsets = sorted(lakes[0].scan(TABLE, ["_offset"])["_offset"].to_pylist())
    assert len(offsets) == len(set(offsets))
    assert offsets[-1] == lakes[1].position(TABLE, "flush") - 1


def test_a_commit_that_came_in_between_is_seen(tmp_path: Path, s3_place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = (Lake.open_on(s3_place, tmp_path / name) for name in ("one", "two"))
    one.append(TABLE, rows(0), position=("flush", 5))
    fitted = one.fitted

    def late(*arguments: object) -> pa.Table:
        two.append(TABLE, rows(5), position=("flush", 10))
        return fitted(*arguments)

    monkeypatch.setattr(one, "fitted", late)
    with pytest.raises(ConflictError, match="in the meantime"):
        one.append(TABLE, rows(5), position=("flush", 10))
    assert one.count(TABLE) == 10


def test_another_workspaces_prefix_is_refused(tmp_path: Path, s3_place: str) -> None:
    Lake.open_on(s3_place, tmp_path, "mine")
    Lake.open_on(s3_place, tmp_path, "mine")
    with pytest.raises(ConflictError, match="another workspace"):
        Lake.open_on(s3_place, tmp_path, "theirs")


def test_small_files_are_joined(tmp_path: Path, s3_place: str) -> None:
    lake = Lake.open_on(s3_place, tmp_path)
    for start in (0, 5):
        lake.append(TABLE, rows(start), position=("flush", start + 5))
    assert compact(lake, TABLE, keep_hours=0)["joined"] == 2
    assert purge(lake, TABLE) > 0
    assert Lake.open_on(s3_place, tmp_path).count(TABLE) == 10
    assert lake.position(TABLE, "flush") == 10
    assert lake.tables() == [TABLE]


def test_a_store_that_does_not_answer_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    nowhere = "s3://bucket/ws?endpoint_url=http://127.0.0.1:1"
    with pytest.raises(UnreachableError):
        Lake.open_on(nowhere, tmp_path)
    with pytest.raises(UnreachableError):
        RemoteArtifacts.open(nowhere, tmp_path).put(b"weights")


def test_what_was_read_once_is_read_again_without_the_store(tmp_path: Path, s3_place: str) -> None:
    store = RemoteArtifacts.open(s3_place, tmp_path)
    digest = store.put(b"weights")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(store, "_objects", ObjectFolder("s3://bucket/ws?endpoint_url=http://127.0.0.1:1"))
        assert store.read(digest) == b"weights"
    kept = store.get(digest)
    kept.chmod(0o644)
    kept.write_bytes(b"weightz")
    assert store.read(digest) == b"weights"
    store.delete(digest)
    assert not store.has(digest)


@pytest.mark.parametrize("url", ["gs://bucket/x", "s3:///x", "s3://bucket/x?endpoint=http://127.0.0.1", "folder"])
def test_a_place_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="endpoint_url"):
        ObjectFolder(url)


def test_a_bucket_that_is_not_there_is_told(tmp_path: Path, s3_place: str) -> None:
    with pytest.raises(StorageError):
        Lake.open_on(s3_place.replace("s3://test-", "s3://none-"), tmp_path)
