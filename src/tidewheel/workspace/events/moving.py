"""Moving a workspace's event log to a broker, or back into the data folder: the setting says where it is to be.

Everything moves as it is, with its offsets, while nobody else has the workspace open. Which log is the workspace's
is always clear: the one in the data folder as long as it has its name, which it loses when the broker has all of
it, or gets when all has come back. Killed at any moment, the move goes on when it is asked for again.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from tidewheel.errors import BusyError, ConfigError, ConflictError, NotFoundError, StorageError
from tidewheel.runtime.stores import Stores, has_log
from tidewheel.storage.kafka.client import place_of
from tidewheel.storage.kafka.messages import MOST_BYTES, Begin, Complete, Entries, Leave, slices_of
from tidewheel.storage.log.contents import ORDER, Digest, Piece
from tidewheel.storage.log.event_log import EventLog
from tidewheel.storage.places.disks import sync_folder
from tidewheel.workspace.rollouts.hosts import hosts_there

if TYPE_CHECKING:
    from tidewheel.storage.kafka.log import KafkaLog

ROLE = "moving the log"
AT_ONCE = 16
"""Messages sent before it is waited for them to come back."""
Tell = Callable[[str, float], None]


class LogMove(msgspec.Struct, frozen=True):
    """What a move of the event log did, or would do."""

    origin: str
    destination: str
    offsets: int
    """How many have been given, those of trimmed events included."""
    databases: dict[str, Digest]
    """Entries, bytes and a hash of each part of the log: the same in both places."""
    done: bool
    """The log is at its destination."""
    old: str
    """Where the old log still is; "" where it was deleted."""


def move_log(
    stores: Stores,
    tell: Tell,
    *,
    origin: str = "",
    dry_run: bool = False,
    delete_old: bool = False,
) -> LogMove:
    """Bring the log to where the settings want it.

    Parameters
    ----------
    stores : Stores
    tell : callable
        Told the step and how much of it is done, 0 to 1.
    origin : str
        URL of the broker that has the log, where the settings want it in the data folder.
    dry_run : bool
        Only say what there is to move.
    delete_old : bool
        Delete the old log, after the move or after one that was done before.

    Raises
    ------
    BusyError
        Somebody else has the workspace open, here or on another host.
    ConflictError
        The topic holds another log.
    NotFoundError
        There is no log to move.
    StorageError
        What came is not what was sent; the old log is still the workspace's.
    """
    with stores.alone(ROLE):
        if stores.settings.log:
            return _to_broker(stores, tell, dry_run=dry_run, delete_old=delete_old)
        return _to_folder(stores, tell, origin, dry_run=dry_run, delete_old=delete_old)


def _to_broker(stores: Stores, tell: Tell, *, dry_run: bool, delete_old: bool) -> LogMove:
    layout, url = stores.layout, stores.settings.log
    folder = layout.log if has_log(layout.log) else layout.log_moved
    if not has_log(folder):
        raise NotFoundError("there is no log to move", where=str(layout.root), remedy="just start: it begins there")
    if folder == layout.log and has_log(layout.log_moved):
        remedy = f"delete it if you do not need it: rm -r {layout.log_moved}"
        raise ConflictError("a log that was moved before is still here", where=str(layout.log_moved), remedy=remedy)
    with closing(_open(stores, folder)) as source:
        found = _report(source, str(layout.log), place_of(url).where)
        if dry_run:
            return found
        if folder == layout.log:  # what an earlier attempt has left, or a move back, is derived: the topic has it
            shutil.rmtree(layout.log_copy, ignore_errors=True)
        with closing(_topic_log(stores, url)) as target:
            standing = target.standing()
            if folder == layout.log or (standing.state, standing.log) != ("here", _name(found)):
                _send(source, target, found, tell)
                source.close()
                if folder == layout.log:
                    _rename(layout.log, layout.log_moved)
                target.send([Complete(_name(found))])
    if delete_old:
        shutil.rmtree(layout.log_moved)
    return msgspec.structs.replace(found, done=True, old="" if delete_old else str(layout.log_moved))


def _send(source: EventLog, target: KafkaLog, found: LogMove, tell: Tell) -> None:
    """Bring all of a log into a topic, or what an earlier attempt has not brought."""
    name = _name(found)
    target.send([Begin(name)])
    standing = target.standing()
    if (standing.state, standing.log) != ("coming", name):
        raise ConflictError(
            "the topic holds another log" + (", which has moved away" if standing.state == "left" else ""),
            where=found.destination,
            remedy="give this workspace another namespace, or delete the topic if nobody needs it",
        )
    total = sum(of.bytes for of in found.databases.values()) or 1
    sent = sum(found.databases[name].bytes for name in ORDER[: ORDER.index(standing.database)])
    pieces = source.pieces(standing.place, MOST_BYTES)
    while some := list(islice(pieces, AT_ONCE)):
        target.send([_message(target, name, piece) for piece in some])
        sent += sum(len(key) + len(value) for piece in some for key, value in piece.entries)
        tell("moving", min(sent / total, 1.0))
    _compare(target, found, tell)


def _message(target: KafkaLog, name: str, piece: Piece) -> Entries:
    key, value = piece.entries[0]
    if parts := slices_of(value):  # alone in its piece
        return Entries(name, piece.after, piece.database, [(key, b"")], target.send(parts))
    return Entries(name, piece.after, piece.database, piece.entries)


def _to_folder(stores: Stores, tell: Tell, origin: str, *, dry_run: bool, delete_old: bool) -> LogMove:
    layout = stores.layout
    if not has_log(layout.log_copy):
        raise NotFoundError("there is no log to move", where=str(layout.root), remedy="see the setting `log`")
    if not origin:
        raise ConfigError("where the log is now is not said", where="--from", remedy="--from kafka://broker:9092")
    where = place_of(origin).where
    if not has_log(layout.log):
        if others := hosts_there(stores):
            raise BusyError(f"other hosts run this workspace: {', '.join(others)}", remedy="stop them first")
        with closing(_topic_log(stores, origin)) as source:
            found = _report(source, where, str(layout.log))
            if dry_run:
                return found
            source.send([Leave()])
            if source.standing().state != "left":
                remedy = "set `log` to the broker, and give `tidewheel log move` again: it ends what was begun"
                raise ConflictError("a log is still on its way to the broker", where=where, remedy=remedy)
            found = _report(source, where, str(layout.log))
            shutil.rmtree(layout.log_arriving, ignore_errors=True)
            source.copy_log(layout.log_arriving)
        with closing(_open(stores, layout.log_arriving)) as arrived:
            _compare(arrived, found, tell)
        _rename(layout.log_arriving, layout.log)
    with closing(_open(stores, layout.log)) as arrived:
        found = _report(arrived, where, str(layout.log))
    if delete_old and not dry_run:
        _delete_topic(stores, origin)
    return msgspec.structs.replace(found, done=True, old="" if delete_old else f"{where}, {layout.log_copy}")


def _delete_topic(stores: Stores, origin: str) -> None:
    """Delete what a log that came back has left: its topics and its copy here."""
    from tidewheel.storage.kafka.client import Topic
    from tidewheel.storage.kafka.group import SharedTopic

    settings, layout = stores.settings, stores.layout
    Topic(place_of(origin), f"{settings.namespace}.log").delete()
    SharedTopic(origin, settings.namespace, settings.partitions).delete()
    shutil.rmtree(layout.log_copy)


def _open(stores: Stores, folder: Path) -> EventLog:
    return EventLog.open(folder, sync=stores.settings.sync, create=False, map_size=stores.settings.max_map)


def _topic_log(stores: Stores, url: str) -> KafkaLog:
    from tidewheel.storage.kafka.log import KafkaLog

    settings = stores.settings
    return KafkaLog.open_on(
        url, settings.namespace, stores.layout.log_copy, stores.identity, settings.max_map, moving=True
    )


def _report(log: EventLog, origin: str, destination: str) -> LogMove:
    return LogMove(origin, destination, log.head() - 1, log.digests(), done=False, old=origin)


def _name(found: LogMove) -> str:
    """Return what names a log by all that it holds."""
    return hashlib.blake2b("".join(of.hash for of in found.databases.values()).encode(), digest_size=16).hexdigest()


def _compare(arrived: EventLog, found: LogMove, tell: Tell) -> None:
    """See that all came, as it was."""
    tell("checking", 0.0)
    came = arrived.digests()
    if odd := [name for name in ORDER if came[name] != found.databases[name]]:
        raise StorageError(
            f"what came differs from what was sent: {', '.join(odd)}",
            where=found.destination,
            remedy="nothing was switched over; look at the disk and the broker, and move it again",
        )
    tell("checking", 1.0)


def _rename(folder: Path, to: Path) -> None:
    folder.rename(to)
    sync_folder(to.parent)
