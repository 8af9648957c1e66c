"""What a workspace tells about itself: plain data for the terminal, for scripts, for tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from tidewheel.definitions.projects.evolution import SchemaChange
from tidewheel.registry.alerts import Alert
from tidewheel.registry.parity import ParityCheck
from tidewheel.registry.pointers.deployments import Deployment, Move
from tidewheel.registry.runs.runs import Run
from tidewheel.runtime.kill_switch import Killed

if TYPE_CHECKING:
    import pyarrow as pa

Kind = Literal["event", "entity", "features", "view", "model", "service"]


class Declared(msgspec.Struct, frozen=True):
    """One declaration: its content hash, what it reads, and how it stands to what is live."""

    kind: Kind
    name: str
    digest: str
    reads: tuple[str, ...]
    state: Literal["unchanged", "new", "changed", "not deployed"]
    doc: str = ""
    warning: str = ""
    score: str = ""
    """Of a service with several models: how its score is made, and by when each has to answer. Of a tick: for whom, and
    when it is due. Of a model: which rows it is meant for."""


class Gone(msgspec.Struct, frozen=True):
    """A declaration that is live and no longer in the project."""

    kind: str
    name: str


class Plan(msgspec.Struct, frozen=True):
    """The project's graph, and what changed against what is live."""

    declared: list[Declared]
    changes: list[str]
    live_since: int | None
    schema: list[SchemaChange] = []
    """Columns that changed of events and entities that have rows, and whether that may be."""


class LogStatus(msgspec.Struct, frozen=True):
    """How far the log and its readers are.

    Attributes
    ----------
    first, head, bytes : int
        First and next offset, size.
    positions : dict
        The last offset that each reader has.
    counters : dict
        By event type: see `tidewheel.storage.log.records.TypeCounters`.
    watermarks : dict
        By event type: the newest time of its events, µs.
    """

    first: int
    head: int
    bytes: int
    positions: dict[str, int]
    counters: dict[str, dict[str, int]]
    watermarks: dict[str, int]


class Status(msgspec.Struct, frozen=True):
    """What is served, what is wrong, who runs."""

    deployments: list[Deployment]
    alerts: list[Alert]
    history: list[Move]
    running: str
    parity: list[ParityCheck] = []
    """The newest check of each service's features."""
    killed: list[Killed] = []
    """What is switched off on this machine."""


class Runs(list[Run]):
    """Training runs, newest first."""

    def to_arrow(self) -> pa.Table:
        """Return a row a run: what it is, when, by whom, and a column a metric, such as ``test average_precision``."""
        import pyarrow as pa

        instant, told = pa.timestamp("us", "UTC"), ("id", "model", "status", "started", "finished", "who", "cause")
        columns = [(name, instant if name in ("started", "finished") else pa.string()) for name in told]
        metrics = dict.fromkeys(f"{found.split} {found.metric}" for run in self for found in run.metrics)
        schema = pa.schema([*columns, *((name, pa.float64()) for name in metrics)])
        rows = [
            {name: getattr(run, name) for name in told}
            | {f"{found.split} {found.metric}": found.value for found in run.metrics}
            for run in self
        ]
        return pa.Table.from_pylist(rows, schema=schema)
