"""All that gates may look at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from tidewheel.metrics import Interval
from tidewheel.training.evaluation.material import Material

Floats = npt.NDArray[np.float64]


class ParityResult(Protocol):
    """What a parity check reports (see `tidewheel.training.gates.parity`)."""

    @property
    def way(self) -> str:
        """How rows were compared: "decisions replayed"."""
        ...

    @property
    def first(self) -> str:
        """The first feature that differs; "" for none."""
        ...

    @property
    def checked(self) -> int:
        """Rows replayed."""
        ...

    @property
    def differences(self) -> int:
        """Rows in which a feature's bits differ."""
        ...


@dataclass(frozen=True)
class Served:
    """What serving a version took, in a process of its own.

    Attributes
    ----------
    microseconds : float64 array
        Of each decision that was timed.
    answered : int
        Those that the model itself answered, and no rule or fallback.
    memory : int
        The most bytes that the process held.
    before : int
        Bytes before the version was loaded.
    """

    microseconds: Floats
    answered: int
    memory: int
    before: int


@dataclass(frozen=True)
class Evidence:
    """A candidate, and whom it is measured against.

    Attributes
    ----------
    y, weight, score : float64 arrays
        Test rows and the candidate's scores.
    intervals : mapping of str to Interval
        Metrics already computed on them.
    champion : str
        ``Fraud@2``, or "" when nothing is deployed.
    champion_score : float64 array, optional
        The champion's scores of the same rows.
    parity : callable, optional
        Replays served or streamed features and counts differences.
    seed, resamples : int
    blocks : int64 array, optional
        Rows drawn together.
    group : int64 array, optional
        List of each row, of a model that ranks.
    material : Material, optional
        The test rows with their columns.
    serve : callable, optional
        Serves the version and measures it.
    schema : callable, optional
        Returns what callers and readers of the champion would have to change.
    age : int, optional
        Microseconds from the newest labelled row to the run's instant.
    horizon : int
        The label's.
    """

    y: Floats
    weight: Floats
    score: Floats
    intervals: Mapping[str, Interval]
    champion: str = ""
    champion_score: Floats | None = None
    parity: Callable[[], ParityResult] | None = None
    seed: int = 0
    resamples: int = field(default=1000)
    blocks: npt.NDArray[np.int64] | None = None
    group: npt.NDArray[np.int64] | None = None
    material: Material | None = None
    serve: Callable[[], Served] | None = None
    schema: Callable[[], list[str]] | None = None
    age: int | None = None
    horizon: int = 0
