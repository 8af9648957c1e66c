"""A project's folder as it was when a run was made."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tidewheel.errors import TrainingError
from tidewheel.training.lineage import code_state, environment_lock
from tidewheel.workspace.models.repeating import checked_out


def git(folder: Path, *arguments: str) -> None:
    who = ("-c", "user.email=a@example.org", "-c", "user.name=ann")
    subprocess.run(["git", "-C", str(folder), *who, *arguments], check=True, capture_output=True)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Give a project below the top of a repository."""
    folder = tmp_path / "repository" / "fraud"
    folder.mkdir(parents=True)
    (folder / "project.py").write_text("trees = 10\n")
    git(folder.parent, "init", "-q")
    git(folder.parent, "add", ".")
    git(folder.parent, "commit", "-qm", "begin")
    return folder


def test_a_checkout_is_the_code_that_the_run_saw(project: Path) -> None:
    (project / "project.py").write_text("trees = 20\n")
    (project / "rules.py").write_text("late = 3\n")
    (project / "tidewheel.toml").write_text('max_map = "64MB"\n')
    then = code_state(project)
    git(project, "add", ".")
    git(project, "commit", "-qm", "go on")
    (project / "project.py").write_text("trees = 30\n")
    with checked_out(project, then.commit, then.patch) as place:
        assert (place / "project.py").read_text() == "trees = 20\n"
        assert (place / "rules.py").read_text() == "late = 3\n"
        assert code_state(place) == then, "its own record of the code is the same"
    assert not place.exists()
    trees = subprocess.run(["git", "-C", str(project), "worktree", "list"], capture_output=True, check=True).stdout
    assert len(trees.splitlines()) == 1
    assert (project / "project.py").read_text() == "trees = 30\n", "what is worked on is left alone"


def test_a_commit_that_is_gone(project: Path) -> None:
    with pytest.raises(TrainingError, match="git worktree"), checked_out(project, "0" * 40, b""):
        pass


def test_the_lock_names_every_package_once() -> None:
    lines = environment_lock().decode().splitlines()
    assert lines[0].startswith("# python 3.")
    assert len(lines) == len(set(lines))
    assert any(line.startswith("lightgbm==") for line in lines)
