"""Runs that learn from registered versions: what they go on from, who teaches them, and what is said of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from lightgbm import LGBMClassifier
from training_world import DAY, MODELS, NOW, START, at, payments, world

from tidewheel.definitions import ir
from tidewheel.errors import NotFoundError, TrainingError
from tidewheel.registry.models.arrays import unpack_arrays
from tidewheel.registry.models.bundles import load_bundle
from tidewheel.registry.runs.runs import get_run
from tidewheel.registry.runs.steps import step_records
from tidewheel.registry.versions.versions import get_version, list_versions
from tidewheel.training import TrainingContext, rerun, train


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrainingContext]:
    with world(tmp_path_factory.mktemp("world"), payments(900)) as found:
        train(found, "Watched")
        train(found, "Linear")
        yield found


def declared(context: TrainingContext, name: str = "Watched", **changes: Any) -> TrainingContext:
    """Return the context with a model declared otherwise, and without its gates: they are not what is looked at."""
    changed = [msgspec.structs.replace(m, gates=(), **changes) if m.name == name else m for m in context.graph.models]
    return replace(context, graph=msgspec.structs.replace(context.graph, models=tuple(changed)))


def trees(context: TrainingContext, version: str) -> int:
    text = context.artifacts.get(
        get_run(context.catalog, get_version(context.catalog, version).run).artifacts["model.txt"]
    )
    return text.read_text().count("\nTree=")


def scores(context: TrainingContext, run: str) -> list[float]:
    kept = context.artifacts.get(get_run(context.catalog, run).artifacts["predictions"])
    found: list[float] = unpack_arrays(kept.read_bytes())["score"].tolist()
    return found


def test_a_run_goes_on_from_a_version_and_says_so(context: TrainingContext) -> None:
    told: list[str] = []
    result = train(declared(context), "Watched", init_from="Watched@1", progress=lambda what, _: told.append(what))
    assert trees(context, result.version) == 20
    run = get_run(context.catalog, result.run_id)
    assert run.lineage.parents == run.parameters["parents"] == {"init_from": "Watched@1"}
    found = [str(finding) for finding in result.findings if finding.kind == "parent knew test rows"]
    assert found == []  # the same cut: what it tests on, its parent did not learn from
    again = rerun(declared(context), result.run_id)
    assert again.same, again.differences


def test_rows_that_the_parent_learned_from_are_counted(context: TrainingContext) -> None:
    """An earlier cut tests on rows that the version had among its train rows."""
    earlier = at(declared(context), NOW - 15 * DAY)
    result = train(earlier, "Watched", init_from="Watched@1")
    found = next(finding for finding in result.findings if finding.kind == "parent knew test rows")
    assert 0 < found.evidence["rows"] <= found.evidence["test"] == result.counts["test"]
    assert "learned from" in found.message


def test_an_alias_that_stands_for_nothing_yet_begins_anew(context: TrainingContext) -> None:
    result = train(declared(context, "Tuned", init_from="Tuned@champion"), "Tuned", trials=1)
    assert get_run(context.catalog, result.run_id).lineage.parents == {}
    assert [f.message for f in result.findings if f.kind == "no parent yet"] == [
        "Tuned@champion stands for no version yet: this run began anew"
    ]


@pytest.mark.parametrize("name", ["Watched@99", "Other@1", "Linear@champion"])
def test_a_version_that_is_not_there_is_refused_before_a_run_begins(context: TrainingContext, name: str) -> None:
    before = len(list_versions(context.catalog))
    with pytest.raises(NotFoundError):
        train(context, "Watched", init_from=name)
    assert len(list_versions(context.catalog)) == before


def test_another_kind_of_model_is_refused(context: TrainingContext) -> None:
    with pytest.raises(TrainingError, match="can't go on from Linear@1"):
        train(declared(context), "Watched", init_from="Linear@1")


def test_levels_of_the_parent_keep_their_codes(tmp_path: Path) -> None:
    """A country that only newer rows show comes after those that the parent's trees name by their codes."""
    events = payments(900)
    late = {e.id for e in events if e.type == "Payment" and e.at > START + 10 * DAY and e.columns["country"] == "FI"}
    for event in events:
        if event.type == "Payment" and event.columns["country"] == "FI":
            event.columns["country"] = "AT" if event.id in late else "DE"
    with world(tmp_path, events) as context:
        early = train(at(declared(context), START + 30 * DAY), "Watched")
        result = train(declared(context), "Watched", init_from=early.version)
        levels = [load_bundle(context.artifacts, get_version(context.catalog, v).bundle).manifest.levels["country"]
                  for v in (early.version, result.version)]  # fmt: skip
    assert levels == [("DE", "NO"), ("DE", "NO", "AT")]


def test_a_teacher_of_another_view_is_learned_from(context: TrainingContext) -> None:
    """The smaller model sees the amount alone; what it learns of its teacher, who sees more, brings them together."""
    taught = declared(context, "Neighbours", teacher=ir.Teacher("Watched@1", 1.0))
    taught = replace(
        taught, models=MODELS | {"Neighbours": type("N", (), {"estimator": LGBMClassifier(n_estimators=5)})}
    )
    result = train(taught, "Neighbours")
    run = get_run(context.catalog, result.run_id)
    assert run.lineage.parents == {"teacher": "Watched@1"}
    assert "teach" in [step.step for step in step_records(context.catalog, run.id)]
    alone = train(replace(taught, graph=declared(context, "Neighbours").graph), "Neighbours")
    assert scores(context, alone.run_id) != scores(context, result.run_id)


def test_a_teacher_without_weight_changes_no_score(context: TrainingContext) -> None:
    plain = train(declared(context), "Watched")
    taught = train(declared(context, teacher=ir.Teacher("Watched@1", 0.0, 4.0)), "Watched")
    assert scores(context, plain.run_id) == scores(context, taught.run_id)
    louder = train(declared(context, teacher=ir.Teacher("Watched@1", 0.5)), "Watched")
    assert scores(context, plain.run_id) != scores(context, louder.run_id)


def test_a_step_is_reused_only_from_the_same_parents(context: TrainingContext) -> None:
    """The declaration names an alias; what it means now is part of the key."""
    taught = declared(context, teacher=ir.Teacher("Watched", 0.5))
    first, second = train(taught, "Watched"), train(taught, "Watched")
    parents = [get_run(context.catalog, run.run_id).lineage.parents["teacher"] for run in (first, second)]
    assert parents[1] == first.version != parents[0]
    fits = [next(s for s in step_records(context.catalog, run.run_id) if s.step == "fit") for run in (first, second)]
    assert fits[0].key != fits[1].key
    assert not fits[1].reused
    assert not np.array_equal(scores(context, first.run_id), scores(context, second.run_id))
