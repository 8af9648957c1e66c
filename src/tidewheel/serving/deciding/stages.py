"""What the models of a line-up said in one decision: told from its record, and asked again."""

from __future__ import annotations

import math
from collections.abc import Sequence
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

    Of a list, to each item that was shown. None where no model answered, or the rows were not kept.
    """
    if record.items:
        return _same_items(record, stores)
    if record.score is None or not record.bundle or record.stored == "fresh":
        return None
    if not record.stages:
        return _same(load_bundle(stores.artifacts, record.bundle), [record.features], [record.score])
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


def _same_items(record: DecisionRecord, stores: Stores) -> bool | None:
    items = [item for item in record.items if item.score is not None and item.features]
    if not items or not record.bundle:
        return None
    service = load_service(stores.catalog, record.service_version).service
    shown = {item.id: item for item in items}
    own = dict.fromkeys(shown, b"")
    scores: dict[str, dict[str, float]] = {id: {} for id in shown}
    for stage in record.stages:
        told = [one for one in record.item_scores if one.stage == stage.name]
        if not stage.bundle:
            own |= {one.item: one.features for one in told}
            continue
        rows = [one.features or shown[one.item].features for one in told]
        if told and not _same(load_bundle(stores.artifacts, stage.bundle), rows, [one.score for one in told]):
            return False
        for one in told:
            scores[one.item][stage.name] = math.nan if one.score is None else one.score
    if service.combine is None:
        bundle = load_bundle(stores.artifacts, record.bundle)
        return _same(bundle, [item.features for item in items], [item.score for item in items])
    combiner = Combiner(service.combine, service.score_view)
    return all(combiner(scores[id], _row(own[id]) if own[id] else None) == item.score for id, item in shown.items())


def _same_stage(stage: Stage, record: DecisionRecord, scored: list[Stage], stores: Stores) -> bool:
    bundle = load_bundle(stores.artifacts, stage.bundle)
    features = stage.features or record.features
    row, given = _row(features), [(other.name, other.score) for other in scored]
    read = score_columns(view_of(bundle.manifest.graph, bundle.manifest.view))
    same = _same(bundle, [features], [stage.score])
    return same and all((name, float(row[place])) in given for place, name in read.items())


def _same(bundle: Bundle, rows: Sequence[bytes], scores: Sequence[float | None]) -> bool:
    """Return whether a model gives rows these scores: to the bit, but for nets, whose batches round otherwise."""
    names = [column.name for column in view_of(bundle.manifest.graph, bundle.manifest.view).columns]
    found = Scorer(bundle, names).score_many(_row(b"".join(rows)).reshape(len(rows), -1))
    if bundle.manifest.predictor.kind == "onnx":
        return bool(np.isclose(found, np.array(scores, np.float64), *NET_TOLERANCE).all())
    return found == list(scores)


def _row(features: bytes) -> npt.NDArray[np.float64]:
    return np.frombuffer(features, np.dtype("<f8"))
