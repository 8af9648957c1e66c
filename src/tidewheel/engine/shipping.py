"""Work as bytes for another process, with the code that it could not import there."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.machinery import PathFinder
from types import ModuleType
from typing import Any


def packed(work: Any) -> bytes:
    """Return an object as bytes that ``pickle.loads`` reads in any process that has the same packages.

    Functions and classes of modules that are on no path, such as a project's, travel as code.

    Examples
    --------
    >>> import pickle
    >>> pickle.loads(packed(lambda x: x + 1))(1)
    2
    """
    import cloudpickle

    here = list(_unreachable())
    for module in here:
        cloudpickle.register_pickle_by_value(module)
    try:
        return bytes(cloudpickle.dumps(work))
    finally:
        for module in here:
            cloudpickle.unregister_pickle_by_value(module)


def _unreachable() -> Iterator[ModuleType]:
    """Give the loaded Python modules that another process would not find by their names."""
    found: dict[str, bool] = {}
    for name, module in list(sys.modules.items()):
        top = name.partition(".")[0]
        if top in ("tidewheel", "__main__") or not str(getattr(module, "__file__", "")).endswith(".py"):
            continue
        if top not in found:
            found[top] = PathFinder.find_spec(top) is not None
        if not found[top] and module.__name__ == name:
            yield module
