"""What the topic of a log holds: each message is one call of `EventLog`, in the order that the broker gave them.

A message is ``b"TW"``, a byte of version, and msgpack. Calls with more events or ids than fit a message send them
ahead, in `Slice` and `Rows`, and name those by their offsets.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from tidewheel.errors import StorageError
from tidewheel.storage.log.records import BadRow, ImportRecord, NewEvent, Outcome, Times
from tidewheel.storage.log.rows import KINDS

VERSION = 2
"""Of the newest messages. Those that tell of a move are of 2, and stop a tidewheel that knows only the others, of 1."""
_MAGIC = b"TW"
MOST_BYTES = 512 << 10
"""Bytes that go into one message: half of what brokers take by default."""


class Born(msgspec.Struct, frozen=True, tag="born"):
    """The first message of a topic: which log it is, and of which workspace."""

    log: str
    workspace: str


class Slice(msgspec.Struct, frozen=True, tag="slice"):
    """Some bytes of a call that is too large for one message."""

    body: bytes


class Rows(msgspec.Struct, frozen=True, tag="rows", omit_defaults=True):
    """Some rows of an import: their ids, and what `Revisions` says of them."""

    ids: list[str]
    revisions: list[int] = []
    arrived: list[int] = []


class Long(msgspec.Struct, frozen=True, tag="long"):
    """A call whose bytes are those of the slices at some offsets of the topic, together."""

    copy: bytes
    parts: list[int]


class Append(msgspec.Struct, frozen=True, tag="append", omit_defaults=True):
    """`EventLog.append`. `copy` is the local copy that asked; it keeps the outcome for whoever waits."""

    copy: bytes
    now: int
    events: list[NewEvent] = []
    positions: dict[str, int] = {}
    expected: dict[str, int] = {}
    quarantine: list[BadRow] = []


class Import(msgspec.Struct, frozen=True, tag="import", omit_defaults=True):
    """`EventLog.append_import`; its rows are at some offsets of the topic.

    `revisable` is None for types that are never corrected.
    """

    copy: bytes
    record: ImportRecord
    times: Times = Times()
    revisable: int | None = None
    parts: list[int] = []


class Prune(msgspec.Struct, frozen=True, tag="prune"):
    """`EventLog.prune_ids`."""

    copy: bytes
    event: str
    before: int


class Delete(msgspec.Struct, frozen=True, tag="delete"):
    """`EventLog.delete_bad_rows`."""

    copy: bytes
    seqs: list[int]


class Begin(msgspec.Struct, frozen=True, tag="begin"):
    """What follows are the entries of a log that is kept elsewhere, `log` by its digest."""

    log: str


class Entries(msgspec.Struct, frozen=True, tag="entries", omit_defaults=True):
    """Entries of that log, all that come after a place in it. A value too large for a message is that of the parts."""

    log: str
    after: tuple[str, bytes]
    database: str
    entries: list[tuple[bytes, bytes]]
    parts: list[int] = []


class Complete(msgspec.Struct, frozen=True, tag="complete"):
    """All of it is here: this is the log from now on."""

    log: str


class Leave(msgspec.Struct, frozen=True, tag="leave"):
    """The log has moved away, and goes on elsewhere."""


Move = Begin | Entries | Complete | Leave
Message = Born | Slice | Rows | Long | Append | Import | Prune | Delete | Move


class Result(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of a call: what it returns, or why it was refused."""

    outcomes: list[Outcome] = []
    record: ImportRecord | None = None
    count: int = 0
    refused: tuple[str, str, str] | None = None
    """Message, place and remedy of a `ConflictError`."""


_ENCODER = msgspec.msgpack.Encoder()
_DECODER: msgspec.msgpack.Decoder[Message] = msgspec.msgpack.Decoder(Message)


def encode(message: Message) -> bytes:
    """Return the bytes of a message."""
    version = 2 if isinstance(message, Move) else 1
    return _MAGIC + bytes([version]) + _ENCODER.encode(message)


def decode(value: bytes, where: str) -> Message | None:
    """Read a message; None for bytes that are not ours.

    Raises
    ------
    StorageError
        A later tidewheel wrote it, whose rules this one does not know.
    """
    if not value.startswith(_MAGIC):
        return None
    if not 1 <= value[2] <= VERSION:
        raise StorageError(
            f"a message of version {value[2]}; this tidewheel knows version {VERSION}",
            where=where,
            remedy="upgrade tidewheel on this host",
        )
    try:
        return _DECODER.decode(value[3:])
    except msgspec.DecodeError:
        return None


def can_travel(event: NewEvent) -> str:
    """Return why an event can't be sent, "" when it can. What msgpack would turn into something else can't."""
    odd = next((type(value) for value in event.columns.values() if type(value) not in KINDS), None)
    if odd is not None:
        return f"the log can't hold a {odd.__name__}"
    try:
        _ENCODER.encode(event)
    except UnicodeEncodeError as error:
        return f"text that is not valid Unicode ({error.reason})"
    except OverflowError:
        return "a number beyond 64 bits"
    return ""


def slices_of(value: bytes) -> list[Slice]:
    """Return the messages that carry what is too large for one; none for what is not."""
    if len(value) <= MOST_BYTES:
        return []
    return [Slice(value[start : start + MOST_BYTES]) for start in range(0, len(value), MOST_BYTES)]


def rows_of(ids: Iterable[str], revisions: Sequence[int], arrived: Sequence[int]) -> Iterator[bytes]:
    """Messages that carry the rows of an import."""
    done = 0
    for some in _pieces(ids):
        rows = slice(done, done + len(some))
        yield encode(Rows(some, list(revisions[rows]), list(arrived[rows])))
        done += len(some)


def _pieces(ids: Iterable[str]) -> Iterator[list[str]]:
    taken: list[str] = []
    total = 0
    for identity in ids:
        taken.append(identity)
        total += 4 * len(identity) + 20  # at most; the numbers beside it included
        if total > MOST_BYTES:
            yield taken
            taken, total = [], 0
    if taken:
        yield taken
