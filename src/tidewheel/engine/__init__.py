"""Where partitioned work runs: this process's cores, Ray, Spark, or whatever else is an `Engine`."""

from tidewheel.engine.choice import open_engine
from tidewheel.engine.gang import Member
from tidewheel.engine.local import LocalEngine, map_parts
from tidewheel.engine.protocols import Engine, GangEngine

__all__ = ["Engine", "GangEngine", "LocalEngine", "Member", "map_parts", "open_engine"]
