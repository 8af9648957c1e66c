r"""Feature state on a Redis or Valkey server: the same blob per (state, entity), the same K partitions.

Keys, each with the workspace's namespace and its partition `k` in a hash tag:

===========================  ==================================================================
``NS:state``                 hash: number of partitions, id of the workspace that owns the state
``{NS.k}:b:STATE:key``       the kernel's state blob of one entity
``{NS.k}:t``                 hash: texts by their 64-bit hash
``{NS.k}:r:TYPE``            hash: what is kept of events that others refer to, by id
``{NS.k}:w:FEED``            set: the targets that events wait for
``{NS.k}:w:FEED\0target``    hash: the events that wait for one target, by offset
``{NS.k}:m``                 hash: last folded offsets, fencing token, number of commits
===========================  ==================================================================
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Self, cast
from zlib import crc32

from tidewheel.errors import ConflictError, StorageError
from tidewheel.resending import Budget, Hedge
from tidewheel.storage.redis.client import (
    BACKGROUND_SECONDS,
    WRITE_SECONDS,
    Client,
    connect,
    translated,
    without_password,
)
from tidewheel.storage.redis.partition import RedisPartition, offsets_of, scan_keys
from tidewheel.storage.redis.reads import Reads
from tidewheel.storage.state.partition import hash_key

_log = logging.getLogger("tidewheel.storage")
_MANY = 10_000
RETRY_SHARE = 0.1
"""Usual share of reads that may be sent again."""


class RedisSnapshot:
    """Reads of entities; what one `get_many` gives is of one instant. Get it from `RedisState.snapshot`."""

    __slots__ = ("_reads", "_tags")

    def __init__(self, reads: Reads, tags: list[bytes]) -> None:
        self._reads = reads
        self._tags = tags

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def get(self, state_id: str, key: bytes) -> bytes | None:
        """Blob of one entity, or None. Raises `UnreachableError`, `StorageError`."""
        return self.get_many([(state_id, key)])[0]

    def get_many(self, entities: Sequence[tuple[str, bytes]]) -> Sequence[bytes | None]:
        """Blobs of several entities, ``(state id, key)``, in one round trip. Raises as `get`."""
        if not entities:
            return ()
        tags = self._tags
        names = [b"%bb:%b:%b" % (tags[crc32(key) % len(tags)], state.encode(), key) for state, key in entities]
        return cast(list[bytes | None], self._reads.ask("MGET", *names))


class RedisState:
    """All partitions of the state, for reading; `writer` gives the writer of one.

    Safe to share between threads and after a fork. `tidewheel.storage.protocols.State` is its contract.

    Parameters
    ----------
    url : str
        ``redis://``, ``rediss://``, ``valkey://`` or ``unix://``.
    namespace : str
        Begins every key.
    partitions : int
        How many; fixed at the first opening.
    owner : str
        Id of the workspace whose log the offsets are of.
    retry_share : float
        Of the reads that were answered, so many may be sent again after a broken connection.
    hedge : Hedge, optional
        When, and how often, a read is sent twice; never without.

    Examples
    --------
    ``RedisState.open("redis://127.0.0.1:6379/0", namespace="fraud", partitions=2)``
    """

    def __init__(
        self, url: str, namespace: str, partitions: int, retry_share: float = RETRY_SHARE, hedge: Hedge | None = None
    ) -> None:
        self.where = without_password(url)
        self.partitions = partitions
        self._namespace = namespace
        self._client = connect(url)
        self._background = connect(url, BACKGROUND_SECONDS)
        self._writing = connect(url, WRITE_SECONDS)
        self._reads = Reads(self._client, self.where, Budget(retry_share), hedge)
        self.asking = self._reads.asking
        """Takes the deadline of who reads, and tells what was sent again for it."""
        self._tags = [f"{{{namespace}.{k}}}:".encode() for k in range(partitions)]

    @classmethod
    def open(
        cls,
        url: str,
        namespace: str,
        partitions: int,
        owner: str = "",
        retry_share: float = RETRY_SHARE,
        hedge: Hedge | None = None,
    ) -> Self:
        """Open the state, made when missing.

        Raises
        ------
        ConflictError
            It was made with another number of partitions, or belongs to another workspace.
        StorageError
            The server may evict keys, or refuses the user.
        UnreachableError, MissingExtraError, ConfigError
        """
        store = cls(url, namespace, partitions, retry_share, hedge)
        with translated(store.where):
            _refuse_eviction(store._background, store.where)
            note = f"{namespace}:state"
            with store._writing.pipeline() as pipe:
                pipe.hsetnx(note, "partitions", str(partitions))
                pipe.hsetnx(note, "owner", owner)
                pipe.hmget(note, ["partitions", "owner"])
                made_with, owned_by = (value.decode() for value in pipe.execute()[-1])
        if int(made_with) != partitions:
            raise ConflictError(
                f"the state of {namespace!r} was made with {made_with} partitions, not {partitions}",
                where=store.where,
                remedy=f"set `partitions = {made_with}`, or delete its keys: it is folded again from lake and log",
            )
        if owned_by != owner:
            raise ConflictError(
                f"the state of {namespace!r} belongs to another workspace (id {owned_by or 'none'}, this is {owner})",
                where=store.where,
                remedy=f"set another namespace, or delete its keys: `{namespace}:state` and those that begin with "
                f"`{{{namespace}.`",
            )
        return store

    def check_there(self) -> None:
        """Do nothing: a server's keys are there or not at each read."""

    def close(self) -> None:
        """Close the connections."""
        self._client.close()
        self._background.close()
        self._writing.close()

    def partition_of(self, key: bytes) -> int:
        """Partition of an entity: CRC-32 of its key, modulo K."""
        return crc32(key) % self.partitions

    def snapshot(self) -> RedisSnapshot:
        """Begin a read: ``with store.snapshot() as snapshot: snapshot.get_many(...)``."""
        return RedisSnapshot(self._reads, self._tags)

    def writer(self, partition: int, token: int = 0) -> RedisPartition:
        """Open the writer of a partition, under a lease's fencing token."""
        if not 0 <= partition < self.partitions:
            raise StorageError(f"no partition {partition} of {self.partitions}", where=self.where)
        return RedisPartition(self._writing, self._tags[partition], token, f"{self.where} partition {partition}")

    def text(self, hash: int) -> str | None:
        """The text with this 64-bit hash, or None when no partition knows it."""
        key = hash_key(hash)
        values = self._reads.ask_all([("HGET", tag + b"t", key) for tag in self._tags])
        return next((str(value, "utf-8") for value in values if value is not None), None)

    def offsets(self, *, for_decision: bool = False) -> list[dict[str, int]]:
        """Per partition: last folded offset by state id."""
        names = [tag + b"m" for tag in self._tags]
        if for_decision:
            return [offsets_of(meta) for meta in self._reads.ask_all([("HGETALL", name) for name in names])]
        with translated(self.where), self._background.pipeline(transaction=False) as pipe:
            for name in names:
                pipe.hgetall(name)
            return [offsets_of(meta) for meta in pipe.execute()]

    def offset(self, state_id: str) -> int:
        """Offset up to which every partition has folded a state; 0 when one has not begun."""
        return min(offsets.get(state_id, 0) for offsets in self.offsets())

    def scan(self, state_id: str) -> Iterator[tuple[bytes, bytes]]:
        """All entities of a state, ``(key, blob)``; one changed meanwhile as before or after."""
        for tag in self._tags:
            prefix = b"%bb:%b:" % (tag, state_id.encode())
            with translated(self.where):
                names = sorted(set(chain.from_iterable(scan_keys(self._writing, prefix))))
                for start in range(0, len(names), _MANY):
                    some = names[start : start + _MANY]
                    for name, blob in zip(some, self._writing.mget(some), strict=True):
                        if blob is not None:
                            yield name[len(prefix) :], blob


def _refuse_eviction(client: Client, where: str) -> None:
    """See that the server forgets nothing by itself: a blob that goes is a history that is lost."""
    import redis

    try:
        found = cast(dict[str, str], client.config_get("maxmemory-policy"))
    except redis.ResponseError as error:
        _log.warning(
            "%s: keys must not be evicted (maxmemory-policy noeviction), which can't be seen: %s", where, error
        )
        return
    policy = found.get("maxmemory-policy", "noeviction")
    if policy.startswith("allkeys"):
        raise StorageError(
            f"the server evicts keys when it is full (maxmemory-policy {policy}): features would change by themselves",
            where=where,
            remedy="redis-cli config set maxmemory-policy noeviction",
        )
