"""The catalog's tables, a module a noun."""

from tidewheel.storage.catalog.tables.approvals import approvals
from tidewheel.storage.catalog.tables.base import metadata
from tidewheel.storage.catalog.tables.counters import counters
from tidewheel.storage.catalog.tables.datasets import datasets
from tidewheel.storage.catalog.tables.definitions import graphs, groups, live_graphs
from tidewheel.storage.catalog.tables.deployments import deployment_history, deployments
from tidewheel.storage.catalog.tables.environments import environment_history, environments
from tidewheel.storage.catalog.tables.jobs import job_runs, jobs
from tidewheel.storage.catalog.tables.leases import agreed, hosts, leases
from tidewheel.storage.catalog.tables.marks import deleted_versions, version_notes, version_tags
from tidewheel.storage.catalog.tables.notes import alerts, notes
from tidewheel.storage.catalog.tables.runs import run_metrics, run_steps, runs
from tidewheel.storage.catalog.tables.services import service_versions, thresholds
from tidewheel.storage.catalog.tables.tokens import tokens
from tidewheel.storage.catalog.tables.trials import trials
from tidewheel.storage.catalog.tables.versions import versions

__all__ = [
    "agreed",
    "alerts",
    "approvals",
    "counters",
    "datasets",
    "deleted_versions",
    "deployment_history",
    "deployments",
    "environment_history",
    "environments",
    "graphs",
    "groups",
    "hosts",
    "job_runs",
    "jobs",
    "leases",
    "live_graphs",
    "metadata",
    "notes",
    "run_metrics",
    "run_steps",
    "runs",
    "service_versions",
    "thresholds",
    "tokens",
    "trials",
    "version_notes",
    "version_tags",
    "versions",
]
