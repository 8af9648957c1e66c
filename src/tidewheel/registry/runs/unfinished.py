"""Runs whose process died: closed as killed, and taken up again by whoever asks for the same training."""

from __future__ import annotations

import logging
import threading
import time
from types import TracebackType
from typing import Any, Self

import sqlalchemy as sa

from tidewheel.errors import StorageError
from tidewheel.registry.runs.runs import Run, get_run
from tidewheel.registry.runs.steps import close_steps
from tidewheel.runtime.alive import alive, this_process
from tidewheel.storage.catalog import Catalog
from tidewheel.storage.catalog.notes import add_note
from tidewheel.storage.catalog.tables import run_steps, runs

log = logging.getLogger("tidewheel.runs")
PULSE = 20.0
"""Seconds between signs of life."""
TAKEN_UP_WITHIN = 86_400_000_000
"""Microseconds after which a run that was cut off is not taken up again: what it would learn from is old."""


def machine_time() -> int:
    """Return the machine's clock, microseconds UTC: signs of life have nothing to do with a workspace's own clock."""
    return time.time_ns() // 1000


def close_killed(catalog: Catalog) -> list[str]:
    """Close the runs whose process died as killed; return their ids."""
    under_way = sa.select(runs).where(runs.c.status == "running")
    with catalog.read() as connection:
        dead = [row for row in connection.execute(under_way) if _is_dead(row)]
        steps = sa.select(run_steps.c.run, run_steps.c.step).where(run_steps.c.status == "running")
        last = {row.run: row.step for row in connection.execute(steps)} if dead else {}
    for row in dead:
        where = f"in step {last[row.id]}" if row.id in last else "between two steps"
        _close(catalog, row, f"its process was killed {where}")
    return [row.id for row in dead]


def _is_dead(row: Any) -> bool:
    if not row.process:  # written by a release that did not say
        return bool(machine_time() - row.started > TAKEN_UP_WITHIN)
    return not alive(row.process, row.seen, machine_time())


def _close(catalog: Catalog, row: Any, error: str) -> None:
    with catalog.write() as connection:
        same = sa.and_(runs.c.id == row.id, runs.c.status == "running", runs.c.process == row.process)
        values = {"status": "killed", "finished": catalog.now(), "error": error}
        if connection.execute(sa.update(runs).where(same).values(**values)).rowcount:
            close_steps(connection, [row.id])
            add_note(connection, "run.killed", row.model, {"run": row.id, "error": error}, at=catalog.now())


def take_up(catalog: Catalog, key: str) -> Run | None:
    """Return the newest run of a key that was killed lately, under way again and ours; None when there is none."""
    close_killed(catalog)
    lately = runs.c.seen > machine_time() - TAKEN_UP_WITHIN
    of_key = sa.and_(runs.c.key == key, runs.c.status == "killed", lately)
    query = sa.select(runs.c.id, runs.c.error).where(of_key).order_by(runs.c.started.desc()).limit(1)
    with catalog.write() as connection:
        found = connection.execute(query).first()
        if found is None:
            return None
        again = {"status": "running", "process": this_process(), "seen": machine_time(), "finished": None, "error": ""}
        connection.execute(sa.update(runs).where(runs.c.id == found.id).values(**again))
    return get_run(catalog, found.id)


class Pulse:
    """Gives signs of life of a run while it goes on: used in a ``with`` statement."""

    def __init__(self, catalog: Catalog, run: str) -> None:
        self._catalog = catalog
        self._run = run
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="pulse", daemon=True)

    def _beat(self) -> None:
        while not self._over.wait(PULSE):
            try:
                with self._catalog.write(durable=False) as connection:
                    connection.execute(sa.update(runs).where(runs.c.id == self._run).values(seen=machine_time()))
            except StorageError as error:  # the next one may come through
                log.warning("run %s: no sign of life could be given: %s", self._run, error)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
