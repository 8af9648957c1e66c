"""A run's verdicts: what each gate is shown, and what it says."""

from __future__ import annotations

from functools import cache

from tidewheel.definitions import ir
from tidewheel.definitions.models.labels import horizon_of
from tidewheel.registry.models.bundles import load_bundle
from tidewheel.registry.runs.runs import Verdict
from tidewheel.registry.versions.versions import get_version
from tidewheel.training.context import TrainingContext
from tidewheel.training.evaluation.material import Material
from tidewheel.training.execute import Outcome, Settings
from tidewheel.training.gates.evidence import Evidence
from tidewheel.training.gates.judge import judged_or_failed
from tidewheel.training.gates.parity import check_parity
from tidewheel.training.gates.schema import breaking_changes
from tidewheel.training.gates.trial import serve


def judged(
    context: TrainingContext, model: ir.Model, outcome: Outcome, settings: Settings, material: Material
) -> list[Verdict]:
    """Return the verdict of each gate; one that can't be judged does not pass, and says why."""
    seen = evidence(context, model, outcome, settings, material)
    verdicts = [judged_or_failed(gate, seen) for gate in model.gates]
    if outcome.learned.predictor is None:
        told = f"{outcome.learned.reason}: it can be measured, not deployed"
        verdicts.append(Verdict("servable", False, told, blessing="servable"))
    return verdicts


def evidence(
    context: TrainingContext, model: ir.Model, outcome: Outcome, settings: Settings, material: Material
) -> Evidence:
    """Return what gates may look at; what is costly is made when a gate asks for it, once."""
    gathered, sides = outcome.gathered, outcome.gathered.sides
    test_rows, view = gathered.rows.take(sides.test), gathered.view
    test, predictor = outcome.matrix.take(sides.test), outcome.learned.predictor
    champion = material.champion.name

    def schema() -> list[str]:
        bundle = load_bundle(context.artifacts, get_version(context.catalog, champion).bundle)
        return breaking_changes(bundle.manifest, context.graph, view, context.services(model))

    return Evidence(
        test.y,
        test.weight,
        outcome.test_score,
        outcome.intervals,
        champion=champion,
        champion_score=material.champion.score,
        parity=cache(lambda: check_parity(context, view, outcome.history, test_rows)),
        seed=settings.seed,
        blocks=material.blocks,
        group=material.group,
        material=material,
        serve=None if predictor is None else cache(lambda: serve(context, model, outcome)),
        schema=schema,
        age=settings.as_of - int(gathered.data.at.max()),
        horizon=horizon_of(model),
    )
