"""A log that moves into a topic, or out of it: what the messages of a move make of a copy.

A log that moves in comes as its entries, and is none until all are there: no call is taken before. Who moves it may die
and begin again: each message says what comes before it, so those that are sent twice are met twice and taken once,
and the entries of another log, which a move brought that was given up, make room. A log that has moved away takes
no more calls.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from tidewheel.errors import ConflictError
from tidewheel.storage.kafka.messages import Begin, Complete, Entries, Leave, Move
from tidewheel.storage.log import contents
from tidewheel.storage.log.append import Databases
from tidewheel.storage.log.tail import POSITION, Tail, read_tail

_STANDING = b"kafka:standing"


class Standing(msgspec.Struct, frozen=True, array_like=True):
    """Where the log of a topic stands: it is `here`, still `coming` from elsewhere, or has `left`.

    `log` is the digest of the log that came, and `database` and `key` say how far it has.
    """

    state: Literal["here", "coming", "left"] = "here"
    log: str = ""
    database: str = contents.ORDER[0]
    key: bytes = b""

    @property
    def place(self) -> contents.Place:
        """How far a log that is coming has come."""
        return contents.Place(self.database, self.key)

    @property
    def refuses(self) -> tuple[str, str]:
        """Why no call is taken, and what to do; two empty texts where calls are taken."""
        if self.state == "left":
            return "this log has moved away from its topic", "set `log` in tidewheel.toml to where it is now"
        if self.state == "coming":
            return "a log is on its way into this topic, and not all of it is there", "finish: tidewheel log move"
        return "", ""


def read_standing(transaction: Any, meta: Any) -> Standing:
    """Return where the log stands, in any transaction."""
    raw = transaction.get(_STANDING, b"", db=meta)
    return msgspec.msgpack.decode(raw, type=Standing) if raw else Standing()


def refuse_call(transaction: Any, meta: Any, where: str) -> None:
    """Raise `ConflictError` where the log is not all there, or not there any more."""
    problem, remedy = read_standing(transaction, meta).refuses
    if problem:
        raise ConflictError(problem, where=where, remedy=remedy)


def apply_move(transaction: Any, databases: Databases, message: Move, large: bytes) -> None:
    """Do what a message of a move says, where it comes next. `large` is the value that its parts make up."""
    before = read_standing(transaction, databases.meta)
    after = before
    if isinstance(message, Begin):
        if (before.state == "coming" and before.log != message.log) or _unused(transaction, databases, before):
            contents.clear(transaction, databases)
            after = Standing("coming", message.log)
    elif isinstance(message, Leave):
        after = msgspec.structs.replace(before, state="left") if before.state == "here" else before
    elif before.state == "coming" and before.log == message.log:
        after = _come(transaction, databases, message, before, large)
    if after is not before:
        transaction.put(_STANDING, msgspec.msgpack.encode(after), db=databases.meta)


def _unused(transaction: Any, databases: Databases, standing: Standing) -> bool:
    """Whether nothing was ever done with the log of a topic."""
    if standing != Standing() or read_tail(transaction, databases.meta) != Tail():
        return False
    with transaction.cursor(databases.meta) as cursor:
        return not (cursor.set_range(POSITION) and cursor.key().startswith(POSITION))


def _come(
    transaction: Any, databases: Databases, message: Entries | Complete, before: Standing, large: bytes
) -> Standing:
    if isinstance(message, Complete):
        return msgspec.structs.replace(before, state="here")
    if contents.Place(*message.after) != before.place:
        return before
    entries = [(message.entries[0][0], large)] if message.parts else message.entries
    piece = contents.Piece(before.place, message.database, entries)
    contents.put(transaction, databases, piece)
    return Standing("coming", before.log, *piece.place)
