"""Tests for what you write: derived functions, and storage back ends.

`check_derived` runs a view's derived function as training and serving would. The contract suites are classes of tests
that any implementation of a storage protocol can be held to. Subclass one in a test file and say how a store is
opened; pytest does the rest.

>>> class TestMyLog(EventLogContract):
...     def open(self, folder):
...         return MyLog(folder)
"""

from tidewheel.testing.artifacts import ArtifactContract
from tidewheel.testing.derived import check_derived
from tidewheel.testing.engine import EngineContract, GangContract
from tidewheel.testing.event_log import EventLogContract
from tidewheel.testing.journal import JournalContract
from tidewheel.testing.lake import LakeContract
from tidewheel.testing.state import StateContract

__all__ = [
    "ArtifactContract",
    "EngineContract",
    "EventLogContract",
    "GangContract",
    "JournalContract",
    "LakeContract",
    "StateContract",
    "check_derived",
]
