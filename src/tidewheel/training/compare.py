"""Two versions side by side: what they score, what they were made of, where they differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tidewheel.registry.runs.datasets import get_dataset
from tidewheel.registry.runs.runs import Metric, Run, get_run
from tidewheel.registry.versions.versions import Version, get_version
from tidewheel.storage.catalog import Catalog


@dataclass(frozen=True)
class Difference:
    """Something that two versions do not share; None on the side that lacks it."""

    what: str
    one: Any
    two: Any


@dataclass(frozen=True, kw_only=True)
class RunDifference:
    """In what two runs differ.

    Attributes
    ----------
    same_data, same_test : bool
        The data set is the same; the test rows at least are the same.
    parameters : list of Difference
        Parameters of the fitted estimators that differ.
    added, removed : list of str
        Columns of the view that only the second, only the first has.
    lineage : list of Difference
        Instant, rows, code, definitions and libraries that differ.
    """

    same_data: bool
    same_test: bool
    parameters: list[Difference]
    added: list[str]
    removed: list[str]
    lineage: list[Difference]


@dataclass(frozen=True, kw_only=True)
class Comparison(RunDifference):
    """Two versions.

    Attributes
    ----------
    one, two : Version
    metrics : list of (split, metric, Metric or None, Metric or None)
        Each on its own run's rows: comparable when `same_test` is true.
    """

    one: Version
    two: Version
    metrics: list[tuple[str, str, Metric | None, Metric | None]]


def compare(catalog: Catalog, one: str, two: str) -> Comparison:
    """Compare two versions by name.

    Parameters
    ----------
    catalog : Catalog
    one, two : str
        ``Fraud@2``, ``Fraud@champion``; see `tidewheel.registry.versions.versions.get_version`.

    Raises
    ------
    NotFoundError
        There is no such version.
    """
    first, second = get_version(catalog, one), get_version(catalog, two)
    found = compare_runs(catalog, get_run(catalog, first.run), get_run(catalog, second.run))
    return Comparison(one=first, two=second, metrics=_metrics(first, second), **vars(found))


def compare_runs(catalog: Catalog, one: Run, two: Run) -> RunDifference:
    """Return in what two finished runs differ, whether or not a version came of them."""
    columns_one, columns_two = _columns(catalog, one), _columns(catalog, two)
    return RunDifference(
        same_data=one.lineage.dataset == two.lineage.dataset,
        same_test=one.parameters.get("test_rows") == two.parameters.get("test_rows"),
        parameters=_differences(_fitted(one), _fitted(two)),
        added=[name for name in columns_two if name not in columns_one],
        removed=[name for name in columns_one if name not in columns_two],
        lineage=_differences(_origin(one), _origin(two)),
    )


def _metrics(one: Version, two: Version) -> list[tuple[str, str, Metric | None, Metric | None]]:
    left = {(metric.split, metric.metric): metric for metric in one.metrics}
    right = {(metric.split, metric.metric): metric for metric in two.metrics}
    return [(*key, left.get(key), right.get(key)) for key in dict.fromkeys([*left, *right])]


def _columns(catalog: Catalog, run: Run) -> list[str]:
    return list(get_dataset(catalog, run.lineage.dataset).detail["columns"])


def _fitted(run: Run) -> dict[str, Any]:
    return {"estimator": run.parameters.get("estimator")} | dict(run.parameters.get("fitted", {}))


def _origin(run: Run) -> dict[str, Any]:
    lineage = run.lineage
    return {
        "as of": lineage.as_of,
        "log head": lineage.log_head,
        "data set": lineage.dataset,
        "commit": lineage.commit,
        "patch": lineage.dirty_patch,
        "seed": lineage.seed,
        **{f"rows {reason}": count for reason, count in lineage.rows.items()},
        **lineage.definitions,
        **{f"library {name}": version for name, version in lineage.libraries.items()},
    }


def _differences(one: dict[str, Any], two: dict[str, Any]) -> list[Difference]:
    names = dict.fromkeys([*one, *two])
    return [Difference(name, one.get(name), two.get(name)) for name in names if one.get(name) != two.get(name)]
