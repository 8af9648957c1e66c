"""Where partitioned work runs: this process's cores."""

from tidewheel.engine.local import cores, map_parts

__all__ = ["cores", "map_parts"]
