"""Writing one partition of the state on Redis: everything of a micro-batch in one MULTI.

A batch watches the partition's meta hash, reads offsets and fencing token there, and commits only if no one
has written since: each commit changes that hash. So of two writers that overlap one is refused, whatever
their tokens; and a commit that a server executes late (it was paused, and the writer gave up) finds it changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import accumulate, chain
from typing import Any

import numpy as np

from tidewheel.errors import LeaseError
from tidewheel.storage.keys import STAMP
from tidewheel.storage.redis.client import Client, translated
from tidewheel.storage.state.partition import Reference, Words, hash_key, pack_reference, unpack_reference

OFFSET, CLEARING = "offset:", "clearing:"
MANY = 5000
"""Values in one command: few round trips, and none that keeps the server for long."""

Meta = dict[str, str]


def offsets_of(meta: Mapping[bytes, bytes]) -> dict[str, int]:
    """Return the offsets in a partition's meta hash."""
    return {name[len(OFFSET) :]: int(value) for name, value in _read(meta).items() if name.startswith(OFFSET)}


def scan_keys(client: Client, prefix: bytes) -> Iterator[list[bytes]]:
    """Yield the keys that begin with a prefix, some at a time, perhaps one twice. The prefix holds no wildcard."""
    cursor = 0
    while True:
        cursor, names = client.scan(cursor, match=prefix + b"*", count=MANY)
        yield names
        if cursor == 0:
            return


class RedisBatch:
    """The reads and writes of one micro-batch: written things are kept here until `send`, and read from here."""

    def __init__(self, client: Client, tag: bytes, meta: Meta) -> None:
        self._client = client
        self._tag = tag
        self._meta = meta
        self._offsets: dict[str, int] = {}
        self._blobs: dict[bytes, memoryview] = {}
        self._texts: dict[bytes, bytes] = {}
        self._references: dict[bytes, dict[bytes, bytes]] = {}
        self._taken: set[tuple[bytes, bytes]] = set()
        self._waiting: dict[tuple[bytes, bytes], dict[bytes, bytes]] = {}

    def blobs(self, state_id: str, keys: Sequence[bytes]) -> tuple[Words, Words]:
        """State blobs of some entities, concatenated: ``(words int64[:], starts int64[n + 1])``."""
        names = self._blob_names(state_id, keys)
        stored = chain.from_iterable(self._client.mget(some) for some in _pieces(names))
        found: list[Any] = [self._blobs.get(name) or blob or b"" for name, blob in zip(names, stored, strict=True)]
        edges = accumulate((len(blob) // 8 for blob in found), initial=0)
        return np.frombuffer(b"".join(found), np.int64), np.fromiter(edges, np.int64, len(names) + 1)

    def put_blobs(self, state_id: str, keys: Sequence[bytes], words: Words, starts: Words) -> None:
        """Store blobs, given as `blobs` gives them; an empty slice is left out."""
        raw, edges = memoryview(np.ascontiguousarray(words).data).cast("B"), (starts * 8).tolist()
        for n, name in enumerate(self._blob_names(state_id, keys)):
            if edges[n + 1] > edges[n]:
                self._blobs[name] = raw[edges[n] : edges[n + 1]]

    def put_strings(self, texts: Mapping[int, str]) -> None:
        """Store texts by their hash."""
        self._texts.update((hash_key(hash), text.encode()) for hash, text in texts.items())

    def put_references(self, type: str, references: Iterable[tuple[str, Reference]]) -> None:
        """Store what is kept of events of `type`, by id."""
        kept = self._references.setdefault(b"%br:%b" % (self._tag, type.encode()), {})
        kept.update((id.encode(), pack_reference(reference)) for id, reference in references)

    def references(self, type: str, ids: Sequence[str]) -> list[Reference | None]:
        """What is kept of events of `type`, None for those that have not come (or were pruned)."""
        name, fields = b"%br:%b" % (self._tag, type.encode()), [id.encode() for id in ids]
        stored = chain.from_iterable(self._client.hmget(name, some) for some in _pieces(fields))
        own = self._references.get(name, {})
        found = [own.get(field) or value for field, value in zip(fields, stored, strict=True)]
        return [None if value is None else unpack_reference(value) for value in found]

    def wait(self, type: str, target: str, offset: int, entry: bytes) -> None:
        """Keep an event (at `offset`) until the event `target` of `type` comes."""
        place = b"%bw:%b" % (self._tag, type.encode()), target.encode()
        self._waiting.setdefault(place, {})[STAMP.pack(offset, 0)] = entry

    def take_waiting(self, type: str, targets: Iterable[str]) -> list[tuple[str, int, bytes]]:
        """Remove and return the events that wait for some targets: ``(target, offset, entry)``, in order of offset."""
        name = b"%bw:%b" % (self._tag, type.encode())
        wanted = [(name, target.encode()) for target in dict.fromkeys(targets)]
        taken = [(place, self._waiting.pop(place)) for place in wanted if place in self._waiting]
        stored = self._stored_waiting(name, [target for place, target in wanted if (place, target) not in self._taken])
        self._taken.update((name, target) for target, _ in stored)
        found = chain(((target, entries) for (_, target), entries in taken), stored)
        entries = [(str(t, "utf-8"), STAMP.unpack(at)[0], entry) for t, of in found for at, entry in of.items()]
        return sorted(entries, key=lambda entry: entry[1])

    def _stored_waiting(self, name: bytes, targets: Sequence[bytes]) -> list[tuple[bytes, dict[bytes, bytes]]]:
        if not targets or not self._client.exists(name):
            return []
        known = chain.from_iterable(self._client.smismember(name, some) for some in _pieces(targets))
        waited = [target for target, there in zip(targets, known, strict=True) if there]
        with self._client.pipeline(transaction=False) as pipe:
            for target in waited:
                pipe.hgetall(_entries_key(name, target))
            return list(zip(waited, pipe.execute(), strict=True))

    def offset(self, name: str) -> int:
        """Last offset folded into a state (or whatever else carries this name); 0 for none."""
        return self._offsets.get(name, int(self._meta.get(OFFSET + name, 0)))

    def set_offset(self, name: str, offset: int) -> None:
        """Store the last offset folded, with everything else of this batch."""
        self._offsets[name] = offset

    def send(self, pipe: Any) -> None:
        """Put everything written into a transaction."""
        for some in _pieces(list(self._blobs.items())):
            pipe.execute_command("MSET", *chain.from_iterable(some))
        for name, fields in ((self._tag + b"t", self._texts), *self._references.items()):
            for some in _pieces(list(fields.items())):
                pipe.execute_command("HSET", name, *chain.from_iterable(some))
        for name, target in self._taken:
            pipe.unlink(_entries_key(name, target))
            pipe.srem(name, target)
        for (name, target), entries in self._waiting.items():
            pipe.execute_command("HSET", _entries_key(name, target), *chain.from_iterable(entries.items()))
            pipe.sadd(name, target)
        for name_, offset in self._offsets.items():
            pipe.hset(self._tag + b"m", OFFSET + name_, str(offset))

    def _blob_names(self, state_id: str, keys: Sequence[bytes]) -> list[bytes]:
        prefix = b"%bb:%b:" % (self._tag, state_id.encode())
        return [prefix + key for key in keys]


class RedisPartition:
    """The writer of one partition. One at a time, by lease; a stale one is refused by its token.

    How much a server that dies takes with it is the server's setting (`appendfsync`); it comes back as of one
    commit, offsets too.
    """

    def __init__(self, client: Client, tag: bytes, token: int, where: str) -> None:
        self.token = token
        self._client = client
        self._tag = tag
        self._where = where
        self._answers: list[Any] = []
        for begun in [name for name in self._meta() if name.startswith(CLEARING)]:
            self._clear(begun)

    @contextmanager
    def batch(self) -> Iterator[RedisBatch]:
        """One micro-batch: all of it or nothing.

        Raises
        ------
        LeaseError
            Another lease has taken the partition.
        ConflictError
            Another process has written to it since the batch began.
        UnreachableError
            The server does not answer: the batch is stored, or it is not.
        FullError, StorageError
        """
        with self._transaction() as (pipe, meta):
            batch = RedisBatch(self._client, self._tag, meta)
            yield batch
            batch.send(pipe)

    def offsets(self) -> dict[str, int]:
        """All stored offsets, by name."""
        with translated(self._where):
            return offsets_of(self._client.hgetall(self._tag + b"m"))

    def drop(self, state_id: str) -> int:
        """Delete a state that no version reads any more, in steps; return how many entities it had."""
        return self._clear(f"{CLEARING}b:{state_id}:", OFFSET + state_id)

    def prune_references(self, type: str, before: int) -> int:
        """Forget references to events that arrived before an instant; return how many."""
        name, cursor, deleted = b"%br:%b" % (self._tag, type.encode()), 0, 0
        while True:
            with self._transaction() as (pipe, _):
                cursor, some = self._client.hscan(name, cursor, count=MANY)
                old = [id for id, value in some.items() if STAMP.unpack_from(value)[1] < before]
                if old:
                    pipe.hdel(name, *old)
            deleted += self._answers[0] if old else 0
            if cursor == 0:
                return deleted

    def reset(self) -> None:
        """Empty the partition, to be rebuilt; the fencing token stays."""
        self._clear(CLEARING, *(name for name in self._meta() if name.startswith(OFFSET)))

    def sync(self) -> None:
        """Do nothing: when commits reach a disk is the server's affair."""

    def close(self) -> None:
        """Do nothing: the connections are the store's."""

    def _meta(self) -> Meta:
        with translated(self._where):
            return _read(self._client.hgetall(self._tag + b"m"))

    def _clear(self, mark: str, *offsets: str) -> int:
        """Delete all keys that a mark names and some offsets, in steps; what breaks off is ended by the next writer."""
        meta_key = self._tag + b"m"
        with self._transaction() as (pipe, _):
            pipe.hset(meta_key, mark, "1")
            if offsets:
                pipe.hdel(meta_key, *offsets)
        deleted = 0
        for names in scan_keys(self._client, self._tag + mark.removeprefix(CLEARING).encode()):
            with self._transaction() as (pipe, _):
                going = [name for name in names if name != meta_key]
                if going:
                    pipe.unlink(*going)
            deleted += self._answers[0] if going else 0
        with self._transaction() as (pipe, _):
            pipe.hdel(meta_key, mark)
        return deleted

    @contextmanager
    def _transaction(self) -> Iterator[tuple[Any, Meta]]:
        """Give a transaction that commits only while this writer's lease holds and nobody else has written."""
        meta_key = self._tag + b"m"
        with translated(self._where), self._client.pipeline() as pipe:
            pipe.watch(meta_key)
            meta = _read(pipe.hgetall(meta_key))
            self._check_token(int(meta.get("token", 0)))
            pipe.multi()
            yield pipe, meta
            pipe.hset(meta_key, "token", str(self.token))
            pipe.hincrby(meta_key, "commits", 1)
            self._answers = pipe.execute()

    def _check_token(self, stored: int) -> None:
        if self.token < stored:
            raise LeaseError(
                f"lease {self.token} on this state partition has ended: lease {stored} took it over",
                where=self._where,
                remedy="stop this worker; the other one goes on",
            )


def _read(meta: Any) -> Meta:
    return {name.decode(): value.decode() for name, value in meta.items()}


def _entries_key(name: bytes, target: bytes) -> bytes:
    return b"%b\0%b" % (name, target)


def _pieces(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(values), MANY):
        yield values[start : start + MANY]
