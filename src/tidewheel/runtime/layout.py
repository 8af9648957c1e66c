"""Where a workspace keeps what, under its data folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Layout:
    """Paths below the data folder. Nothing is made until :meth:`make` is called.

    Examples
    --------
    >>> Layout(Path("data")).log.as_posix()
    'data/log'
    """

    root: Path

    @property
    def log(self) -> Path:
        """The event log's folder."""
        return self.root / "log"

    @property
    def log_copy(self) -> Path:
        """The copy on this host of an event log that is on a broker."""
        return self.root / "log-copy"

    @property
    def log_moved(self) -> Path:
        """The event log's folder, once it has moved to a broker."""
        return self.root / "log-moved"

    @property
    def log_arriving(self) -> Path:
        """The event log's folder, while it comes back from a broker."""
        return self.root / "log-arriving"

    @property
    def journal(self) -> Path:
        """Segments of the decision journal."""
        return self.root / "journal"

    @property
    def state(self) -> Path:
        """The feature state's environments, one folder a partition."""
        return self.root / "state"

    @property
    def scores(self) -> Path:
        """Scores that were computed ahead, by entity, for serving to read."""
        return self.root / "scores"

    @property
    def scoring(self) -> Path:
        """Runs of ``tidewheel score``: one folder each."""
        return self.root / "scoring"

    @property
    def lake(self) -> Path:
        """All history, as Delta tables."""
        return self.root / "lake"

    @property
    def backfill(self) -> Path:
        """Backfills: what they have done so far, and how far they are."""
        return self.root / "backfill"

    @property
    def artifacts(self) -> Path:
        """Files named by their SHA-256."""
        return self.root / "artifacts"

    @property
    def catalog(self) -> Path:
        """The SQLite catalog, unless the settings name a PostgreSQL database."""
        return self.root / "catalog.sqlite"

    @property
    def identity(self) -> Path:
        """The workspace's id."""
        return self.root / "id"

    @property
    def host(self) -> Path:
        """What this host's name is made of."""
        return self.root / "host"

    @property
    def run(self) -> Path:
        """What belongs to running processes: leases, doorbells, the replay clock, who is alive."""
        return self.root / "run"

    @property
    def clock(self) -> Path:
        """The replay clock's file."""
        return self.run / "clock"

    @property
    def decisions(self) -> Path:
        """The index of decisions: where each stands in the journal."""
        return self.root / "decisions"

    @property
    def recent(self) -> Path:
        """The writers' shared tables of their newest decisions."""
        return self.run / "recent"

    @property
    def bells(self) -> Path:
        """The doorbells' sockets."""
        return self.run / "bells"

    @property
    def leases(self) -> Path:
        """One file a role."""
        return self.run / "leases"

    @property
    def presence(self) -> Path:
        """The file that everybody locks who has the workspace open."""
        return self.run / "open.lock"

    @property
    def kill_switch(self) -> Path:
        """What is switched off on this machine."""
        return self.root / "kill"

    @property
    def erasures(self) -> Path:
        """The redaction ledger: one file an erasure, and the one that is under way."""
        return self.root / "erasures"

    def make(self) -> Layout:
        """Make the folders that are missing, and return the layout."""
        for folder in (self.log, self.journal, self.state, self.lake, self.artifacts, self.bells, self.leases):
            folder.mkdir(parents=True, exist_ok=True)
        return self
