"""Keys of steps: a hash of all that an output depends on, so that equal keys mean equal outputs."""

from __future__ import annotations

import hashlib
import sys
import sysconfig
import time
import types
import uuid
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

import tidewheel
from tidewheel.definitions import digest, ir, nodes_of, reachable
from tidewheel.outcomes.labels import Labels
from tidewheel.registry.canonical import canonical
from tidewheel.training.context import TrainingContext
from tidewheel.training.lineage import library_versions

_ROOMS = ("definitions", "kernel", "metrics", "engine", "collect", "features", "registry", "outcomes", "training")
"""Where the code of steps is."""
_LOADED = time.time()
_INSTALLED = tuple({sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")})


def step_key(name: str, *parts: Any) -> str:
    """Return the key of a step: of its name, this release's code, the libraries' versions, and `parts`.

    Examples
    --------
    >>> step_key("fit", {"seed": 0}) == step_key("fit", {"seed": 0}), step_key("fit", {"seed": 1})[:0]
    (True, '')
    """
    return hashlib.sha256(canonical([name, own_code(), _libraries(), *parts])).hexdigest()


def release() -> str:
    """Return what all keys of this process hold: a hash of tidewheel's code and of the libraries' versions."""
    return step_key("")


def data_parts(
    context: TrainingContext, model: ir.Model, head: int, rows: pa.Table, labels: Labels, counts: dict[str, int]
) -> list[Any]:
    """Return what a model's data set depends on.

    Which rows have a label, and which, is in the hash itself, so that it does not matter at what instant they
    were asked for; what their features see is history up to the log's head, as erasures and retention left it.
    """
    used = msgspec.structs.replace(
        model, estimator="", search="", trials=0, tune=None, calibrate="", metrics=(), gates=(), retrain=None,
        init_from="", teacher=None, allow_pickle=False,
        pipeline=None,
    )  # fmt: skip
    graph = reachable(context.graph, [model.name])
    below = [(kind, node) for kind, node in nodes_of(graph) if kind not in ("model", "service")]
    defined = {f"{kind} {node.name}": digest(node) for kind, node in below}
    services = sorted(digest(service) for service in context.services(model))
    seen = [_hash(labels.rows), _hash(labels.y), _hash(labels.weight), _table_hash(rows)]
    seen += [_hash(labels.known_at)] if labels.known_at is not None else []
    return [digest(used), defined, services, head, context.history.redactions.fingerprint(), seen, counts]


def code_of(context: TrainingContext, *objects: Any) -> list[str]:
    """Return hashes of the code that declared objects run: the project's files, and what is in no installed library.

    Code that can't be found, as what was typed into a notebook, is taken for new each time.
    """
    files = {path for item in objects for path in _files_of(item)}
    if context.folder is not None:
        files |= {path for path in context.folder.rglob("*.py") if not _hidden(path, context.folder)}
    return sorted(_content(path) for path in files)


def _hidden(path: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(folder).parts)


def _content(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else uuid.uuid4().hex


def _files_of(item: Any) -> set[Path]:
    """Return the source files of an object's class, and of what its parameters are."""
    parameters = item.get_params(deep=True) if hasattr(item, "get_params") and not isinstance(item, type) else {}
    return {path for part in (item, *parameters.values()) for path in _file_of(part)}


def _file_of(part: Any) -> set[Path]:
    what = part if isinstance(part, type | types.FunctionType) else type(part)
    if what.__module__ in sys.builtin_module_names or what.__module__.split(".")[0] == "tidewheel":
        return set()
    file = getattr(sys.modules.get(what.__module__), "__file__", None) or ""
    return set() if file.startswith(_INSTALLED) else {Path(file)}


@cache
def own_code() -> str:
    """Return a hash of the code that this process runs; one of its own where files have changed since it loaded them.

    What runs is then not what another process finds in these files, and must not be taken for it.
    """
    hasher = hashlib.sha256()
    here = Path(tidewheel.__file__).parent
    paths = sorted(path for room in _ROOMS for path in (here / room).rglob("*.py"))
    for path in paths:
        hasher.update(str(path.relative_to(here)).encode() + b"\0" + path.read_bytes())
    changed = any(path.stat().st_ctime > _LOADED for path in paths)
    return uuid.uuid4().hex if changed else hasher.hexdigest()


@cache
def _libraries() -> dict[str, str]:
    return library_versions()


def _hash(values: npt.NDArray[Any]) -> str:
    return hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()


def _table_hash(rows: pa.Table) -> str:
    """Return a hash of which events rows are, and of the instants that decisions read them at."""
    hasher = hashlib.sha256()
    for name in ("_offset", "_instant"):
        if name in rows.column_names:
            hasher.update(name.encode() + rows[name].fill_null(-1).to_numpy().astype("<i8").tobytes())
    return hasher.hexdigest()
