"""Parents and the rows of a run: columns and levels that have to fit, a teacher's targets, test rows they know."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from tidewheel.collect.keeping.history import History
from tidewheel.definitions import digest, ir
from tidewheel.errors import NotFoundError, TrainingError
from tidewheel.registry.models.bundles import ArtifactStore
from tidewheel.training.context import TrainingContext
from tidewheel.training.data.findings import Finding
from tidewheel.training.data.gather import Gathered
from tidewheel.training.fit.scoring import scores_of, view_of
from tidewheel.training.fit.taught import mixed
from tidewheel.training.fit.warm import Start
from tidewheel.training.transfer.chains import learned_rows
from tidewheel.training.transfer.parents import Teacher

Floats = npt.NDArray[np.float64]


def carried_levels(levels: Mapping[str, list[str]], start: Start, columns: list[str]) -> dict[str, list[str]]:
    """Return the levels by which rows are encoded so that `start` reads them as its own: its levels, then new ones.

    Raises
    ------
    TrainingError
        It was fitted on other columns.

    Examples
    --------
    >>> view = ir.View("Payments", "Payment", (), ())
    >>> start = Start("Fraud@2", "LGBMClassifier", b"", view, ("country",), {"country": ("NO", "SE")})
    >>> carried_levels({"country": ["DK", "SE"]}, start, ["country"])
    {'country': ['NO', 'SE', 'DK']}
    """
    if list(start.columns) != columns or set(start.levels) != set(levels):
        other = sorted(set(start.columns) ^ set(columns)) or "the same ones in another order, or of another kind"
        raise TrainingError(
            f"can't go on from {start.version}: it was fitted on other columns ({other})",
            remedy="name a version of the same view, or drop init_from",
        )
    return {
        name: [*start.levels[name], *(level for level in found if level not in set(start.levels[name]))]
        for name, found in levels.items()
    }


def targets(artifacts: ArtifactStore, y: Floats, gathered: Gathered, history: History, teacher: Teacher) -> Floats:
    """Return what a fit is to learn of each row: of the train rows labels and the teacher's scores, mixed.

    Raises
    ------
    TrainingError
        The teacher's view is of another event, or it gives no probabilities where there are classes.
    """
    of, here, how = view_of(teacher.bundle).on, gathered.view.on, teacher.how
    if of != here:
        raise TrainingError(f"{how.version} scores rows of {of}, and this model learns from rows of {here}")
    train = gathered.sides.train
    rows, columns = gathered.rows.take(train), gathered.data.view.take(train)
    said = scores_of(artifacts, teacher.bundle, history, rows, columns, digest(gathered.view))
    target = y.copy()
    target[train] = mixed(y[train], said, how.weight, how.temperature, teacher.classes)
    return target


def parent_findings(
    context: TrainingContext, model: ir.Model, names: Mapping[str, str], start: Start | None, gathered: Gathered
) -> list[Finding]:
    """Return what to know of a run's parents: what they read otherwise, and which test rows they learned from."""
    found = []
    if model.init_from and start is None:
        said = f"{model.init_from} stands for no version yet: this run began anew"
        found.append(Finding("no parent yet", "", said, level="note"))
    if start is not None:
        theirs = {column.name: column.value for column in start.view.columns}
        other = [column.name for column in gathered.view.columns if theirs.get(column.name) != column.value]
        said = f"{start.version} was fitted on other definitions, or other learned constants, of {', '.join(other)}"
        found += [Finding("parent read otherwise", "", said, {"columns": other})] if other else []
    return [*found, *(finding for word, name in names.items() for finding in _known(context, word, name, gathered))]


def _known(context: TrainingContext, word: str, name: str, gathered: Gathered) -> list[Finding]:
    """Return a finding where a parent learned from rows that this run tests on."""
    test = gathered.data.offset[gathered.sides.test]
    try:
        learned = learned_rows(context.catalog, context.artifacts, name)
    except NotFoundError:
        said = f"{name} ({word}) may have learned from test rows: its data set is not kept any more"
        return [Finding("parent knew test rows", "", said, level="note")]
    both = int(np.isin(test, learned).sum())
    said = f"{name} ({word}) learned from {both:,} of {test.size:,} test rows: metrics on them are too good"
    return [Finding("parent knew test rows", "", said, {"rows": both, "test": test.size})] if both else []
