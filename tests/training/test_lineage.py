"""Lineage sees what git sees, and does without it."""

from __future__ import annotations

import site
import subprocess
import sys
from pathlib import Path

import pytest

from tidewheel.training.lineage import code_state, environment_lock, library_versions


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


def test_the_lock_names_what_is_installed_and_not_what_packages_carry_inside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder, name in ((tmp_path, "whole"), (tmp_path / "whole" / "vendored", "carried")):
        info = folder / f"{name}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        monkeypatch.setattr(sys, "path", [*sys.path, str(folder)])
    before = site.getsitepackages()
    monkeypatch.setattr(site, "getsitepackages", lambda: [*before, str(tmp_path)])
    lock = environment_lock().decode().splitlines()
    assert "whole==1.0" in lock
    assert "carried==1.0" not in lock
