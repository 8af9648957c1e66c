"""What a run was made from: code, libraries, machine. Gathered, never asked for."""

from __future__ import annotations

import hashlib
import platform
import site
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

LIBRARIES = (
    "tidewheel",
    "numpy",
    "numba",
    "pyarrow",
    "scikit-learn",
    "lightgbm",
    "optuna",
    "scipy",
    "xgboost-cpu",
    "catboost",
    "torch",
    "onnxruntime",
)
_GIT_SECONDS = 20


@dataclass(frozen=True)
class Code:
    """The state of a project's folder.

    Attributes
    ----------
    commit : str
        "" when the folder is in no git repository.
    patch : bytes
        What differs from the commit, untracked Python and TOML files included; empty when clean.
    files : str
        SHA-256 of the folder's Python and TOML files: says whether code is the same, with git or without.
    """

    commit: str
    patch: bytes
    files: str


def code_state(folder: Path) -> Code:
    """Return the commit a folder is at and what differs from it."""
    commit = _git(folder, "rev-parse", "HEAD").decode().strip()
    sources = sorted([*folder.rglob("*.py"), *folder.glob("*.toml")])
    return Code(commit, _patch(folder) if commit else b"", _files_digest(sources, folder))


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


def environment_lock() -> bytes:
    """Return every installed package with its version, a line each, as ``pip install --no-deps -r`` takes it.

    Examples
    --------
    >>> b"numpy==" in environment_lock()
    True
    """
    installed = {Path(folder) for folder in site.getsitepackages()}
    # What a package carries inside itself (Ray puts such folders on the path) is not installed by its own name.
    paths = [path for path in sys.path if not installed.intersection(Path(path).parents)]
    found = {(d.metadata["Name"] or "", d.version) for d in metadata.distributions(path=paths)}
    lines = sorted((f"{name}=={version}" for name, version in found if name), key=str.lower)
    return "\n".join([f"# python {platform.python_version()} on {platform.machine()}", *lines, ""]).encode()


def _patch(folder: Path) -> bytes:
    patch = _git(folder, "diff", "HEAD", "--binary", "--relative", "--", ".")  # to be applied in the folder
    for name in _git(folder, "ls-files", "--others", "--exclude-standard", "-z", "--", ".").decode().split("\0"):
        if name.endswith((".py", ".toml")):
            patch += _git(folder, "diff", "--binary", "--no-index", "--", "/dev/null", name)
    return patch


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
    # `diff --no-index` answers 1 when files differ, as they must here
    return done.stdout if done.returncode in ((0, 1) if "--no-index" in arguments else (0,)) else b""
