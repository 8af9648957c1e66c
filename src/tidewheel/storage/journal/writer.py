"""Writing the decision journal: one writer a file, safe before the answer leaves.

A decision is in the kernel's hands (`write`) before `JournalWriter.append` returns, so a killed
process loses none; a background thread flushes to the disk (`fdatasync`) every 20 ms, and
`JournalWriter.commit` waits for it. The format is told in `tidewheel.storage.journal.segments`.
"""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import threading
import time
import weakref
import zlib
from collections.abc import Sequence
from concurrent.futures import Future
from itertools import accumulate
from pathlib import Path
from typing import Self

from tidewheel.errors import FullError, StorageError
from tidewheel.storage.journal.segments import HEADER, LARGEST_PAYLOAD, MAGIC, SEED, SUFFIX, footer
from tidewheel.storage.places.disks import refuse_network, sync_folder
from tidewheel.storage.places.environments import raise_for

_log = logging.getLogger("tidewheel.storage")

SEGMENT_BYTES = 64 << 20
FLUSH_SECONDS = 0.02

_pack = HEADER.pack
_crc = zlib.crc32
_write = os.write


class _Segment:
    """The segment being written."""

    __slots__ = ("descriptor", "name", "position", "records")

    def __init__(self, folder: Path, name: str) -> None:
        # Born under another name, so that no reader sees it before it is locked.
        unborn = folder / f".{name}.{os.getpid()}"
        self.name = name
        self.descriptor = os.open(unborn, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX)
            if _write(self.descriptor, MAGIC) != len(MAGIC):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            unborn.rename(folder / f"{name}{SUFFIX}")
            sync_folder(folder)
        except OSError:
            os.close(self.descriptor)
            unborn.unlink(missing_ok=True)
            raise
        self.position = len(MAGIC)
        self.records = 0

    def seal(self) -> None:
        """Write the footer, flush, unlock. With no space for a footer it ends as a dead writer's segment does."""
        end = footer(self.records)
        try:
            if _write(self.descriptor, end) != len(end):
                os.ftruncate(self.descriptor, self.position)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise
        finally:
            try:
                os.fdatasync(self.descriptor)
            finally:
                os.close(self.descriptor)


class JournalWriter:
    """Appends to the segments of one writer. Safe to share between threads.

    Parameters
    ----------
    folder : Path
        Where segments live; made when missing.
    writer : str
        A name that no other live writer uses, such as ``"worker-0-<pid>"``.
    segment_bytes : int
        Past this size a segment is sealed and the next one begun.

    Examples
    --------
    >>> import tempfile
    >>> from tidewheel.storage.journal.segments import list_segments, read_segment
    >>> folder = Path(tempfile.mkdtemp())
    >>> with JournalWriter.open(folder, "w") as journal:
    ...     journal.append(b"first")
    ...     journal.commit()
    ('w-00000001', 8)
    >>> [payload for _, _, payload in read_segment(list_segments(folder)[0])]
    [b'first']
    """

    def __init__(self, folder: Path, writer: str, segment_bytes: int = SEGMENT_BYTES) -> None:
        self.folder = folder
        self.writer = writer
        self._segment_bytes = segment_bytes
        self._lock = threading.Lock()
        self._number = 0
        self._current = self._next_segment()
        self._retired: list[_Segment] = []
        self._written = self._synced = 0
        self._bytes = self._bytes_synced = 0
        self._synced_at = time.monotonic()
        self._waiting: list[tuple[int, Future[None]]] = []
        self._wake = threading.Event()
        self._idle = self._closed = False
        self._failure: OSError | None = None
        self._pid = os.getpid()
        self._thread = threading.Thread(target=self._flush_for_ever, name=f"journal-{writer}", daemon=True)
        self._thread.start()
        _remember(self)

    @classmethod
    def open(cls, folder: Path, writer: str, segment_bytes: int = SEGMENT_BYTES) -> Self:
        """Begin a new segment of `writer` in `folder`.

        Raises
        ------
        FullError, StorageError
        """
        refuse_network(folder)
        if not writer or "/" in writer or writer.startswith("."):
            raise StorageError(f"{writer!r} can't name a file", where=str(folder))
        try:
            folder.mkdir(parents=True, exist_ok=True)
            return cls(folder, writer, segment_bytes)
        except OSError as error:
            raise_for(error, str(folder))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def append(self, payload: bytes) -> tuple[str, int]:
        """Write one record; when this returns, a killed process does not lose it.

        Returns
        -------
        tuple of (str, int)
            The segment's name and the record's position in it.

        Raises
        ------
        FullError
            No space: the record is not in the journal; the next append tries again.
        StorageError
            The payload is over 16 MiB, the journal is closed or was inherited by a fork, or the disk failed.
        """
        return self._put(self._framed(payload), 1)

    def append_all(self, payloads: Sequence[bytes]) -> list[tuple[str, int]]:
        """Write records in one go, all or none; returns and raises as :meth:`append`."""
        records = [self._framed(payload) for payload in payloads]
        segment, position = self._put(b"".join(records), len(records))
        places = accumulate(map(len, records), initial=position)
        return [(segment, place) for place, _ in zip(places, records, strict=False)]

    def _framed(self, payload: bytes) -> bytes:
        size = len(payload)
        if size > LARGEST_PAYLOAD:
            raise StorageError(f"a record of {size} bytes; at most {LARGEST_PAYLOAD}", where=str(self.folder))
        return _pack(size, _crc(payload, size ^ SEED)) + payload

    def _put(self, records: bytes, number: int) -> tuple[str, int]:
        """Write so many records; return where the first of them stands."""
        with self._lock:
            segment = self._current
            position = segment.position
            try:
                done = _write(segment.descriptor, records)
            except OSError as error:
                self._check_usable()
                raise_for(error, str(self.folder))
            if done != len(records):
                self._undo_short_write(segment)
            segment.position = position + done
            segment.records += number
            self._written += number
            self._bytes += done
            if segment.position >= self._segment_bytes:
                self._roll()
        if self._idle:
            self._wake.set()
        return segment.name, position

    def commit(self, timeout: float = 10.0) -> None:
        """Wait until all that was appended before this call is on the disk.

        Raises
        ------
        StorageError
            The disk took more than `timeout` seconds, or refused to flush.
        """
        try:
            self.committed().result(timeout)
        except TimeoutError as error:
            raise StorageError(f"the disk took more than {timeout} s to flush", where=str(self.folder)) from error

    def committed(self) -> Future[None]:
        """A future that is done when all that was appended before this call is on the disk."""
        future: Future[None] = Future()
        with self._lock:
            self._check_usable()
            if self._synced >= self._written:
                future.set_result(None)
                return future
            self._waiting.append((self._written, future))
        self._wake.set()
        return future

    def check_there(self) -> None:
        """Raise `StorageError` where the segment was deleted while it is written: its records go with this process."""
        with self._lock:
            there = self._closed or os.fstat(self._current.descriptor).st_nlink > 0
        if not there:
            raise StorageError(
                "the journal's segment was deleted while it was open: what is written now goes with this process",
                where=str(self.folder / f"{self._current.name}{SUFFIX}"),
                remedy="restart, which begins another; decisions that the log had not taken are lost",
            )

    def unsynced(self) -> int:
        """How many records a power loss would take at this moment."""
        return self._written - self._synced

    def unsynced_bytes(self) -> int:
        """Bytes that are written and not yet on the disk."""
        return self._bytes - self._bytes_synced

    def sync_age(self) -> float:
        """Seconds since all that was written was on the disk; 0 while it is."""
        return time.monotonic() - self._synced_at if self.unsynced() else 0.0

    def close(self) -> None:
        """Seal the segment, flush it and let go of it. A child process of a fork only forgets it."""
        with self._lock:
            if self._closed or os.getpid() != self._pid:
                return
            self._closed = True
        self._wake.set()
        self._thread.join()
        self._flush()
        with self._lock:
            segment, self._current = self._current, _CLOSED
        try:
            segment.seal()
        except OSError as error:
            raise_for(error, str(self.folder))

    def forget(self) -> None:
        """In a forked child: refuse to write what the parent writes."""
        self._lock = threading.Lock()
        self._current = _CLOSED

    def _next_segment(self) -> _Segment:
        self._number += 1
        while (self.folder / f"{self.writer}-{self._number:08d}{SUFFIX}").exists():
            self._number += 1
        return _Segment(self.folder, f"{self.writer}-{self._number:08d}")

    def _roll(self) -> None:
        try:
            following = self._next_segment()
        except OSError:
            # The record is safe where it is: a segment grows past its size until there is room for the next.
            return
        self._retired.append(self._current)
        self._current = following

    def _check_usable(self) -> None:
        if self._closed:
            raise StorageError("the journal is closed", where=str(self.folder), remedy="open it anew")
        if os.getpid() != self._pid:
            raise StorageError("this journal was opened before a fork", where=str(self.folder), remedy="open one here")
        if self._failure is not None:
            raise_for(self._failure, str(self.folder))

    def _undo_short_write(self, segment: _Segment) -> None:
        os.ftruncate(segment.descriptor, segment.position)
        raise FullError("no space left for a decision", where=str(self.folder), remedy="free some space on this disk")

    def _flush_for_ever(self) -> None:
        while not self._closed:
            if self._synced == self._written:
                self._idle = True
                if self._synced == self._written and not self._closed:
                    self._wake.wait()
                self._idle = False
            self._wake.clear()
            if not self._waiting and not self._closed:
                self._wake.wait(FLUSH_SECONDS)
            try:
                self._flush()
            except OSError as error:  # no descriptor is free, for now: what was written waits
                _log.warning("the journal could not be flushed, and is tried again: %s", error)
                time.sleep(FLUSH_SECONDS)

    def _flush(self) -> None:
        with self._lock:
            target, size = self._written, self._bytes
            if target == self._synced:
                return
            descriptor = os.dup(self._current.descriptor)
            retired, self._retired = self._retired, []
        try:
            for segment in retired:
                segment.seal()
            os.fdatasync(descriptor)
        except OSError as error:
            self._failure = error
        finally:
            os.close(descriptor)
        with self._lock:
            self._settle(target, size)

    def _settle(self, target: int, size: int) -> None:
        """Note that the first `target` records, of `size` bytes, are on the disk, or that the disk refused."""
        if self._failure is None:
            self._synced, self._bytes_synced, self._synced_at = target, size, time.monotonic()
        done = [future for number, future in self._waiting if number <= target]
        self._waiting = [waiting for waiting in self._waiting if waiting[0] > target]
        for future in done:
            if self._failure is None:
                future.set_result(None)
            else:
                future.set_exception(
                    StorageError(f"the disk refused to flush: {self._failure}", where=str(self.folder))
                )


_CLOSED = _Segment.__new__(_Segment)
_CLOSED.descriptor, _CLOSED.name, _CLOSED.position, _CLOSED.records = -1, "", 0, 0
_WRITERS: weakref.WeakSet[JournalWriter] = weakref.WeakSet()
_HOOKED: list[bool] = []


def _remember(writer: JournalWriter) -> None:
    """Note a writer, so that a forked child forgets it: two processes may not write one file."""
    if not _HOOKED:
        os.register_at_fork(after_in_child=_after_fork)
        _HOOKED.append(True)
    _WRITERS.add(writer)


def _after_fork() -> None:
    for writer in _WRITERS:
        writer.forget()
