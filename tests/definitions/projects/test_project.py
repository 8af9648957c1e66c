from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest
from tests.definitions.conftest import SHOP, Load

import tidewheel as tw
from tidewheel.definitions import compile_declarations, compile_module, digest, ir, load_project
from tidewheel.errors import ConfigError, DefinitionError, NotFoundError


def test_what_models_and_services_reach_is_live(load: Load) -> None:
    project = load("class Unused(tw.Features, by=Card):\n    x = tw.count(Visit)\n")
    assert [group.name for group in project.graph.groups] == ["History"]
    assert [source.name for source in project.graph.sources] == [
        "Appeal", "Card", "Chargeback", "Payment", "Terminal", "Visit",
    ]  # fmt: skip
    assert list(project.models) == ["Fraud"]
    assert project.declaration("Unused").__name__ == "Unused"
    with pytest.raises(NotFoundError, match="no 'Scor'; did you mean 'Score'"):
        project.declaration("Scor")


def test_without_models_everything_is_live(load: Load) -> None:
    shop = SHOP[: SHOP.index("class Fraud")]
    assert [view.name for view in load(shop=shop).graph.views] == ["Row"]


def test_a_mistake_in_what_is_not_live_is_a_mistake(load: Load) -> None:
    with pytest.raises(DefinitionError, match=r"Unused\.x"):
        load("class Unused(tw.Features, by=Card):\n    x = tw.count(Visit, '10m')\n")


def test_settings_are_kept(load: Load, tmp_path: Path) -> None:
    load()
    (tmp_path / "tidewheel.toml").write_text('clock = "replay"\n[log]\nsync = "second"\n')
    project = load_project(str(tmp_path))
    assert project.config == {"clock": "replay", "log": {"sync": "second"}}
    assert project.folder == tmp_path


def test_helpers_beside_the_module(load: Load, tmp_path: Path) -> None:
    before = list(sys.path)
    project = load("import shared\nVALUE = shared.VALUE\n", shared="VALUE = 1\n")
    assert project.module.VALUE == 1
    assert sys.path == before
    other = tmp_path / "other"
    other.mkdir()
    (other / "tidewheel.toml").write_text("")
    (other / "project.py").write_text("import shared\nVALUE = shared.VALUE\n")
    (other / "shared.py").write_text("VALUE = 2\n")
    assert load_project(other).module.VALUE == 2
    assert load("from shared import VALUE\n", shared="VALUE = 3  # edited since\n").module.VALUE == 3
    assert project.module.VALUE == 1


def test_features_shared_by_importing_them(load: Load) -> None:
    project = load(
        "from rows import *\nclass V(tw.View, on=Payment):\n    h = History\n    a = Payment.amount\n"
        "class M(tw.Model):\n    view = V\n    label = tw.happened(Chargeback, within='1d')\n",
        shop="import tidewheel as tw\n",
        rows=SHOP,
    )
    assert [model.name for model in project.graph.models] == ["Fraud", "M"]


def test_declarations_of_another_module(load: Load, tmp_path: Path) -> None:
    project = load(shop="from rows import Fraud, Score\n", rows=SHOP)
    assert [service.name for service in project.graph.services] == ["Score"]
    assert "Visit" not in [source.name for source in project.graph.sources]
    assert project.graph.services[0].file == "rows.py"
    assert compile_module(project.module) == project.graph


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import nowhere_at_all", r"project.py:\d+: ModuleNotFoundError: No module named 'nowhere_at_all'"),
        ("x = (", r"project.py:\d+: "),
        ("1 / 0", r"project.py:\d+: ZeroDivisionError"),
        ("gate = tw.at_least('brier', None)", r"project.py:\d+: None is no number"),
        ("import broken", r"broken.py:2: ZeroDivisionError"),
    ],
)
def test_a_module_that_fails(load: Load, code: str, words: str) -> None:
    with pytest.raises(DefinitionError, match=words):
        load(code, broken="x = 1\n1 / 0\n")
    assert not any(
        name.startswith("tidewheel_project_") and "test_a_module_that_fails" in str(module)
        for name, module in sys.modules.items()
    )


def test_folders_that_are_no_project(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"holds no tidewheel.toml; .*tidewheel init"):
        load_project(tmp_path)
    with pytest.raises(ConfigError, match=r"holds no tidewheel\.toml"):
        load_project(tmp_path / "missing")
    (tmp_path / "tidewheel.toml").write_text("project = [\n")
    with pytest.raises(ConfigError, match="can't be read"):
        load_project(tmp_path)
    for setting in ("", "project = 5", 'project = "other.py"'):
        (tmp_path / "tidewheel.toml").write_text(setting)
        with pytest.raises(ConfigError, match="there is no module"):
            load_project(tmp_path)
    (tmp_path / "project.txt").write_text("")
    (tmp_path / "tidewheel.toml").write_text('project = "project.txt"')
    with pytest.raises(ConfigError, match="is no Python module"):
        load_project(tmp_path)


def test_only_declarations_are_compiled() -> None:
    with pytest.raises(DefinitionError, match="is no declaration"):
        compile_declarations(int)
    with pytest.raises(DefinitionError, match="is no declaration"):
        compile_declarations(tw.Event)


def test_classes_of_a_function_name_each_other() -> None:
    class Node(tw.Event):
        id: tw.Id
        next: tw.Ref[After] | None

    class After(tw.Event):
        id: tw.Id
        node: tw.Ref[Node]

    assert [source.name for source in compile_declarations(Node, After).sources] == ["After", "Node"]


def test_an_edit_is_seen_at_once(load: Load) -> None:
    code = "class V(tw.View, on=Payment):\n    @tw.derived(Payment.amount)\n    def f(x):\n        return x + {n}\n"
    code += "class M(tw.Model):\n    view = V\n    label = tw.happened(Chargeback, within='1d')\n"
    for n in range(3):
        views = load(code.format(n=n)).graph.views
        derived = next(view for view in views if view.name == "V").columns[0].value
        assert isinstance(derived, ir.Derived)
        assert f"x + {n}" in derived.source


def test_annotations_that_are_no_strings(load: Load) -> None:
    plain = SHOP.replace("from __future__ import annotations", "")
    assert digest(load(shop=plain).graph) == digest(load().graph)


def test_a_project_without_a_file() -> None:
    module = ModuleType("notebook")
    exec("import tidewheel as tw\nclass A(tw.Event):\n    x: float\n", vars(module))
    assert [(source.name, source.file) for source in compile_module(module).sources] == [("A", "<string>")]
