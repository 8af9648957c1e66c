"""``init``, ``plan`` and the command itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.shop import done, tidewheel

from tidewheel.cli.main import COMMANDS, cli


def test_help_lists_every_command_and_imports_none() -> None:
    code = (
        "import sys\nfrom tidewheel.cli.main import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "heavy = {'numba', 'numpy', 'pyarrow', 'lightgbm', 'sqlalchemy', 'rich'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert all(f"  {name} " in told for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_shows_an_example(name: str) -> None:
    told = done(name, "--help").out
    assert "Example:\n" in told
    assert "tidewheel" in told.partition("Example:")[2]


@pytest.mark.parametrize("name", ["quarantine", "log", "features"])
def test_commands_below_a_command_show_an_example(name: str) -> None:
    with cli.make_context("tidewheel", ["status"]) as context:
        group = cli.get_command(context, name)
    for below in group.commands:  # type: ignore[union-attr]  # these three are groups
        assert "Example:\n" in done(name, below, "--help").out


def test_init_writes_a_project_that_plans(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    assert "tidewheel ingest orders.csv --as Order" in done("init", str(folder)).out
    told = done("plan", folder=folder).out
    assert "SentBack" in told
    assert "nothing is live yet" in told


def test_init_overwrites_nothing(tmp_path: Path) -> None:
    done("init", str(tmp_path / "shop"))
    ran = tidewheel("init", str(tmp_path / "shop"))
    assert (ran.code, "there is a project already" in ran.err) == (1, True)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "project.py").write_text("mine = True\n")
    ran = tidewheel("init", str(tmp_path / "mine"))
    assert (ran.code, "would be overwritten" in ran.err) == (1, True)
    assert (tmp_path / "mine" / "project.py").read_text() == "mine = True\n"
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["project.py"]


def test_plan_tells_what_changed(trained: Path) -> None:
    assert "no change against what is live" in done("plan", folder=trained).out
    module = trained / "project.py"
    module.write_text(module.read_text().replace('tw.count(Order, "30d")', 'tw.count(Order, "60d")'))
    told = done("plan", folder=trained).out
    assert "~ CustomerHistory" in told
    assert "features CustomerHistory changed: ~orders_30d\n" in told
    changes = done("plan", "--json", folder=trained).json["changes"]
    assert any("CustomerHistory" in change for change in changes)


def test_a_misspelt_command_is_told_with_the_one_that_was_meant(empty: Path) -> None:
    said = tidewheel("trian", "Fraud", folder=empty)
    assert said.code == 2
    assert "No such command 'trian'. Did you mean 'train'?" in said.err


def test_a_folder_without_a_project_is_told(tmp_path: Path) -> None:
    for command in (["status"], ["plan"], ["runs"], ["train", "Fraud"], ["up"]):
        ran = tidewheel(*command, folder=tmp_path)
        assert ran.code == 1
        assert "there is no tidewheel.toml" in ran.err
        assert "tidewheel init" in ran.err


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("port = 'many'", "port"),
        ("prot = 8700", "prot"),
        ("port = ", "TOML"),
        ("project = 'absent.py'", "absent.py"),
        ("clock = 'sundial'", "clock"),
    ],
)
def test_a_wrong_setting_is_named(empty: Path, settings: str, said: str) -> None:
    (empty / "tidewheel.toml").write_text(settings + "\n")
    ran = tidewheel("plan", folder=empty)
    assert ran.code == 1
    assert said in ran.err
    assert "tidewheel.toml" in ran.err


def test_a_mistake_in_a_declaration_is_shown_with_its_place(empty: Path) -> None:
    module = empty / "project.py"
    module.write_text(module.read_text().replace("tw.sum(Order.amount,", "tw.sum(Order.amout,"))
    ran = tidewheel("plan", folder=empty)
    assert ran.code == 1
    assert "project.py:" in ran.err
    assert "did you mean 'amount'" in ran.err


def test_an_unknown_environment_is_told(empty: Path) -> None:
    ran = tidewheel("--env", "moon", "plan", folder=empty)
    assert (ran.code, "moon" in ran.err) == (1, True)


def test_what_nobody_foresaw_is_one_sentence_and_a_file(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_arguments: object) -> None:
        raise RuntimeError("out of luck")

    monkeypatch.setattr("tidewheel.cli.views.plan.draw_plan", broken)
    ran = tidewheel("plan", folder=empty)
    assert ran.code == 70
    assert "RuntimeError: out of luck" in ran.err
    details = Path(ran.err.partition("details: ")[2].strip())
    assert "out of luck" in details.read_text()
    details.unlink()


def test_a_plan_that_would_be_refused_ends_with_1(filled: Path) -> None:
    module = filled / "project.py"
    module.write_text(module.read_text().replace("    amount: float\n", "    amount: float\n    till: tw.Key\n"))
    planned = tidewheel("plan", folder=filled)
    assert planned.code == 1
    assert "refused: Order:" in planned.out
