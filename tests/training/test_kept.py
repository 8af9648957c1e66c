"""What a run keeps of its model: forms that releases outlive, a pickle only where a person says so."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from training_world import MODELS, payments, world

import tidewheel
from tidewheel.cli.views.plan import draw_plan
from tidewheel.cli.views.version import print_version
from tidewheel.errors import CorruptError, InputError, NotFoundError, TrainingError
from tidewheel.monitoring.card import card_markdown
from tidewheel.monitoring.run_story import run_story
from tidewheel.registry.runs.runs import PICKLE, get_run
from tidewheel.registry.versions.versions import get_version
from tidewheel.training import TrainingContext, train
from tidewheel.training.export.model import kept_model
from tidewheel.training.fit.kept import load_kept
from tidewheel.training.fit.native import native_files
from tidewheel.workspace.summaries import Declared, Plan


class Mean:
    """A learner that no library knows: it tells the mean label."""

    mean = 0.0

    def fit(self, x: np.ndarray, y: np.ndarray) -> Mean:
        self.mean = float(y.mean())
        return self

    def predict(self, x: np.ndarray) -> np.ndarray:
        return np.full(len(x), self.mean)


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrainingContext]:
    with world(tmp_path_factory.mktemp("world"), payments(900)) as found:
        yield replace(found, models=MODELS | {"Neighbours": type("Own", (), {"estimator": Mean()})})


def test_a_library_s_model_comes_back_as_its_library_reads_it(context: TrainingContext) -> None:
    version = train(context, "Tuned", trials=1).version
    booster = kept_model(context.catalog, context.artifacts, version)
    assert booster.num_trees() == 10
    run = get_run(context.catalog, get_version(context.catalog, version).run)
    path = context.artifacts.get(run.artifacts["model.txt"])
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(CorruptError):
        kept_model(context.catalog, context.artifacts, version)


def test_without_a_person_s_word_nothing_is_pickled(context: TrainingContext) -> None:
    result = train(context, "Neighbours")
    assert PICKLE not in get_run(context.catalog, result.run_id).artifacts
    with pytest.raises(NotFoundError, match="kept no model of its library's own"):
        kept_model(context.catalog, context.artifacts, result.version)


def test_a_pickle_is_flagged_and_loaded_on_request_alone(
    context: TrainingContext, capsys: pytest.CaptureFixture[str]
) -> None:
    result = train(context, "Neighbours", allow_pickle=True)
    version, run = get_version(context.catalog, result.version), get_run(context.catalog, result.run_id)
    assert version.bundle == ""  # so no worker is ever given it
    with pytest.raises(InputError, match="kept as a pickle, which runs code when it is loaded"):
        kept_model(context.catalog, context.artifacts, version.name)
    model = kept_model(context.catalog, context.artifacts, version.name, allow_pickle=True)
    assert 0 < model.mean < 1
    print_version(version, run)
    assert "warning: its model is kept as a pickle" in capsys.readouterr().out
    card = card_markdown(run_story(context.catalog, context.artifacts, run))
    assert "a pickle, which runs code when it is loaded" in card
    assert "load it only if you trust who made it" in card


def test_what_has_another_form_is_not_pickled(context: TrainingContext) -> None:
    run = get_run(context.catalog, train(context, "Tuned", trials=1, allow_pickle=True).run_id)
    assert "model.txt" in run.artifacts
    assert PICKLE not in run.artifacts


def test_what_can_not_be_pickled_is_told() -> None:
    model = Mean()
    model.name = lambda: "mean"  # type: ignore[attr-defined]
    with pytest.raises(TrainingError, match="Mean can't be kept, not as a pickle either"):
        native_files(model, [0], allow_pickle=True)


def test_a_damaged_pickle_is_refused() -> None:
    for damage in (b"", b"junk", pickle.dumps(Mean())[:-5]):
        with pytest.raises(CorruptError, match="Own@1: its library can't read the kept model"):
            load_kept(PICKLE, damage, "Own@1", allow_pickle=True)


def test_no_room_that_serves_ever_loads_a_pickle() -> None:
    source = Path(tidewheel.__file__).parent
    rooms = {path.relative_to(source).parts[0] for path in source.rglob("*.py") if "pickle.load" in path.read_text()}
    assert "training" in rooms
    assert not rooms & {"serving", "routing", "registry", "features", "collect", "runtime", "storage", "kernel"}


def test_the_plan_warns_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    warned = Declared("model", "Own", "0" * 64, (), "new", warning="may be kept as a pickle")
    draw_plan(Plan([warned, Declared("model", "Other", "1" * 64, (), "new")], [], None))
    own, other = (line for line in capsys.readouterr().out.splitlines() if line.startswith("  +"))
    assert own.endswith("(new)  warning: may be kept as a pickle")
    assert other.endswith("(new)")
