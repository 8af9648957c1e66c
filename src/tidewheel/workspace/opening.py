"""Opening a workspace: from a folder with a ``tidewheel.toml``, or in memory from declarations."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import msgspec

from tidewheel.definitions import Project, compile_declarations, compile_module, load_project
from tidewheel.errors import ConfigError
from tidewheel.runtime.config import FILE, load_config
from tidewheel.runtime.stores import Stores
from tidewheel.workspace.events.erasing import finish_erasure
from tidewheel.workspace.workspace import Workspace

MEMORY = ":memory:"


def open_workspace(
    path: str | Path = ".", project: ModuleType | Sequence[type] | None = None, *, env: str | None = None
) -> Workspace:
    """Open a project's workspace in this process, as one would open an SQLite file.

    Parameters
    ----------
    path : str or Path
        The project's folder; or ``":memory:"`` for a workspace that is gone when it is closed
        (kept in a temporary folder, so that it is the real thing).
    project : module or sequence of classes, optional
        Declarations to use instead of the folder's own module.
    env : str, optional
        An environment of ``tidewheel.toml``.

    Raises
    ------
    ConfigError
        The folder holds no project, or a setting is wrong.
    DefinitionError
        A declaration is wrong.

    Examples
    --------
    >>> import tidewheel as tw
    >>> class Sale(tw.Event):
    ...     id: tw.Id
    ...     shop: tw.Key
    ...     amount: float
    >>> class ShopHistory(tw.Features, by=Sale.shop):
    ...     sold_1d = tw.sum(Sale.amount, "1d")
    >>> with tw.open(":memory:", [Sale, ShopHistory]) as ws:
    ...     _ = ws.append(Sale(id="s1", shop="north", amount=12.5))
    ...     ws.read(ShopHistory, shop="north").sold_1d
    12.5
    """
    if str(path) == MEMORY:
        if project is None:
            raise ConfigError("a workspace in memory needs declarations", remedy="tw.open(':memory:', project)")
        scratch = tempfile.TemporaryDirectory(prefix="tidewheel-")
        folder = Path(scratch.name)
        config = load_config(folder, env, variables={})
        try:
            loaded = _given(project, folder)
        except BaseException:
            scratch.cleanup()
            raise
        config = msgspec.structs.replace(config, settings=msgspec.structs.replace(config.settings, max_map=1 << 30))
        return Workspace(Stores(config), lambda: loaded, scratch=scratch)
    workspace = open_unloaded(path, project, env=env)
    try:
        _ = workspace.project  # a wrong declaration is told here, not at some later call
    except BaseException:
        workspace.close()
        raise
    return workspace


def open_unloaded(
    path: str | Path = ".", project: ModuleType | Sequence[type] | None = None, *, env: str | None = None
) -> Workspace:
    """Open a project's workspace, and import its module only when something asks for declarations.

    For what needs none of them, such as listing runs: importing a training library takes seconds.

    Raises
    ------
    ConfigError
        The folder holds no project, or a setting is wrong.
    """
    folder = Path(path).expanduser().absolute()
    if not (folder / FILE).exists():
        raise ConfigError(
            f"there is no {FILE}",
            where=str(folder),
            remedy="go to a project's folder, or make one: tidewheel init NAME",
        )
    stores = Stores(load_config(folder, env))
    finish_erasure(stores)
    return Workspace(stores, lambda: load_project(folder) if project is None else _given(project, folder))


def _given(project: ModuleType | Sequence[type], folder: Path) -> Project:
    """Return a project from declarations at hand: a module, or some classes."""
    from tidewheel.definitions.models.models import Model

    if not isinstance(project, ModuleType) and not all(isinstance(cls, type) for cls in project):
        raise ConfigError(
            f"{project!r} holds no declarations",
            remedy="give the module itself (import project), or a list of its classes; of a folder: tw.open(folder)",
        )
    module = project if isinstance(project, ModuleType) else ModuleType("declarations")
    if not isinstance(project, ModuleType):
        vars(module).update({cls.__name__: cls for cls in project})
    graph = compile_module(module) if isinstance(project, ModuleType) else compile_declarations(*project)
    live = {model.name for model in graph.models}
    classes = [cls for cls in vars(module).values() if isinstance(cls, type) and issubclass(cls, Model)]
    return Project(folder, {}, graph, module, {cls.__name__: cls for cls in classes if cls.__name__ in live})
