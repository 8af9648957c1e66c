"""Contract suites: classes of tests that any implementation of a storage protocol can be held to.

Subclass one in a test file and say how a store is opened; pytest does the rest.

>>> class TestMyLog(EventLogContract):
...     def open(self, folder):
...         return MyLog(folder)
"""

from tidewheel.testing.artifacts import ArtifactContract
from tidewheel.testing.event_log import EventLogContract
from tidewheel.testing.journal import JournalContract
from tidewheel.testing.lake import LakeContract
from tidewheel.testing.state import StateContract

__all__ = ["ArtifactContract", "EventLogContract", "JournalContract", "LakeContract", "StateContract"]
