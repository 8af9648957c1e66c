"""Where partitioned work runs: this process's cores, Ray, Spark, or whatever else is an `Engine`."""

from tidewheel.engine.choice import open_engine
from tidewheel.engine.gang import Member
from tidewheel.engine.local import LocalEngine, cores, map_parts
from tidewheel.engine.protocols import Engine, GangEngine

__all__ = ["Engine", "GangEngine", "LocalEngine", "Member", "cores", "map_parts", "open_engine"]
