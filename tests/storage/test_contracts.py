"""The embedded stores against the contracts that any implementation must keep."""

from __future__ import annotations

from pathlib import Path

from tidewheel.storage.artifacts import ArtifactStore
from tidewheel.storage.journal import JournalWriter
from tidewheel.storage.journal_segments import list_segments, read_segment
from tidewheel.storage.lake import Lake
from tidewheel.storage.log import EventLog
from tidewheel.storage.state import StateStore
from tidewheel.testing import ArtifactContract, EventLogContract, JournalContract, LakeContract, StateContract


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


class TestLake(LakeContract):
    def open(self, folder: Path) -> Lake:
        return Lake.open(folder)


class TestArtifacts(ArtifactContract):
    def open(self, folder: Path) -> ArtifactStore:
        return ArtifactStore.open(folder)

    def damage(self, folder: Path, digest: str) -> None:
        path = folder / digest[:2] / digest[2:]
        path.chmod(0o644)
        path.write_bytes(b"weightz")
