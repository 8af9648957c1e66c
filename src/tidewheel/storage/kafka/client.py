"""One partition of one topic on a Kafka-protocol broker: sending, reading from an offset, and what errors mean here."""

from __future__ import annotations

import importlib
import importlib.util
import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, NoReturn
from urllib.parse import parse_qsl, unquote, urlsplit

from tidewheel.errors import (
    ConfigError,
    CorruptError,
    FullError,
    MissingExtraError,
    StorageError,
    TidewheelError,
    UnreachableError,
)

SECONDS = 5.0
"""How long a call waits for the broker; ``?timeout=`` in the URL wins."""
LARGEST = 64 << 20
"""Most bytes of one message as the client sees it; the broker's own limit is told by its refusal."""
_TURN = 0.1
_RESTORE = "restore it from the broker's own backup"
_WHERE = "tidewheel.toml: log"
_logger = logging.getLogger("tidewheel.storage.kafka")


class Place(NamedTuple):
    """What a URL says: the bootstrap servers, the client's options, and how long to wait."""

    servers: str
    options: dict[str, str]
    seconds: float

    @property
    def where(self) -> str:
        """The place as messages may show it."""
        return f"kafka://{self.servers}"


def is_kafka(url: str) -> bool:
    """Tell whether a URL names a Kafka-protocol broker."""
    return url.startswith("kafka://")


def place_of(url: str) -> Place:
    """Read a URL; its query holds options of the client (librdkafka's names).

    Raises
    ------
    ConfigError

    Examples
    --------
    >>> place_of("kafka://me:secret@one:9092,two:9092?security.protocol=SASL_SSL&timeout=2").where
    'kafka://one:9092,two:9092'
    """
    parts = urlsplit(url)
    login, _, servers = parts.netloc.rpartition("@")
    options = dict(parse_qsl(parts.query))
    try:
        seconds = float(options.pop("timeout", SECONDS))
    except ValueError:
        seconds = 0.0
    if not is_kafka(url) or not servers or parts.path.strip("/") or seconds <= 0.0:
        remedy = 'write it like log = "kafka://broker:9092" (several: "kafka://one:9092,two:9092?timeout=5")'
        raise ConfigError("not the URL of a Kafka broker", where=_WHERE, remedy=remedy)
    if login:
        user, _, password = login.partition(":")
        options = {"sasl.username": unquote(user), "sasl.password": unquote(password), **options}
    return Place(servers, options, seconds)


def kafka() -> Any:
    """Return the client's module.

    Raises
    ------
    MissingExtraError
    """
    if importlib.util.find_spec("confluent_kafka") is None:
        raise MissingExtraError(
            "a log on Kafka needs the package confluent-kafka", where=_WHERE, remedy="pip install 'tidewheel[kafka]'"
        )
    import confluent_kafka

    return confluent_kafka


def error_of(error: Any, where: str) -> TidewheelError:
    """Return the error of ours that says what one of the client's means."""
    code, text, codes = error.code(), error.str(), kafka().KafkaError
    if code == codes._INVALID_ARG:
        return ConfigError(f"an option that the client refuses ({text})", where=_WHERE, remedy="see the URL's query")
    if code in (codes._AUTO_OFFSET_RESET, codes.OFFSET_OUT_OF_RANGE):
        remedy = "restore the topic; or copy the folder `log/` of a host that still follows it"
        return CorruptError(f"the topic no longer holds what comes next ({text})", where=where, remedy=remedy)
    if code in (codes.UNKNOWN_TOPIC_OR_PART, codes._UNKNOWN_TOPIC, codes._UNKNOWN_PARTITION):
        return CorruptError("the topic is gone", where=where, remedy=_RESTORE)
    if code == codes.MSG_SIZE_TOO_LARGE:
        remedy = "raise the topic's max.message.bytes"
        return FullError("one event is larger than the broker takes", where=where, remedy=remedy)
    refused = ("TOPIC_AUTHORIZATION_FAILED", "CLUSTER_AUTHORIZATION_FAILED", "SASL_AUTHENTICATION_FAILED")
    if code == codes._AUTHENTICATION or code in [getattr(codes, name) for name in refused]:
        remedy = "put user and password into the URL, with all rights on the topics of the namespace"
        return StorageError(f"the broker refuses this user ({text})", where=where, remedy=remedy)
    lost = (codes._TRANSPORT, codes._ALL_BROKERS_DOWN, codes._TIMED_OUT, codes._MSG_TIMED_OUT, codes._RESOLVE)
    if code in (*lost, codes._PURGE_QUEUE, codes._PURGE_INFLIGHT) or error.retriable() or _forgotten(error):
        remedy = "start it, or see that it is not overloaded; what was not acknowledged may be sent again"
        return UnreachableError(f"the broker does not answer ({text})", where=where, remedy=remedy)
    return StorageError(text, where=where)


def _forgotten(error: Any) -> bool:
    """Whether the broker knows nothing more of a producer, which another one must then follow."""
    codes = kafka().KafkaError
    names = ("PRODUCER_FENCED", "INVALID_PRODUCER_EPOCH", "UNKNOWN_PRODUCER_ID", "OUT_OF_ORDER_SEQUENCE_NUMBER")
    return bool(error.fatal()) or error.code() in [getattr(codes, name) for name in names]


def raise_for(error: Any, where: str) -> NoReturn:
    """Raise what `error_of` gives."""
    raise error_of(error, where)


@contextmanager
def translated(where: str) -> Iterator[None]:
    """Turn the client's errors inside the block into ours."""
    try:
        yield
    except kafka().KafkaException as error:
        raise error_of(error.args[0], where) from error


class _Sent:
    """Messages that were handed to the client together, until all are acknowledged or one is not."""

    def __init__(self, count: int) -> None:
        self._left = count
        self.offsets = [-1] * count
        self.error: Any = None
        self.done = threading.Event()

    def told(self, number: int, error: Any, offset: int) -> None:
        self.offsets[number], self.error = offset, self.error or error
        self._left -= 1
        if not self._left:
            self.done.set()


class Topic:
    """A topic. Safe to share between threads; what reads it (`reader`) is for one.

    Parameters
    ----------
    place : Place
    name : str
    partitions : int
    keep : int
        Milliseconds for which the broker keeps a message; -1 for ever.
    """

    def __init__(self, place: Place, name: str, *, partitions: int = 1, keep: int = -1) -> None:
        self.place = place
        self.name = name
        self.partitions = partitions
        self._keep = keep
        self.where = f"{place.where}/{name}"
        self._common = {"bootstrap.servers": place.servers, "log_level": 0, "error_cb": _note, **place.options}
        self._lock = threading.Lock()
        self._producer: Any = None
        self._poller: threading.Thread | None = None
        self._closed = threading.Event()

    def make(self, *, anew: bool) -> None:
        """Make it when it is missing.

        Parameters
        ----------
        anew : bool
            False: it was there before, so it must be there.

        Raises
        ------
        UnreachableError, CorruptError, StorageError
            No answer; it is gone; it has another number of partitions.
        """
        kafka()
        module: Any = importlib.import_module("confluent_kafka.admin")
        with translated(self.where):
            admin = module.AdminClient(self._common)
            found = admin.list_topics(timeout=self.place.seconds).topics.get(self.name)
            if found is None and anew:
                kept = {"retention.ms": str(self._keep), "retention.bytes": "-1", "cleanup.policy": "delete"}
                new = module.NewTopic(self.name, num_partitions=self.partitions, replication_factor=-1, config=kept)
                self._create(admin, new)
        if found is None and not anew:
            raise CorruptError("the topic is gone", where=self.where, remedy=_RESTORE)
        if found is not None and len(found.partitions) != self.partitions:
            raise StorageError(
                f"the topic has {len(found.partitions)} partitions, not {self.partitions}",
                where=self.where,
                remedy="delete it, and let tidewheel make it",
            )

    def _create(self, admin: Any, new: Any) -> None:
        codes = kafka().KafkaError
        for made in admin.create_topics([new], operation_timeout=self.place.seconds).values():
            try:
                made.result(self.place.seconds)
            except kafka().KafkaException as error:
                if error.args[0].code() != codes.TOPIC_ALREADY_EXISTS:
                    raise

    def delete(self) -> None:
        """Delete it with all that it holds; one that is not there is no error.

        Raises
        ------
        UnreachableError, StorageError
        """
        kafka()
        module: Any = importlib.import_module("confluent_kafka.admin")
        with translated(self.where):
            admin = module.AdminClient(self._common)
            if self.name in admin.list_topics(timeout=self.place.seconds).topics:
                for deleted in admin.delete_topics([self.name], operation_timeout=self.place.seconds).values():
                    deleted.result(self.place.seconds)

    def send(self, values: Sequence[bytes], partitions: Sequence[int] | None = None) -> list[int]:
        """Send messages in order; return their offsets once the broker has acknowledged all of them.

        Parameters
        ----------
        values : sequence of bytes
        partitions : sequence of int, optional
            Of each; the first when not given.

        Raises
        ------
        UnreachableError
            Not all were acknowledged in time. They may be in the topic, or come into it yet.
        FullError, StorageError
            The broker refused one.
        """
        sent = _Sent(len(values))
        producer = self._ready()
        with translated(self.where):
            for number, value in enumerate(values):
                self._hand_over(producer, value, sent, number, 0 if partitions is None else partitions[number])
        if not sent.done.wait(self.place.seconds * 2):
            raise UnreachableError("the broker does not answer", where=self.where, remedy="see that it runs")
        if sent.error is not None:
            if _forgotten(sent.error):
                self._drop(producer)
            raise_for(sent.error, self.where)
        return sent.offsets

    def _hand_over(self, producer: Any, value: bytes, sent: _Sent, number: int, partition: int) -> None:
        def told(error: Any, message: Any) -> None:
            sent.told(number, error, message.offset())

        while True:
            try:
                return producer.produce(self.name, value, partition=partition, on_delivery=told)  # type: ignore[no-any-return]  # no annotations
            except BufferError as error:  # the client's queue is full: its thread empties it
                if self._closed.wait(0.01):
                    raise UnreachableError("the log was closed before all was sent", where=self.where) from error

    def _ready(self) -> Any:
        with self._lock:
            if self._producer is None:
                wait = str(int(self.place.seconds * 1000))
                options = {
                    "acks": "all",
                    "enable.idempotence": True,
                    "compression.type": "lz4",
                    "linger.ms": 0,
                    "message.max.bytes": LARGEST,
                    "message.timeout.ms": wait,
                    "socket.timeout.ms": wait,
                    "reconnect.backoff.max.ms": 500,
                }
                with translated(self.where):
                    self._producer = kafka().Producer({**options, **self._common})
                self._poller = threading.Thread(
                    target=self._poll, args=(self._producer,), name="tidewheel-kafka", daemon=True
                )
                self._poller.start()
            return self._producer

    def _poll(self, producer: Any) -> None:
        while not self._closed.is_set() and producer is self._producer:
            producer.poll(_TURN)

    def _drop(self, producer: Any) -> None:
        """Give up a producer that can't go on; the next send makes another."""
        with self._lock:
            if self._producer is producer:
                self._producer = None

    def reader(self) -> TopicReader:
        """Return a reader, to be closed."""
        return TopicReader(self)

    def options(self) -> dict[str, Any]:
        """Return the client's options for readers."""
        wait = str(int(self.place.seconds * 1000))
        return {
            "group.id": self.name,
            "enable.auto.commit": False,
            "auto.offset.reset": "error",
            "enable.partition.eof": True,
            "allow.auto.create.topics": False,
            "fetch.wait.max.ms": 100,
            "fetch.error.backoff.ms": 50,
            "reconnect.backoff.max.ms": 500,
            "socket.timeout.ms": wait,
            **self._common,
        }

    def close(self) -> None:
        """Stop sending; a second call does nothing."""
        self._closed.set()
        if self._poller is not None:
            self._poller.join()
        self._producer = None


class TopicReader:
    """Reads a topic from any offset on, without a consumer group: where it is read to is stored with what was read."""

    def __init__(self, topic: Topic) -> None:
        self._topic = topic
        with translated(topic.where):
            self._consumer = kafka().Consumer(topic.options())
        self._partition = kafka().TopicPartition(topic.name, 0)
        self.next = -1
        """Offset after what was read last; -1 before anything was."""

    def take(self, start: int, most: int, seconds: float) -> tuple[list[tuple[int, bytes]], int]:
        """Return some messages from `start` on, (offset, value), and the end of the topic when it was met, else -1.

        Raises
        ------
        UnreachableError, CorruptError
            No answer; `start` is no longer held, or the topic is gone.
        """
        module = kafka()
        with translated(self._topic.where):
            if start != self.next:
                self._consumer.assign([module.TopicPartition(self._topic.name, 0, start)])
                self.next = start
            messages = self._consumer.consume(most, seconds)
        taken, end = [], -1
        for message in messages:
            error = message.error()
            if error is None:
                taken.append((message.offset(), message.value() or b""))
                self.next = message.offset() + 1
            elif error.code() == module.KafkaError._PARTITION_EOF:
                end = message.offset()
            elif not taken:
                self.next = -1
                raise_for(error, self._topic.where)
        return taken, end

    def close(self) -> None:
        """Give the connection back."""
        self._consumer.close()


def _note(error: Any) -> None:
    _logger.debug("%s", error)
