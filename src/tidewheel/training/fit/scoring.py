"""Scoring by a registered version: its own view, levels and predictor, on rows given."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tidewheel.collect.keeping.history import History
from tidewheel.definitions import digest, ir
from tidewheel.engine import map_parts
from tidewheel.errors import NotFoundError
from tidewheel.features.replay.backfill import read_view
from tidewheel.features.replay.served import as_served
from tidewheel.registry.models.bundles import ArtifactStore, Bundle, Inner, load_bundle
from tidewheel.registry.models.combining import score_columns
from tidewheel.registry.models.predictors import Predictor
from tidewheel.registry.pointers.pointers import find_deployment
from tidewheel.registry.versions.names import member_of, parse_name
from tidewheel.registry.versions.versions import get_version
from tidewheel.training.context import TrainingContext
from tidewheel.training.data.levels import encode

Floats = npt.NDArray[np.float64]
_ROWS_A_PART = 1_024


@dataclass(frozen=True)
class Champion:
    """The version that services point at: "" when there is none."""

    name: str = ""
    score: Floats | None = None


def champion_name(context: TrainingContext, model: ir.Model) -> str:
    """Return the version of a model that its services answer with; the newest where they differ, "" for none."""
    numbers = []
    for service in context.services(model):
        deployed = find_deployment(context.catalog, service.name)
        named = member_of(deployed.champion, model.name) if deployed is not None else ""
        if named:
            numbers.append(int(parse_name(named)[1]))
    return f"{model.name}@{max(numbers)}" if numbers else ""


def champion_scores(
    context: TrainingContext, model: ir.Model, history: History, rows: pa.Table, trained: pa.Table, view_digest: str
) -> Champion:
    """Return the champion's scores of rows that a candidate is judged on.

    Parameters
    ----------
    context : TrainingContext
    model : ir.Model
    history : History
    rows : Table
        The rows' events, as `read_view` takes them.
    trained : Table
        The candidate's view of them.
    view_digest : str
        Of the candidate's view: where the champion's is the same, `trained` is used.
    """
    name = champion_name(context, model)
    if not name:
        return Champion()
    bundle = load_bundle(context.artifacts, get_version(context.catalog, name).bundle)
    return Champion(name, scores_of(context.artifacts, bundle, history, rows, trained, view_digest))


def scores_of(
    artifacts: ArtifactStore, bundle: Bundle, history: History, rows: pa.Table, trained: pa.Table, view_digest: str
) -> Floats:
    """Return a bundle's scores of rows: `trained` are what its view reads, where that is the candidate's."""
    if digest(view_of(bundle)) == view_digest and not bundle.manifest.inner:
        return bundle_scores(bundle, trained)
    return rows_scored(artifacts, bundle, history, rows)


def filled(
    artifacts: ArtifactStore,
    links: tuple[Inner, ...],
    columns: pa.Table,
    view: ir.View,
    history: History,
    rows: pa.Table,
    visibility: ir.Visibility = "arrival",
    delay: int = 0,
) -> pa.Table:
    """Return a view's columns with models' scores in theirs, by the versions of `links`, each on its own view.

    Parameters
    ----------
    columns, rows : Table
        What `read_view` gave, and was given.
    """
    by_model = {link.model: link.bundle for link in links}
    for model in score_columns(view).values():
        bundle = load_bundle(artifacts, by_model[model])
        # What another model is to learn from is what it will be given: the score that serving computes.
        found = rows_scored(artifacts, bundle, history, rows, visibility, delay, served=True)
        scores = pa.array(found, from_pandas=True)
        for column in view.columns:
            if column.value == ir.Score(model):
                place = columns.column_names.index(column.name)
                columns = columns.set_column(place, column.name, scores)
    return columns


def rows_scored(
    artifacts: ArtifactStore,
    bundle: Bundle,
    history: History,
    rows: pa.Table,
    visibility: ir.Visibility = "arrival",
    delay: int = 0,
    *,
    served: bool = False,
) -> Floats:
    """Return a bundle's scores of rows by its own view, with its own pinned versions' scores in it.

    With `served`, rows of items hold what serving puts in the place of columns that no candidate has.
    """
    view = view_of(bundle)
    if served and view.each is not None:
        rows = as_served(history, bundle.manifest.graph, view, rows)
    columns = read_view(history, bundle.manifest.graph, view, rows, visibility=visibility, serving_delay=delay)
    if bundle.manifest.inner:
        columns = filled(artifacts, bundle.manifest.inner, columns, view, history, rows, visibility, delay)
    return bundle_scores(bundle, columns)


def score_rows(predictor: Predictor, x: Floats) -> Floats:
    """Return one score a row, on all cores: a row's score does not depend on the rows beside it."""
    parts = [x[start : start + _ROWS_A_PART] for start in range(0, max(len(x), 1), _ROWS_A_PART)]
    return np.concatenate(map_parts(predictor.score, parts))


def bundle_scores(bundle: Bundle, columns: pa.Table) -> Floats:
    """Return a bundle's scores of rows of its view, by the code that serves it."""
    manifest = bundle.manifest
    return score_rows(bundle.predictor(), encode(columns.select(list(manifest.columns)), manifest.levels))


def view_of(bundle: Bundle) -> ir.View:
    """Return the view a bundle was trained on.

    Raises
    ------
    NotFoundError
        When the bundle's graph lacks it.
    """
    manifest = bundle.manifest
    found = next((view for view in manifest.graph.views if view.name == manifest.view), None)
    if found is None:
        raise NotFoundError(f"the bundle of {manifest.model} holds no view {manifest.view!r}")
    return found
