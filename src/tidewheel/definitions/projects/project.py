"""Loads a project: a folder with ``tidewheel.toml`` and a module of declarations."""

from __future__ import annotations

import contextlib
import difflib
import hashlib
import os
import re
import sys
import tomllib
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from tidewheel.definitions import ir
from tidewheel.definitions.compiling.compiler import compile_module
from tidewheel.definitions.compiling.discovery import declared_in
from tidewheel.definitions.compiling.models import PROJECT_PREFIX
from tidewheel.definitions.language.places import likely, short
from tidewheel.definitions.models.models import Model
from tidewheel.errors import ConfigError, DefinitionError, NotFoundError

SETTINGS = "tidewheel.toml"
SPINS = "1000"
"""Turns for which a learner's threads wait for each other before they sleep: microseconds."""
_helpers: dict[str, ModuleType] = {}
"""Modules that lie beside a loaded project; the next load must not see them under its own names."""


@dataclass(frozen=True)
class Project:
    """A loaded project.

    Attributes
    ----------
    folder : Path
    config : dict
        ``tidewheel.toml`` as it stands.
    graph : Graph
        The frozen declarations.
    module : module
        The user's module.
    models : dict
        Live model classes by name: they hold estimator objects and search spaces, which only training needs.
    """

    folder: Path
    config: dict[str, Any]
    graph: ir.Graph
    module: ModuleType
    models: dict[str, type[Model]]

    def declaration(self, name: str) -> type:
        """Return the live class called `name`."""
        known = {cls.__name__: cls for cls in declared_in(vars(self.module).values())}
        if name not in known:
            raise NotFoundError(f"the project declares no '{name}'", remedy=likely(name, known))
        return known[name]


def load_project(folder: str | Path) -> Project:
    """Load the project in a folder.

    ``tidewheel.toml`` may name the module's file (``project = "project.py"``, the default). Modules beside it
    can be imported by it. Nothing is run but the module itself.

    Raises
    ------
    ConfigError
        When the folder holds no readable ``tidewheel.toml`` or module.
    DefinitionError
        When the module can't be imported or a declaration is wrong.
    """
    folder = Path(folder).absolute()
    config = _settings(folder)
    name = config.get("project", "project.py")
    file = folder / name if isinstance(name, str) else folder
    if not file.is_file():
        raise ConfigError(
            f"there is no module {name!r}", where=short(str(folder / SETTINGS)), remedy='set project = "project.py"'
        )
    # Read when a learner's library is loaded, which is now (docs/decisions/0048-learners-threads-spin-briefly.md).
    os.environ.setdefault("GOMP_SPINCOUNT", SPINS)
    module = _import(file)
    graph = compile_module(module)
    live = {model.name for model in graph.models}
    models = {
        cls.__name__: cls
        for cls in declared_in(vars(module).values())
        if issubclass(cls, Model) and cls.__name__ in live
    }
    return Project(folder, config, graph, module, models)


def _settings(folder: Path) -> dict[str, Any]:
    file = folder / SETTINGS
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise ConfigError(
            f"{folder} holds no {SETTINGS}", remedy="go to a project's folder, or write one with: tidewheel init NAME"
        ) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"can't be read: {error}", where=short(str(file))) from None


class _Fresh(SourceFileLoader):
    """Compiles a module from its source each time: cached code does not see an edit within its clock's tick."""

    def get_code(self, fullname: str) -> CodeType:
        """Return the code of the file as it is now."""
        return self.source_to_code(self.get_data(self.path), self.path)


def _import(file: Path) -> ModuleType:
    """Run a project's module under a name of its own."""
    name = PROJECT_PREFIX + hashlib.sha256(os.fsencode(file)).hexdigest()[:12]
    loader = _Fresh(name, str(file))
    spec = spec_from_loader(name, loader)
    if spec is None or file.suffix != ".py":
        raise ConfigError(f"{file.name} is no Python module", where=short(str(file)), remedy="name a .py file")
    module = module_from_spec(spec)
    with _beside(file.parent):
        sys.modules[name] = module
        try:
            loader.exec_module(module)
        except DefinitionError as error:
            sys.modules.pop(name, None)
            if error.where:
                raise
            raise DefinitionError(error.message, where=_user_line(error, file), remedy=error.remedy) from None
        except SyntaxError as error:
            sys.modules.pop(name, None)
            raise DefinitionError(
                f"{error.msg}", where=f"{short(error.filename or str(file))}:{error.lineno}"
            ) from None
        except Exception as error:
            sys.modules.pop(name, None)
            remedy = _remedy(error, module) if isinstance(error, NameError) else ""
            said = f"{type(error).__name__}: {error}".removesuffix(".")
            raise DefinitionError(said, where=_user_line(error, file), remedy=remedy) from error
    return module


def _remedy(error: NameError, module: ModuleType) -> str:
    """Return what to do about a name that is not there: it stands further down, or is misspelt."""
    name, source = error.name or "", Path(module.__file__ or "").read_text(encoding="utf-8")
    if re.search(rf"^\s*(?:(?:class|def)\s+)?{re.escape(name)}\b\s*[=:(]", source, re.MULTILINE):
        return f"{name} is declared further down, or in another class: declare it before it is read"
    close = difflib.get_close_matches(name, [known for known in vars(module) if known[0] != "_"], n=1)
    return f"did you mean '{close[0]}'?" if close else ""


def _user_line(error: BaseException, file: Path) -> str:
    """Return the last line of the project's own files that an error went through."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if frame.filename.startswith(str(file.parent) + os.sep)]
    return f"{short(own[-1].filename)}:{own[-1].lineno}" if own else short(str(file))


@contextlib.contextmanager
def _beside(folder: Path) -> Iterator[None]:
    """Let modules in a folder be imported while inside; forget those of projects loaded before."""
    for name, module in _helpers.items():
        if sys.modules.get(name) is module:
            del sys.modules[name]
    _helpers.clear()
    before = set(sys.modules)
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        with contextlib.suppress(ValueError):
            sys.path.remove(str(folder))
        for name in set(sys.modules) - before:
            file = getattr(sys.modules[name], "__file__", None) or ""
            if file.startswith(str(folder) + os.sep) and not name.startswith(PROJECT_PREFIX):
                _helpers[name] = sys.modules[name]
