"""``tw.split``: which rows a model is trained on and which it is tested on.

Every way is a pure function of the rows: the same rows, the same sides, whatever their order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from tidewheel.definitions.features.options import KeyLike
from tidewheel.definitions.language.durations import Duration
from tidewheel.definitions.language.places import mistake
from tidewheel.definitions.language.quantities import whole

__all__ = ["by_group", "expanding", "random", "sliding", "temporal"]

MOST_FOLDS = 100


@dataclass(frozen=True, eq=False)
class Splitting:
    """Made by the functions of ``tw.split`` and by ``tw.temporal``."""

    kind: Literal["temporal", "group", "random", "expanding", "sliding"]
    test: Duration | None = None
    gap: Duration | None = None
    by: Any = None
    share: float = 0.0
    folds: int = 0
    train: Duration | None = None
    seed: int = 0


def temporal(*, test: Duration, gap: Duration | None = None, blocked_by: KeyLike = None) -> Splitting:
    """Test on the last `test`; the `gap` before it, by default the label's horizon, goes to neither set.

    Parameters
    ----------
    test : duration
    gap : duration, optional
        Never shorter than the label's horizon.
    blocked_by : entity or column, optional
        Rows of an entity that has a test row are not trained on.

    Examples
    --------
    >>> temporal(test="30d", gap="7d").kind
    'temporal'
    """
    return Splitting("temporal", test, gap, blocked_by)


def by_group(by: KeyLike, *, test: float = 0.2, seed: int = 0) -> Splitting:
    """Test on a share of the entities, chosen by a hash of their key; no entity is on both sides.

    Parameters
    ----------
    by : entity or column
        Whose row it is: ``Payment.card``.
    test : float
        Share of the entities, more than 0 and less than 1.
    seed : int
        Another one chooses other entities.
    """
    return Splitting("group", by=by, share=_share(test), seed=whole("seed", seed, 0))


def random(*, test: float = 0.2, seed: int = 0) -> Splitting:
    """Test on a share of the rows, chosen by a hash of their id.

    Rows that lie close in time are on both sides, so this tells nothing about the future: take it where time
    plays no part.
    """
    return Splitting("random", share=_share(test), seed=whole("seed", seed, 0))


def expanding(*, folds: int, test: Duration, gap: Duration | None = None, blocked_by: KeyLike = None) -> Splitting:
    """As `temporal`, and measured on `folds` earlier cuts as well, each trained on all that came before it.

    The folds' test periods are `test` long, one right before the other, and end where the final test's gap begins:
    all lie on the train side of the final cut.

    Examples
    --------
    >>> expanding(folds=5, test="7d").folds
    5
    """
    return Splitting("expanding", test, gap, blocked_by, folds=whole("folds", folds, high=MOST_FOLDS))


def sliding(
    *, folds: int, test: Duration, train: Duration, gap: Duration | None = None, blocked_by: KeyLike = None
) -> Splitting:
    """As `expanding`, but every cut, the final one too, is trained on the last `train` before its gap alone."""
    return Splitting("sliding", test, gap, blocked_by, folds=whole("folds", folds, high=MOST_FOLDS), train=train)


def _share(value: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0.0 < value < 1.0:
        raise mistake(f"test={value!r} is no share of the rows", "write test=0.2")
    return float(value)
