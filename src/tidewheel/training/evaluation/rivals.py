"""Other versions' scores of the rows that a candidate is measured on."""

from __future__ import annotations

import pyarrow as pa

from tidewheel.collect.keeping.history import History
from tidewheel.definitions import ir
from tidewheel.errors import TidewheelError
from tidewheel.registry.models.bundles import load_bundle
from tidewheel.registry.runs.evaluation import Found
from tidewheel.registry.versions.versions import list_versions
from tidewheel.training.context import TrainingContext
from tidewheel.training.evaluation.material import Rival
from tidewheel.training.fit.scoring import scores_of


def previous_version(
    context: TrainingContext,
    model: ir.Model,
    history: History,
    rows: pa.Table,
    trained: pa.Table,
    view_digest: str,
    champion: str,
) -> tuple[Rival, list[Found]]:
    """Return the scores of the newest version that can score and is not the champion; a finding where it failed.

    Parameters
    ----------
    context, model, history
    rows : Table
        The rows' events, as `read_view` takes them.
    trained : Table
        The candidate's view of them.
    view_digest : str
        Of the candidate's view: where the other's is the same, `trained` is used.
    champion : str
        ``Fraud@2``, which is measured already.
    """
    for version in list_versions(context.catalog, model.name, limit=20):
        if version.name == champion or not version.bundle:
            continue
        try:
            bundle = load_bundle(context.artifacts, version.bundle)
            scores = scores_of(context.artifacts, bundle, history, rows, trained, view_digest)
            return Rival(version.name, scores), []
        except TidewheelError as error:
            return Rival(), [Found(what="previous", text=f"{version.name} could not score the test rows: {error}")]
    return Rival(), []
