"""Repeating a run with the code and the packages that it was made by: in a git worktree, in a new environment."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from tidewheel.errors import TrainingError
from tidewheel.workspace.models.environment import bare, fresh_environment

if TYPE_CHECKING:
    from tidewheel.training import RerunReport

_GIT_SECONDS = 120


def rerun_in_worktree(folder: str | Path, env: str | None, name: str, *, environment: bool = False) -> RerunReport:
    """Repeat a run in a process of its own, on a clean checkout of the code that the run was made by.

    Events, catalog and artifacts are the workspace's own. The checkout and the environment are removed afterwards.

    Parameters
    ----------
    folder : str or Path
        The project's.
    name : str
        A run's id, or a version's name.
    environment : bool
        Whether to make the recorded environment anew, instead of using the packages that are here.

    Returns
    -------
    RerunReport

    Raises
    ------
    TrainingError
        The run was made outside a repository, its commit is not there any more, its environment can't be made
        again, or the repetition can't go on.
    """
    from tidewheel.registry.runs.runs import get_run
    from tidewheel.registry.versions.versions import get_version
    from tidewheel.workspace.opening import open_unloaded

    with open_unloaded(folder, env=env) as workspace:
        catalog = workspace.stores.catalog
        run = get_run(catalog, get_version(catalog, name).run if "@" in name else name)
        commit, patch = run.lineage.commit, run.lineage.dirty_patch
        changes = workspace.stores.artifacts.read(patch) if patch else b""
        lock = run.artifacts.get("environment", "")
        packages = workspace.stores.artifacts.read(lock).decode() if environment and lock else ""
        data = workspace.stores.config.layout.root
    if not commit:
        raise TrainingError(
            f"run {run.id} was made outside a git repository: there is no commit to go back to",
            remedy=f"repeat it with the code as it is now: tidewheel rerun {run.id}",
        )
    with ExitStack() as stack:
        place = stack.enter_context(checked_out(Path(folder).resolve(), commit, changes))
        if not environment:
            return _repeated(Path(sys.executable), dict(os.environ), place, env, run.id, data)
        return _repeated(stack.enter_context(fresh_environment(packages)), bare(), place, env, run.id, data)


@contextmanager
def checked_out(folder: Path, commit: str, changes: bytes) -> Iterator[Path]:
    """Give a project's folder as it was at a commit, with changes over it; it is removed afterwards."""
    top = Path(_git(folder, "rev-parse", "--show-toplevel").decode().strip())
    with tempfile.TemporaryDirectory(prefix="tidewheel-rerun-") as scratch:
        tree = Path(scratch) / "tree"
        _git(top, "worktree", "add", "--detach", str(tree), commit)
        try:
            place = tree / folder.relative_to(top)
            place.mkdir(parents=True, exist_ok=True)
            if changes:
                # The record of changes names files from the project's folder.
                below = [] if folder == top else [f"--directory={folder.relative_to(top)}"]
                _git(tree, "apply", "--whitespace=nowarn", *below, "-", given=changes)
            yield place
        finally:
            _git(top, "worktree", "remove", "--force", str(tree))


def _repeated(
    python: Path, variables: dict[str, str], place: Path, env: str | None, run: str, data: Path
) -> RerunReport:
    from tidewheel.training import RerunReport

    command = [str(python), "-P", "-m", "tidewheel", "-C", str(place), *(["--env", env] if env else [])]
    told = variables | {"TIDEWHEEL_DATA": str(data)}
    done = subprocess.run([*command, "rerun", run, "--json"], env=told, capture_output=True, check=False)
    try:
        return msgspec.json.decode(done.stdout, type=RerunReport)
    except msgspec.DecodeError:
        said = done.stderr.decode(errors="replace").strip().removeprefix("error: ")
        raise TrainingError(f"the repetition could not go on: {said}", where=f"the code of run {run}") from None


def _git(folder: Path, *arguments: str, given: bytes = b"") -> bytes:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], input=given, capture_output=True, timeout=_GIT_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        remedy = "install git, or repeat with the code as it is"
        raise TrainingError(f"git can't be run: {error}", remedy=remedy) from error
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()
        raise TrainingError(f"git {arguments[0]}: {said}", where=str(folder), remedy="is the commit still there?")
    return done.stdout
