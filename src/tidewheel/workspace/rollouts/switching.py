"""The kill switch on several hosts: each host's file follows the catalog, and tells it what it did not hear.

The file of a host is what its workers obey, catalog or not. This brings the files together whenever the catalog can be
read: what was killed or unkilled elsewhere since this host last looked is done here, and what was killed here while
nobody could be told is told. Of two words about one name the later counts.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from tidewheel.errors import TidewheelError
from tidewheel.registry.pointers.switching import tell
from tidewheel.runtime.kill_switch import Killed, KillSwitch
from tidewheel.runtime.stores import Stores
from tidewheel.storage.catalog import Catalog
from tidewheel.storage.catalog.notes import Note, list_notes, newest_notes
from tidewheel.workspace.rollouts.killing import KILL, UNKILL

log = logging.getLogger("tidewheel.kill")

LOOK_EVERY = 0.5
OVERLAP = 100
SETTLED = 5_000_000
"""Microseconds that whoever threw the switch has to tell the catalog himself."""


class SwitchMirror:
    """Keeps one host's kill switch and the catalog at one word.

    Parameters
    ----------
    catalog : Catalog
    switch : KillSwitch
        This host's.
    cursor : Path
        A small file that holds the number of the last note followed.
    now : callable
        The workspace's instant.
    """

    def __init__(self, catalog: Catalog, switch: KillSwitch, cursor: Path, now: Callable[[], int]) -> None:
        self._catalog, self._switch, self._cursor, self._now = catalog, switch, cursor, now

        self._seen: set[int] = set()

    def step(self) -> list[str]:
        """Follow what is new and tell what is untold; return the names that changed.

        Raises
        ------
        TidewheelError
            The catalog can't be read.
        """
        changed: list[str] = []
        followed = self._followed()
        # Numbers are given before transactions end: one that ended late may stand before the last that was seen.
        after = max(followed - OVERLAP, 0) if self._seen else followed
        while notes := list_notes(self._catalog, kind="switch.", after=after):
            fresh = [note for note in notes if note.seq not in self._seen]
            changed += [note.subject for note in fresh if self._follow(note)]
            self._seen.update(note.seq for note in fresh)
            after = notes[-1].seq
        if after > followed:
            self._note_followed(after)
        return changed + self._tell()

    def _follow(self, note: Note) -> bool:
        """Do here what was done elsewhere; return whether that changed anything."""
        here = {entry.name: entry for entry in self._switch.entries()}.get(note.subject)
        if note.kind == KILL and here is None:
            self._switch.kill(Killed(note.subject, note.at, note.body.get("who", ""), note.body.get("why", "")))
            return True
        return note.kind == UNKILL and here is not None and here.at <= note.at and self._switch.unkill(here.name)

    def _tell(self) -> list[str]:
        """Tell the catalog what was killed here while it could not be reached."""
        entries = [entry for entry in self._switch.entries() if self._now() - entry.at > SETTLED]
        if not entries:
            return []
        killed, unkilled = (newest_notes(self._catalog, kind) for kind in (KILL, UNKILL))
        silent = [
            entry
            for entry in entries
            if entry.name not in killed
            or (entry.name in unkilled and unkilled[entry.name].seq > killed[entry.name].seq)
        ]
        for entry in silent:
            tell(self._catalog, "kill", entry.name, entry.why, entry.who)
        return [entry.name for entry in silent]

    def _followed(self) -> int:
        try:
            return int(self._cursor.read_text())
        except (FileNotFoundError, ValueError):
            return 0  # all there is: of each name the last word stays

    def _note_followed(self, number: int) -> None:
        fresh = self._cursor.with_suffix(".new")
        fresh.write_text(str(number))
        fresh.replace(self._cursor)


class Mirroring:
    """A thread that keeps a :class:`SwitchMirror` going: a training in the keeper must not hold up a kill."""

    def __init__(self, stores: Stores) -> None:
        path = stores.layout.kill_switch
        self._switch = KillSwitch(path)
        self._mirror = SwitchMirror(stores.catalog, self._switch, path.with_name("kill.followed"), stores.clock.now)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="tidewheel-switch", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()
        self._switch.close()

    def _run(self) -> None:
        said = ""
        while not self._stop.wait(LOOK_EVERY):
            try:
                for name in self._mirror.step():
                    log.warning("%s: this host's switch and the others' are at one again", name)
                said = ""
            except (TidewheelError, OSError) as error:
                if str(error) != said:
                    log.warning("the switch can't follow the catalog: %s", error)
                said = str(error)
