"""Steps of one's own in a training, what bounds the others and what follows them: the namespace ``tw.pipeline``.

A training runs validate, data, split, tune, fit, evaluate, gates and register. `step` adds to them a function that
looks at what they made, and may stop the run by raising; it changes nothing that the chain passes on, since what a
model learns from is declared.

Examples
--------
>>> import tidewheel as tw
>>> @tw.pipeline.step()
... def positives(test):
...     return {"positives": sum(test["_label"].to_pylist())}
>>> positives.inputs
('test',)
>>> tw.pipeline.limits(time="30min", memory="4GB")
Limits(time=1800000000, memory=4294967296)
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any

from tidewheel.definitions import ir
from tidewheel.definitions.language.durations import Duration, parse_duration
from tidewheel.definitions.language.places import likely, mistake
from tidewheel.definitions.language.quantities import parse_bytes, share_of, whole

__all__ = ["Step", "deploy", "limits", "step"]

CHAIN = ("validate", "data", "split", "tune", "fit", "evaluate", "gates")
"""The steps that another may come after."""
MADE = {
    "rows": "validate", "train": "data", "test": "data", "chosen": "tune", "estimator": "fit", "scores": "evaluate",
    "metrics": "evaluate", "verdicts": "gates",
}  # fmt: skip
"""What a step may ask for by the name of a parameter, and which step makes it."""
MOST_RETRIES = 20


class Step:
    """A function as a step, made by `step`; calling it calls the function.

    Attributes
    ----------
    fn : callable
    name : str
        The function's.
    after : str
        The step it comes after; "" for the last one that it takes something from.
    inputs : tuple of str
        Its parameters without a default.
    retries : int
    wait : int
        Microseconds.
    """

    def __init__(self, fn: Callable[..., Any], after: str, retries: int, wait: int) -> None:
        self.fn = fn
        self.name = fn.__name__
        self.after = after
        self.inputs = _inputs(fn)
        self.retries = retries
        self.wait = wait
        self.__doc__ = fn.__doc__

    def __call__(self, *args: Any, **named: Any) -> Any:
        """Call the function, as a unit test would."""
        return self.fn(*args, **named)


def step(*, after: str = "", retries: int = 0, wait: Duration = "1s") -> Callable[[Callable[..., Any]], Step]:
    """Make a function a step of the models that name it in `steps`.

    What it is given, its parameters name: ``rows`` (the labelled rows, an Arrow table of the event's columns and
    ``_label``), ``train`` and ``test`` (the features of each side between ``_id``, ``_at``, ``_label`` and
    ``_weight``), ``chosen`` (the parameters that the search found), ``estimator`` (as fitted), ``scores`` (one a row of
    ``test``), ``metrics`` (of the test rows, by name), ``verdicts`` (of the gates), or another added step, for what
    that one returned. A parameter with a default keeps it.

    What it returns is kept with the run: numbers, texts, lists and dicts of them, an Arrow table, or a dict of
    arrays. It is not done again while its code and what it is given are the same.

    Parameters
    ----------
    after : str
        The step that it comes after; by default the last one that it takes something from.
    retries : int
        How often it is tried again when it raises.
    wait : duration
        Before the second attempt; each further wait is twice as long.

    Raises
    ------
    DefinitionError
        The parameters or numbers can't be used so.

    Examples
    --------
    ::

        @tw.pipeline.step(after="evaluate", retries=2)
        def surprises(test: pa.Table, scores: np.ndarray) -> pa.Table:
            worst = np.argsort(-np.abs(test["_label"].to_numpy() - scores))[:100]
            return test.take(worst)

        class Fraud(tw.Model):
            steps = [surprises]
    """
    if not isinstance(after, str) or (after and not after.isidentifier()):
        raise mistake(f"after={after!r} is no step", likely(str(after), CHAIN))
    again, pause = whole("retries", retries, 0, MOST_RETRIES), parse_duration(wait)
    return lambda fn: Step(fn, after, again, pause)


def limits(*, time: Duration | None = None, memory: str = "") -> ir.Limits:
    """Bound what one fit may take: each trial of a search, each fold, and the fit itself.

    Each is then done in a process of its own, which is ended when it takes more. A trial counts as failed; a fit
    that is ended fails the run, with the reason, and nothing is registered.

    Parameters
    ----------
    time : duration, optional
    memory : str
        As ``"4GB"``: what the fit may take beyond the rows it is given and the libraries that it needs.

    Raises
    ------
    DefinitionError
        Neither is given, or one can't be read.
    """
    if time is None and not memory:
        raise mistake("this limits nothing", 'give time="30min", memory="4GB", or both')
    return ir.Limits(0 if time is None else parse_duration(time), parse_bytes(memory) if memory else 0)


def deploy(*, canary: str | float | None = None, environment: str = "") -> ir.Deploy:
    """Deploy each new version as the last step of its training, once its gates are passed and people approved it.

    Parameters
    ----------
    canary : str or float, optional
        The share of traffic it begins with, as ``"10%"``; by default it answers all of it at once. So does the first
        version of a service, which has nothing to stand beside.
    environment : str
        Let it stand there, as in ``"staging"``, and move no traffic.

    Raises
    ------
    DefinitionError
        The share is none, or both are given.

    Examples
    --------
    >>> deploy(canary="10%")
    Deploy(canary=0.1, environment='')
    """
    if canary is not None and environment:
        raise mistake("a canary is traffic, and an environment moves none", "give one of the two")
    if environment and not re.fullmatch(r"[a-z][a-z0-9_-]*", environment):
        raise mistake(f"{environment!r} can't name an environment", 'write one like "staging"')
    share = 0.0 if canary is None else share_of("canary", canary)
    if canary is not None and not share:
        raise mistake(f"canary={canary!r} is no traffic at all", 'write one like "10%"')
    return ir.Deploy(share, environment)


def _inputs(fn: Callable[..., Any]) -> tuple[str, ...]:
    if not inspect.isfunction(fn):
        raise mistake(f"{fn!r} is no function", "write @tw.pipeline.step() over a def")
    given = inspect.signature(fn).parameters.values()
    if any(one.kind in (one.VAR_POSITIONAL, one.VAR_KEYWORD, one.POSITIONAL_ONLY) for one in given):
        raise mistake(f"the step {fn.__name__} takes what has no name", "name each parameter by what it is given")
    return tuple(one.name for one in given if one.default is one.empty)
