"""A topic that a consumer group shares: each partition is read by one member at a time, as the broker deals them out.

Nothing is committed to the broker. Where a partition is to be read from is stored with what was made of it, and told
here when its reader begins.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tidewheel.errors import UnreachableError
from tidewheel.storage.kafka.client import Place, Topic, kafka, place_of, raise_for, translated

DAY = 86_400_000
SESSION = 10.0
"""Seconds after which a member that is not heard of loses its partitions; ``?session.timeout.ms=`` in the URL wins."""


class SharedTopic(Topic):
    """A topic with a partition for each of the state's, kept for a day: what is older is read from the log.

    Parameters
    ----------
    url : str
        As the log's.
    namespace : str
    partitions : int
    """

    def __init__(self, url: str, namespace: str, partitions: int) -> None:
        super().__init__(place_of(url), f"{namespace}.dealt", partitions=partitions, keep=DAY)

    def newest(self, partition: int) -> bytes | None:
        """Return the last message of a partition, None for none.

        Raises
        ------
        UnreachableError
        """
        module, seconds = kafka(), self.place.seconds
        with translated(self.where):
            consumer = module.Consumer({**self.options(), "auto.offset.reset": "earliest"})
            try:
                here = module.TopicPartition(self.name, partition)
                first, end = consumer.get_watermark_offsets(here, timeout=seconds)
                if first >= end:
                    return None
                here.offset = end - 1
                consumer.assign([here])
                messages = consumer.consume(1, seconds)
            finally:
                consumer.close()
        if not messages:
            raise UnreachableError("the broker does not answer", where=self.where, remedy="see that it runs")
        if messages[0].error() is not None:
            raise_for(messages[0].error(), self.where)
        return bytes(messages[0].value() or b"")


class Member:
    """A member of the group that reads a topic. For one thread.

    Partitions are dealt out by range, eagerly: members in order of their names get their shares in order, so that
    names which begin with a number spread them over hosts.

    Parameters
    ----------
    topic : SharedTopic
    group : str
    name : str
    given_up : callable
        Called between two reads, when the partitions it had are no longer its own, before others get them.
    """

    def __init__(self, topic: SharedTopic, group: str, name: str, given_up: Callable[[], None]) -> None:
        self._topic = topic
        self._given_up = given_up
        self._next: dict[int, int] = {}
        self._paused: set[int] = set()
        self.assigned: set[int] = set()
        """The partitions that are this member's."""
        with translated(topic.where):
            self._consumer = kafka().Consumer(_options(topic.place, topic.options(), group, name))
            self._consumer.subscribe([topic.name], on_assign=self._gain, on_revoke=self._lose, on_lost=self._lose)

    def _gain(self, consumer: Any, partitions: list[Any]) -> None:
        self.assigned = {each.partition for each in partitions}
        consumer.assign([])  # nothing is read before its reader says from where

    def _lose(self, consumer: Any, _: list[Any]) -> None:
        self.assigned, self._next, self._paused = set(), {}, set()
        self._given_up()
        consumer.unassign()

    def follow(self, partition: int, place: int) -> None:
        """Read a partition of its own from a place on. One that the topic does not hold (any more) is its beginning."""
        self._next[partition] = place
        self._paused.clear()
        of = kafka().TopicPartition
        with translated(self._topic.where):
            self._consumer.assign([of(self._topic.name, each, next) for each, next in self._next.items()])

    def pause(self, partition: int, *, paused: bool) -> None:
        """Read no more of a partition for now, or read on."""
        if paused == (partition in self._paused) or partition not in self._next:
            return
        here = kafka().TopicPartition(self._topic.name, partition)
        with translated(self._topic.where):
            (self._consumer.pause if paused else self._consumer.resume)([here])
        self._paused ^= {partition}

    def take(self, most: int, seconds: float) -> list[tuple[int, int, bytes]]:
        """Return what comes: partition, place, message. What the group has to say is heard meanwhile.

        Raises
        ------
        UnreachableError, CorruptError
        """
        taken = []
        with translated(self._topic.where):
            first = self._consumer.poll(seconds)  # comes at once, where `consume` would wait for all
            messages = [] if first is None else [first, *self._consumer.consume(most, 0.0)]
        for message in messages:
            if message.error() is not None:
                if message.error().code() != kafka().KafkaError._PARTITION_EOF:
                    raise_for(message.error(), self._topic.where)
            elif message.partition() in self._next:
                self._next[message.partition()] = message.offset() + 1
                taken.append((message.partition(), message.offset(), message.value() or b""))
        return taken

    def close(self) -> None:
        """Leave the group, after giving up what is held."""
        self._consumer.close()


def _options(place: Place, options: dict[str, Any], group: str, name: str) -> dict[str, Any]:
    return {
        **options,
        "group.id": group,
        "client.id": name,
        "partition.assignment.strategy": "range",
        "session.timeout.ms": int(SESSION * 1000),
        "heartbeat.interval.ms": 1000,
        "auto.offset.reset": "earliest",
        "enable.partition.eof": False,
        "queued.max.messages.kbytes": 16 << 10,
        **place.options,
    }
