"""What a run was made from: code, libraries, machine. Gathered, never asked for."""

from __future__ import annotations

import hashlib
import platform
import subprocess
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

LIBRARIES = ("tidewheel", "numpy", "numba", "pyarrow", "scikit-learn", "lightgbm", "optuna", "scipy")
_GIT_SECONDS = 20


def code_state(folder: Path) -> dict[str, str]:
    """Return the commit a folder is at and a digest of what differs from it.

    Returns
    -------
    dict
        ``commit`` (empty when the folder is not in a git repository), ``patch`` (SHA-256 of the
        difference and of untracked files, empty when clean), ``files`` (SHA-256 of the folder's Python and TOML files).
    """
    commit = _git(folder, "rev-parse", "HEAD").decode().strip()
    return {
        "commit": commit,
        "patch": _patch(folder) if commit else "",
        "files": _files_digest(sorted([*folder.rglob("*.py"), *folder.glob("*.toml")]), folder),
    }


def library_versions() -> dict[str, str]:
    """Return the versions of the libraries that can change a result, and of Python.

    Examples
    --------
    >>> sorted(library_versions())[:2]
    ['lightgbm', 'numba']
    """
    versions = {"python": platform.python_version(), "processor": platform.machine()}
    for name in LIBRARIES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions


def _patch(folder: Path) -> str:
    difference = _git(folder, "diff", "HEAD", "--binary", "--", ".")
    untracked = _git(folder, "ls-files", "--others", "--exclude-standard", "-z", "--", ".").decode().split("\0")
    paths = [folder / name for name in untracked if name.endswith((".py", ".toml"))]
    if not difference and not paths:
        return ""
    return hashlib.sha256(difference + _files_digest(sorted(paths), folder).encode()).hexdigest()


def _files_digest(paths: Iterable[Path], folder: Path) -> str:
    hasher = hashlib.sha256()
    for path in paths:
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts):
            hasher.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes() + b"\0")
    return hasher.hexdigest()


def _git(folder: Path, *arguments: str) -> bytes:
    """Return what git prints, nothing when it fails: a project need not be in a repository."""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, timeout=_GIT_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return b""
    return done.stdout if done.returncode == 0 else b""
