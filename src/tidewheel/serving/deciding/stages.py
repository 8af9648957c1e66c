"""What the models of a line-up said in one decision: told from its record, and asked again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np
import numpy.typing as npt

from tidewheel.registry.models.bundles import Bundle, load_bundle
from tidewheel.registry.models.combining import Combiner, score_columns
from tidewheel.registry.services import load_service
from tidewheel.registry.versions.names import members_of
from tidewheel.serving.deciding.lineup import view_of
from tidewheel.serving.deciding.predictor import Scorer

if TYPE_CHECKING:
    from tidewheel.runtime.stores import Stores
    from tidewheel.storage.journal.decisions import DecisionRecord, Stage


NET_TOLERANCE = (1e-5, 1e-6)
"""Relative and absolute, of a net's score: its last bits depend on the rows that were in its batch."""


class StageTold(msgspec.Struct):
    """A stage of a decision, for people: `us` is from asking the model to its answer, in microseconds."""

    name: str
    model: str
    score: float | None
    us: float
    note: str
    features: dict[str, float | str | None]


def told(stage: Stage, features: dict[str, float | str | None]) -> StageTold:
    """Return a stage for people; `features` is its row by name."""
    return StageTold(stage.name, stage.model, stage.score, stage.ns / 1000, stage.note, features)


def same_score(record: DecisionRecord, stores: Stores) -> bool | None:
    """Return whether the models give their scores again to the rows recorded, and they combine as they did.

    None where no model answered.
    """
    if record.score is None or not record.bundle or record.stored == "fresh":
        return None
    if not record.stages:
        return _same(load_bundle(stores.artifacts, record.bundle), _row(record.features), record.score)
    scored = [stage for stage in record.stages if stage.bundle and stage.score is not None]
    if not all(_same_stage(stage, record, scored, stores) for stage in scored):
        return False
    service = load_service(stores.catalog, record.service_version).service
    members = members_of(record.model)
    scores = {stage.name: stage.score for stage in scored if stage.model in members and stage.score is not None}
    if service.combine is None:
        return scores.get(service.model) == record.score
    own = next((_row(stage.features) for stage in record.stages if not stage.model), None)
    return Combiner(service.combine, service.score_view)(scores, own) == record.score


def _same_stage(stage: Stage, record: DecisionRecord, scored: list[Stage], stores: Stores) -> bool:
    bundle = load_bundle(stores.artifacts, stage.bundle)
    row = _row(stage.features or record.features)
    given = [(other.name, other.score) for other in scored]
    read = score_columns(view_of(bundle.manifest.graph, bundle.manifest.view))
    return _same(bundle, row, stage.score) and all((name, float(row[place])) in given for place, name in read.items())


def _same(bundle: Bundle, row: npt.NDArray[np.float64], score: float | None) -> bool:
    """Return whether a model gives a row this score: to the bit, but for nets, whose batches round otherwise."""
    names = [column.name for column in view_of(bundle.manifest.graph, bundle.manifest.view).columns]
    found = Scorer(bundle, names)(row)
    if bundle.manifest.predictor.kind == "onnx" and score is not None:
        return bool(np.isclose(found, score, *NET_TOLERANCE))
    return found == score


def _row(features: bytes) -> npt.NDArray[np.float64]:
    return np.frombuffer(features, np.dtype("<f8"))
