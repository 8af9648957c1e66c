"""The embedded stores against the contracts that any implementation must keep."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.conftest import RedisPlace

from tidewheel.storage.artifacts.local import ArtifactStore
from tidewheel.storage.artifacts.remote import RemoteArtifacts
from tidewheel.storage.journal.segments import list_segments, read_segment
from tidewheel.storage.journal.writer import JournalWriter
from tidewheel.storage.lake.delta import Lake
from tidewheel.storage.log.event_log import EventLog
from tidewheel.storage.places.objects import ObjectFolder
from tidewheel.storage.redis.state import RedisState
from tidewheel.storage.state.lmdb_state import StateStore
from tidewheel.testing import ArtifactContract, EventLogContract, JournalContract, LakeContract, StateContract
from tidewheel.testing.state import FIRST, words_of


class TestEventLog(EventLogContract):
    def open(self, folder: Path) -> EventLog:
        return EventLog.open(folder)


class TestEventLogSyncedEachSecond(EventLogContract):
    def open(self, folder: Path) -> EventLog:
        return EventLog.open(folder, sync="second")


class TestJournal(JournalContract):
    def open(self, folder: Path, writer: str) -> JournalWriter:
        return JournalWriter.open(folder, writer)

    def payloads(self, folder: Path) -> list[bytes]:
        return [payload for path in list_segments(folder) for _, _, payload in read_segment(path)]


class TestJournalOfSmallSegments(TestJournal):
    def open(self, folder: Path, writer: str) -> JournalWriter:
        return JournalWriter.open(folder, writer, segment_bytes=100)


class TestState(StateContract):
    def open(self, folder: Path, partitions: int) -> StateStore:
        return StateStore.open(folder, partitions)

    def test_a_snapshot_stands_still(self, tmp_path: Path) -> None:
        store = self.open(tmp_path, 1)
        writer = store.writer(0)
        with writer.batch() as batch:
            batch.put_blobs(FIRST, [b"a", b"b"], *words_of([[1], [1]]))
        with store.snapshot() as snapshot:
            before = bytes(snapshot.get(FIRST, b"a") or b"")
            with writer.batch() as batch:
                batch.put_blobs(FIRST, [b"a", b"b"], *words_of([[2], [2]]))
            assert bytes(snapshot.get(FIRST, b"b") or b"") == before
        assert self.read(store, FIRST, b"b") == [2]
        writer.close()
        store.close()


@pytest.mark.redis
class TestStateOnRedis(StateContract):
    @pytest.fixture(autouse=True)
    def _place(self, redis_place: RedisPlace) -> None:
        self.place = redis_place

    def open(self, folder: Path, partitions: int) -> RedisState:
        return RedisState.open(self.place.url, self.place.namespace, partitions)


class TestLake(LakeContract):
    def open(self, folder: Path) -> Lake:
        return Lake.open(folder)


@pytest.mark.s3
class TestLakeOnS3(LakeContract):
    @pytest.fixture(autouse=True)
    def _place(self, s3_place: str) -> None:
        self.url = s3_place

    def open(self, folder: Path) -> Lake:
        return Lake.open_on(self.url, folder)


class TestArtifacts(ArtifactContract):
    def open(self, folder: Path) -> ArtifactStore:
        return ArtifactStore.open(folder)

    def damage(self, folder: Path, digest: str) -> None:
        path = folder / digest[:2] / digest[2:]
        path.chmod(0o644)
        path.write_bytes(b"weightz")


@pytest.mark.s3
class TestArtifactsOnS3(ArtifactContract):
    @pytest.fixture(autouse=True)
    def _place(self, s3_place: str) -> None:
        self.url = s3_place

    def open(self, folder: Path) -> RemoteArtifacts:
        return RemoteArtifacts.open(self.url, folder)

    def damage(self, folder: Path, digest: str) -> None:
        objects = ObjectFolder(self.url)
        objects.files.pipe_file(objects.path(f"{digest[:2]}/{digest[2:]}"), b"weightz")
        shutil.rmtree(folder)  # the copies: they are sound
        folder.mkdir()
        (folder / "tmp").mkdir()
