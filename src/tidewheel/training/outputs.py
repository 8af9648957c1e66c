"""What steps leave for those after them, and for later runs: artifacts, found again by the step's key.

Plain data is kept as JSON, Arrow and NumPy files, and so is what a step of ours returns, in an archive. What is in it
of other libraries, an estimator above all, is a pickle there: a cache inside the workspace, read by the very code and
libraries that wrote it (both are in the key), never part of a version (docs/decisions/0018-kept-outputs.md).
"""

from __future__ import annotations

import math
import pickle
from dataclasses import dataclass
from typing import Any

from tidewheel.errors import CorruptError, NotFoundError
from tidewheel.registry.models.bundles import ArtifactStore
from tidewheel.registry.models.plain import as_plain, is_plain, read_plain
from tidewheel.registry.references import needed
from tidewheel.registry.runs.steps import StepRecord, forget_outputs, kept_output
from tidewheel.storage.catalog import Catalog
from tidewheel.storage.protocols import Artifacts
from tidewheel.training.packed import is_packed, pack, unpack


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
            return Kept(_read(self._artifacts.get(step.output).read_bytes()), step)
        except (NotFoundError, CorruptError, pickle.UnpicklingError, ImportError, AttributeError, EOFError):
            return None

    def keep(self, value: Any) -> str:
        """Store what a step returned; return the artifact, "" for what can't be stored, such as an open file."""
        try:
            return self._artifacts.put(as_plain(value) if is_plain(value) else pack(value))
        except (pickle.PicklingError, TypeError, AttributeError):
            return ""


def _read(content: bytes) -> Any:
    return unpack(content) if is_packed(content) else read_plain(content)


def forget_all(catalog: Catalog, artifacts: Artifacts) -> int:
    """Delete what steps left, at once, save what something else needs too; return how many artifacts went.

    For an erasure, which has the workspace alone; the daily garbage collection waits for those that are at work.
    """
    gone = set(forget_outputs(catalog))
    gone -= needed(catalog, artifacts)
    for digest in gone:
        artifacts.discard(digest, math.inf)
    return len(gone)
