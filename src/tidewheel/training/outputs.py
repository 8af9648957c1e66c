"""What steps leave for those after them, and for later runs: artifacts, found again by the step's key.

They are pickles: whatever a step returns, an estimator of any library, comes back as it was. They stay inside the
workspace, for some days; the catalog names each by its hash, which is checked before it is read. A registered
version holds none (see `registry.bundles`).
"""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from typing import Any, Protocol

from tidewheel.errors import CorruptError, NotFoundError
from tidewheel.registry.bundles import ArtifactStore
from tidewheel.registry.steps import StepRecord, forget_outputs, kept_output
from tidewheel.storage.catalog import Catalog

KEEP = 7 * 86_400_000_000
"""Microseconds for which what steps left is kept."""


class Deletes(Protocol):
    """An artifact store that can delete."""

    def delete(self, digest: str) -> None:
        """Delete an artifact; one that is not there is fine."""


@dataclass(frozen=True)
class Kept:
    """An output found again.

    Attributes
    ----------
    value : object
    step : StepRecord
        Which step of which run left it.
    """

    value: Any
    step: StepRecord


class Outputs:
    """The outputs of a workspace's steps.

    Parameters
    ----------
    catalog : Catalog
    artifacts : ArtifactStore
    reuse : bool
        False keeps what steps leave, and never takes what is kept.
    """

    def __init__(self, catalog: Catalog, artifacts: ArtifactStore, *, reuse: bool = True) -> None:
        self._catalog = catalog
        self._artifacts = artifacts
        self._reuse = reuse

    def find(self, key: str) -> Kept | None:
        """Return what the newest finished step of a key left; None when that is gone, or can't be read any more."""
        step = kept_output(self._catalog, key) if self._reuse and key else None
        if step is None:
            return None
        try:
            return Kept(pickle.loads(self._artifacts.get(step.output).read_bytes()), step)
        except (NotFoundError, CorruptError, pickle.UnpicklingError, ImportError, AttributeError, EOFError):
            return None

    def keep(self, value: Any) -> str:
        """Store what a step returned; return the artifact, "" for what can't be stored, such as an open file."""
        try:
            return self._artifacts.put(pickle.dumps(value, protocol=5))
        except (pickle.PicklingError, TypeError, AttributeError):
            return ""


def tidy_outputs(catalog: Catalog, artifacts: Deletes, before: int | None = None) -> int:
    """Delete what steps of runs begun before an instant left (of all runs, without one); return how many artifacts."""
    gone = forget_outputs(catalog, before)
    for digest in gone:
        artifacts.delete(digest)
    return len(gone)
