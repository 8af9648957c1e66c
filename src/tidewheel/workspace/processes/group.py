"""Folding as a member of a consumer group: the broker says which partitions of the state are this process's.

The group only shares the work out. What may write is said by the lease of a partition, which a member takes once the
broker has given it the partition, and gives back after its micro-batch when the broker takes it away. Where to read on
is stored with the state; so nothing is lost or folded twice, however the group is shuffled.
"""

from __future__ import annotations

import logging
import time
from functools import partial
from typing import TYPE_CHECKING

from tidewheel.errors import LeaseError
from tidewheel.features.folding.dealt import PLACE, Inbox
from tidewheel.runtime.stores import open_stores
from tidewheel.storage.kafka.group import Member, SharedTopic
from tidewheel.workspace.processes.stream import Stream, fold, open_stream

if TYPE_CHECKING:
    from tidewheel.runtime.child import Life
    from tidewheel.runtime.stores import Stores

log = logging.getLogger("tidewheel.stream")

AT_ONCE = 500
TRY_EVERY = 0.25
"""Seconds until a member asks again for a partition whose last holder has not given it back."""


def topic_of(stores: Stores) -> SharedTopic:
    """Return the topic by which a workspace's events are dealt out, made when missing."""
    topic = SharedTopic(stores.settings.log, stores.settings.namespace, stores.settings.partitions)
    topic.make(anew=True)
    return topic


def log_id(stores: Stores) -> str:
    """Return what tells the workspace's log from every other."""
    from tidewheel.storage.kafka.log import KafkaLog

    assert isinstance(stores.log, KafkaLog)
    born = stores.log.born()
    assert born is not None
    return born.log


class GroupStream(Stream):
    """Keeps the partitions of a workspace's state up to date that its group gives it, each under its lease.

    Parameters
    ----------
    stores : Stores
    index : int
        Which of the host's members it is.

    Raises
    ------
    UnreachableError
        The broker does not answer.
    """

    def __init__(self, stores: Stores, index: int) -> None:
        super().__init__(stores, ())
        self._inboxes: dict[int, Inbox] = {}
        self._try_at = 0.0
        self._log_id = log_id(stores)
        self._topic = topic_of(stores)
        # Where each host has states of its own, each is a group of its own.
        group = f"{stores.settings.namespace}.fold" + ("" if stores.settings.state else f".{stores.host}")
        self._member = Member(self._topic, group, f"{index:02d}-{stores.host}", self._give_back)

    def step(self) -> int:
        """Hear what the group says, and fold one micro-batch in each partition; see `Stream.step`."""
        self.wait(0.0)
        if self._member.assigned - self._folders.keys() and time.monotonic() >= self._try_at:
            self._take_over()
            self._try_at = time.monotonic() + TRY_EVERY
        return super().step()

    def wait(self, seconds: float) -> None:
        """Take what comes, for which so many seconds are waited."""
        for partition, place, value in self._member.take(AT_ONCE, seconds):
            if partition in self._inboxes:
                self._inboxes[partition].put(place, value)
        for partition, inbox in self._inboxes.items():
            self._member.pause(partition, paused=inbox.full)

    def _take_over(self) -> None:
        """Take the partitions that the group gave, as far as their last holders have given them back."""
        for partition in sorted(self._member.assigned - self._folders.keys()):
            try:
                self._add(partition, partial(self._inbox, partition))
            except LeaseError as error:
                log.debug("waiting for partition %d: %s", partition, error.message)
                continue
            self._drop()
            log.info("folding partition %d from offset %d", partition, self._folders[partition].position() + 1)

    def _inbox(self, partition: int) -> Inbox:
        place = self._stores.state.offsets()[partition].get(PLACE, 0)
        self._inboxes[partition] = Inbox(self._log_id, place)
        self._member.follow(partition, place)
        return self._inboxes[partition]

    def _give_back(self) -> None:
        super()._give_back()
        self._inboxes = {}

    def close(self) -> None:
        """Leave the group, and give the partitions back."""
        if hasattr(self, "_member"):
            self._member.close()
            self._topic.close()
        super().close()


def run(life: Life, folder: str, env: str, index: int) -> None:
    """Be a member of the group that folds: until asked to stop."""
    stores = open_stores(folder, env or None)
    stream = None
    try:
        stream = open_stream(life, stores, lambda _: GroupStream(stores, index))
        if stream is not None:
            life.ready()
            fold(life, stream, stream.wait)
    finally:
        if stream is not None:
            stream.close()
        stores.close()
