"""Compiles what a ``tw.Model`` says of its pipeline: added steps, in the order in which they can run, and limits."""

from __future__ import annotations

from collections.abc import Sequence

from tidewheel.definitions import ir
from tidewheel.definitions.language.places import likely
from tidewheel.definitions.models.models import Model
from tidewheel.definitions.models.pipeline import CHAIN, MADE, Step
from tidewheel.errors import DefinitionError

_OURS = frozenset({*CHAIN, "folds", "register", "approve", "deploy"})


def compile_pipeline(cls: type[Model]) -> ir.Pipeline | None:
    """Return a model's pipeline; None where it declares nothing of the kind."""
    if cls.limits is not None and not isinstance(cls.limits, ir.Limits):
        raise DefinitionError(
            f"{cls.limits!r} limits nothing", remedy='write limits = tw.pipeline.limits(time="30min")'
        )
    _check_deploy(cls)
    declared = [cls.steps] if isinstance(cls.steps, Step) else list(cls.steps)
    steps = _placed(declared)
    return ir.Pipeline(steps, cls.limits, cls.deploy) if steps or cls.limits or cls.deploy else None


def _check_deploy(cls: type[Model]) -> None:
    if cls.deploy is None:
        return
    if not isinstance(cls.deploy, ir.Deploy):
        raise DefinitionError(f"{cls.deploy!r} deploys nothing", remedy="write deploy = tw.pipeline.deploy()")
    if cls.retrain is not None and not cls.deploy.environment:
        raise DefinitionError(
            "retrain= starts canaries of what it trains, and deploy= would move the same traffic",
            remedy='remove one of them, or write deploy = tw.pipeline.deploy(environment="staging")',
        )


def _placed(declared: Sequence[Step]) -> tuple[ir.Step, ...]:
    """Return steps in an order in which each comes after what it takes."""
    for item in declared:
        if not isinstance(item, Step):
            raise DefinitionError(f"{item!r} is no step", remedy="write @tw.pipeline.step() over its def")
    names = [item.name for item in declared]
    for name in names:
        if name in _OURS or name in MADE or names.count(name) > 1:
            raise DefinitionError(f"there is a '{name}' in the pipeline already", remedy="rename the function")
    placed: dict[str, int] = {}
    steps: list[ir.Step] = []
    waiting = list(declared)
    while waiting:
        ready = [item for item in waiting if not {item.after, *item.inputs} & {other.name for other in waiting}]
        if not ready:
            told = ", ".join(item.name for item in waiting)
            raise DefinitionError(f"the steps {told} wait for each other", remedy="let one of them take less")
        for item in ready:
            after = _after(item, placed)
            placed[item.name] = placed[after] if after in placed else CHAIN.index(after)
            steps.append(ir.Step(item.name, after, item.inputs, item.retries, item.wait))
            waiting.remove(item)
    return tuple(steps)


def _after(item: Step, placed: dict[str, int]) -> str:
    """Return the step that another comes after: the one it names, or the last one that it takes something from."""
    known = {**{made: CHAIN.index(step) for made, step in MADE.items()}, **placed}
    for name in item.inputs:
        if name not in known:
            raise DefinitionError(
                f"the step {item.name} asks for '{name}', which nothing makes",
                remedy=likely(name, known) or "give the parameter a default",
            )
    last = max(item.inputs, key=known.__getitem__, default="")
    if not item.after:
        if not last:
            raise DefinitionError(
                f"the step {item.name} takes nothing", remedy='say after="fit", or name what it takes'
            )
        return MADE.get(last, last)
    places = {name: place for place, name in enumerate(CHAIN)} | placed
    if item.after not in places:
        raise DefinitionError(
            f"the step {item.name} comes after '{item.after}', which is no step", remedy=likely(item.after, places)
        )
    if last and places[item.after] < known[last]:
        made = MADE.get(last, last)
        raise DefinitionError(
            f"the step {item.name} comes after {item.after}, and '{last}' is made in {made}",
            remedy=f'write after="{made}"',
        )
    return item.after
