"""The catalog: definitions, runs, versions, deployments, jobs, notes; in SQLite or PostgreSQL."""

from tidewheel.storage.catalog.store import Catalog
from tidewheel.storage.catalog.watch import POINTERS, Watch, touch

__all__ = ["POINTERS", "Catalog", "Watch", "touch"]
