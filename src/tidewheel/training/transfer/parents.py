"""Which versions a run learns from: named by the declaration, resolved once, held to for good."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tidewheel.definitions import ir
from tidewheel.errors import NotFoundError, TrainingError
from tidewheel.registry.models.bundles import Bundle, load_bundle
from tidewheel.registry.runs.runs import get_run
from tidewheel.registry.versions.names import parse_name
from tidewheel.registry.versions.versions import Version, get_version
from tidewheel.training.context import TrainingContext
from tidewheel.training.evaluation.evaluate import chosen_metrics
from tidewheel.training.fit.native import FORMS
from tidewheel.training.fit.scoring import view_of
from tidewheel.training.fit.warm import Start
from tidewheel.training.transfer.chains import named_scores

START, TEACHER = "init_from", "teacher"


@dataclass(frozen=True)
class Teacher:
    """A version that teaches, and how.

    Attributes
    ----------
    bundle : Bundle
    how : ir.Teacher
    classes : bool
        Whether it is to give probabilities.
    """

    bundle: Bundle
    how: ir.Teacher
    classes: bool


@dataclass(frozen=True)
class Parents:
    """The versions that a run learns from.

    Attributes
    ----------
    start : Start, optional
        The model that fits go on from.
    teacher : Teacher, optional
    key : list of str
        Hashes of all that is taken from them: what a fit depends on.
    """

    start: Start | None = None
    teacher: Teacher | None = None
    key: tuple[str, ...] = ()

    @property
    def temperature(self) -> float:
        """At which scores are learned from the teacher: 1 without one, or when it has no say."""
        return self.teacher.how.temperature if self.teacher is not None and self.teacher.how.weight else 1.0


def named_parents(context: TrainingContext, model: ir.Model) -> dict[str, str]:
    """Return the versions that a model's `init_from`, `teacher` and score columns mean now, by those words.

    An alias of the model itself, such as ``Fraud@champion``, may stand for nothing yet: then the first run begins
    anew.

    Raises
    ------
    NotFoundError
        There is no such version.
    """
    found = named_scores(context.catalog, context.view(model))
    if model.init_from:
        of, which = parse_name(model.init_from)
        try:
            found[START] = get_version(context.catalog, model.init_from).name
        except NotFoundError:
            if of != model.name or which.isdigit():
                raise
    if model.teacher is not None:
        found[TEACHER] = get_version(context.catalog, model.teacher.version).name
    return found


def load_parents(context: TrainingContext, model: ir.Model, names: Mapping[str, str]) -> Parents:
    """Return what a run of a model takes from versions that `named_parents` named.

    Raises
    ------
    NotFoundError
        A version, or a file of it, is gone.
    TrainingError
        A version kept nothing that can be gone on from, or learned from.
    CorruptError
        A file is damaged.
    """
    start = teacher = None
    key: list[str] = []
    if START in names:
        version = get_version(context.catalog, names[START])
        start, digest = _start(context, version)
        key += [digest, version.bundle]
    if TEACHER in names and model.teacher is not None:
        version = get_version(context.catalog, names[TEACHER])
        classes = chosen_metrics(model.metrics)[1]
        teacher = Teacher(_bundle(context, version), model.teacher, classes)
        key.append(version.bundle)
    return Parents(start, teacher, tuple(key))


def _start(context: TrainingContext, version: Version) -> tuple[Start, str]:
    run, bundle = get_run(context.catalog, version.run), _bundle(context, version)
    manifest = bundle.manifest
    digest = next((run.artifacts[name] for name in FORMS if name in run.artifacts), "")
    if not digest or manifest.predictor.objective == "focal":
        why = "it was boosted by focal loss" if digest else "its run kept no model of its library's own"
        raise TrainingError(
            f"can't go on from {version.name}: {why}", remedy="docs/learners.md says what is kept of which"
        )
    model = context.artifacts.get(context.artifacts.current(digest)).read_bytes()
    estimator = str(run.parameters.get("estimator", ""))
    return Start(version.name, estimator, model, view_of(bundle), manifest.columns, manifest.levels), digest


def _bundle(context: TrainingContext, version: Version) -> Bundle:
    if not version.bundle:
        raise TrainingError(
            f"can't learn from {version.name}: it has no bundle, since its estimator can't be served",
            remedy="name a version that can be deployed; `tidewheel show` says whether one is servable",
        )
    return load_bundle(context.artifacts, version.bundle)
