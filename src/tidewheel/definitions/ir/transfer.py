"""The frozen form of what a model takes over from a version. Part of `tidewheel.definitions.ir`."""

from __future__ import annotations

from tidewheel.definitions.ir.frozen import Frozen


class Teacher(Frozen, frozen=True):
    """A version whose scores a model learns beside the labels; made by ``tw.learner.teacher``."""

    version: str
    """As it was named: ``Big@3``, ``Big@champion``, ``Big``."""
    weight: float
    """The teacher's share of what is learned: 0 is the labels alone, 1 the teacher alone."""
    temperature: float = 1.0
    """What the teacher's log odds are divided by."""
