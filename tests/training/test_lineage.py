"""Lineage sees what git sees, and does without it."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tidewheel.training.lineage import code_state, library_versions


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True)


def test_a_dirty_tree_has_a_patch_digest_and_a_clean_one_has_none(tmp_path: Path) -> None:
    source = tmp_path / "project.py"
    source.write_text("a = 1\n")
    outside = code_state(tmp_path)
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "one")
    clean = code_state(tmp_path)
    assert len(clean.commit) == 40
    assert clean.patch == b""
    assert clean.files == outside.files
    source.write_text("a = 2\n")
    dirty = code_state(tmp_path)
    assert dirty.commit == clean.commit
    assert dirty.patch != b""
    source.write_text("a = 1\n")
    (tmp_path / "new.py").write_text("b = 1\n")
    assert b"+b = 1" in code_state(tmp_path).patch
    assert code_state(tmp_path).patch not in (b"", dirty.patch)


def test_outside_a_repository_the_files_still_have_a_digest(tmp_path: Path) -> None:
    (tmp_path / "project.py").write_text("a = 1\n")
    state = code_state(tmp_path)
    assert state.patch == b""
    assert len(state.files) == 64


def test_versions_of_what_can_change_a_result() -> None:
    assert {"python", "numpy", "lightgbm", "scikit-learn"} <= set(library_versions())
