"""Chains: views with other models' scores as columns, each computed by one version that is pinned for good.

In training a row's score is what the pinned version gives on that row, which is what serving computes. Rows that the
pinned version has learned from are left out: it knows their labels, and so would its scores of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tidewheel.collect.keeping.history import History
from tidewheel.definitions import ir
from tidewheel.errors import NotFoundError, TrainingError
from tidewheel.outcomes.labels import Labels
from tidewheel.registry.models.arrays import unpack_arrays
from tidewheel.registry.models.bundles import ArtifactStore, Inner, load_bundle
from tidewheel.registry.models.combining import score_columns
from tidewheel.registry.runs.datasets import find_dataset
from tidewheel.registry.runs.runs import get_run
from tidewheel.registry.runs.snapshots import read_manifest, read_snapshot
from tidewheel.registry.versions.versions import get_version
from tidewheel.storage.catalog import Catalog
from tidewheel.training.fit.scoring import filled

Ints = npt.NDArray[np.int64]
SCORE_OF = "score of "
"""Begins the word by which a run's parents name what a score column is computed by."""


def named_scores(catalog: Catalog, view: ir.View) -> dict[str, str]:
    """Return the version that each score column of a view is computed by: the champion, else the newest.

    Raises
    ------
    NotFoundError
        A model has no version yet.
    """
    return {f"{SCORE_OF}{model}": _standing(catalog, model) for model in dict.fromkeys(score_columns(view).values())}


def _standing(catalog: Catalog, model: str) -> str:
    try:
        return get_version(catalog, f"{model}@champion").name
    except NotFoundError:
        return get_version(catalog, model).name


def links_of(catalog: Catalog, names: Mapping[str, str]) -> tuple[Inner, ...]:
    """Return what a bundle says of the versions whose scores its view has as columns.

    Raises
    ------
    TrainingError
        A version can't be served, so neither can what reads its score.
    """
    found = []
    for word, name in names.items():
        if word.startswith(SCORE_OF):
            version = get_version(catalog, name)
            if not version.bundle:
                raise TrainingError(
                    f"{name} has no bundle, since its estimator can't be served: its score can't be a column",
                    remedy="train a version that can be deployed; `tidewheel show` says whether one is servable",
                )
            found.append(Inner(version.model, name, version.bundle))
    return tuple(found)


def named_links(catalog: Catalog, view: ir.View) -> tuple[Inner, ...]:
    """Return the versions that a training would pin now. Raises as `named_scores` and `links_of`."""
    return links_of(catalog, named_scores(catalog, view))


@dataclass(frozen=True)
class Chain:
    """The versions whose scores a view has as columns; none for most.

    Attributes
    ----------
    artifacts : ArtifactStore
    links : tuple of Inner
    known : dict of str to int64 array
        By version: the log offsets of the rows that it learned from, itself or through what it reads.
    """

    artifacts: ArtifactStore
    links: tuple[Inner, ...] = ()
    known: Mapping[str, Ints] | None = None

    @property
    def key(self) -> list[str]:
        """Hashes of the versions: what a data set depends on."""
        return [link.bundle for link in self.links]

    def unseen(self, found: tuple[pa.Table, Labels, dict[str, int]]) -> tuple[pa.Table, Labels, dict[str, int]]:
        """Return labelled rows without those that a pinned version has learned from, and counts of them."""
        rows, labels, counts = found
        for version, learned in (self.known or {}).items():
            keep = ~np.isin(rows["_offset"].to_numpy()[labels.rows], learned)
            counts = counts | {f"learned by {version}": int((~keep).sum())}
            labels = labels.take(keep)
        return rows, labels, counts

    def filled(
        self, columns: pa.Table, view: ir.View, history: History, rows: pa.Table, visibility: ir.Visibility, delay: int
    ) -> pa.Table:
        """Return a view's columns with the pinned versions' scores of the rows in theirs."""
        return filled(self.artifacts, self.links, columns, view, history, rows, visibility, delay)


def load_chain(catalog: Catalog, artifacts: ArtifactStore, names: Mapping[str, str]) -> Chain:
    """Return the chain of a run, by the versions that its parents name.

    Raises
    ------
    TrainingError
        What a version has learned from is not kept any more, or it can't be served.
    """
    links = links_of(catalog, names)
    known: dict[str, Ints] = {}
    waiting = list(links)
    while waiting:
        link = waiting.pop(0)
        if link.version not in known:
            known[link.version] = _learned(catalog, artifacts, link.version)
            waiting += load_bundle(artifacts, link.bundle).manifest.inner
    return Chain(artifacts, links, known)


def _learned(catalog: Catalog, artifacts: ArtifactStore, version: str) -> Ints:
    try:
        return learned_rows(catalog, artifacts, version)
    except NotFoundError as error:
        raise TrainingError(
            f"which rows {version} has learned from is not kept any more, so its scores of them can't be told apart",
            remedy=f"train it again: tidewheel train {version.partition('@')[0]}",
        ) from error


def learned_rows(catalog: Catalog, artifacts: ArtifactStore, version: str) -> Ints:
    """Return the log offsets of the rows that a version has learned from.

    Its data set is told by its snapshot, and its own test rows, which it did not learn from, by its predictions.

    Raises
    ------
    NotFoundError
        They are not kept any more.
    """
    run = get_run(catalog, get_version(catalog, version).run)
    manifest = find_dataset(catalog, run.lineage.dataset).manifest
    rows = read_snapshot(artifacts, read_manifest(artifacts, manifest), ["_offset"])
    predictions = run.artifacts.get("predictions")
    if predictions is None:
        raise NotFoundError(f"the run of {version} kept no predictions")
    kept = artifacts.get(artifacts.current(predictions))
    return np.setdiff1d(rows["_offset"].to_numpy(), unpack_arrays(kept.read_bytes())["offset"])
