"""The engine that a setting names."""

from __future__ import annotations

from tidewheel.engine.local import LocalEngine
from tidewheel.engine.protocols import Engine
from tidewheel.errors import ConfigError


def open_engine(name: str) -> Engine:
    """Return an engine by what ``engine`` in ``tidewheel.toml`` says.

    Parameters
    ----------
    name : str
        ``""`` for this process's cores; ``"ray"`` for a Ray that is started here, ``"ray://host:10001"`` or
        ``"ray:auto"`` for a cluster; ``"spark"`` or ``"spark://host:7077"``.

    Raises
    ------
    ConfigError
        It names none of them.
    MissingExtraError
        What it names is not installed.

    Examples
    --------
    >>> open_engine("").map(abs, [-1])
    [1]
    """
    kind, _, rest = name.partition(":")
    if not name:
        return LocalEngine()
    if kind == "ray":
        from tidewheel.engine.ray import RayEngine

        return RayEngine(name if rest.startswith("//") else rest or None)
    if kind == "spark":
        from tidewheel.engine.spark import SparkEngine

        return SparkEngine(master=name if rest else "local[*]")
    raise ConfigError(f"no engine is called {name!r}", where="engine", remedy='leave it "", or say "ray" or "spark"')
