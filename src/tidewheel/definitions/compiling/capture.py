"""The source of a derived function, with all it names, so that it runs without the user's module."""

from __future__ import annotations

import ast
import builtins
import math
import os
import sys
import sysconfig
from types import FunctionType, ModuleType
from typing import Any, TypeGuard

from tidewheel.definitions.columns.columns import Column
from tidewheel.definitions.compiling.statements import (
    dotted_imports,
    function_node,
    global_names,
    imported_in,
    imports_of,
    plain,
    statement_of,
    written_globals,
)
from tidewheel.definitions.language.declared import Declared
from tidewheel.errors import DefinitionError

_SINGLE = (bool, int, float, complex, str, bytes, type(None))
_FORBIDDEN = frozenset({"open", "input", "eval", "exec", "__import__", "globals", "locals", "__file__", "print"})
_LONGEST = 65_536
"""A constant's text may be so long; a larger table belongs in an event or an entity."""


def capture(function: FunctionType, root: str = "") -> str:
    """Return source that defines `function` when executed in an empty namespace.

    The function comes without its decorator, annotations and docstring (none of them changes what it
    does), after the module-level helpers, constants and imports it names, and those they name. A constant
    is frozen to the value it has now.

    Parameters
    ----------
    function : function
        The function.
    root : str
        The project's folder: modules below it do not travel, so their functions are copied.

    Raises
    ------
    DefinitionError
        When the source can't be found, or something it names can't be carried along.
    """
    book = _Book(root)
    book.add_function(function.__name__, function, function.__name__)
    return "\n".join(book.lines) + "\n"


class _Book:
    """The lines written so far, in order of need, and what each name stands for."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.lines: list[str] = []
        self.meaning: dict[str, object] = {}

    def add_function(self, name: str, function: FunctionType, wanted_by: str) -> None:
        """Write a function and what it names."""
        if function.__closure__:
            cells = ", ".join(function.__code__.co_freevars)
            raise DefinitionError(
                f"'{function.__name__}' uses {cells} of the function around it",
                remedy="move that to the module's level",
            )
        node = plain(function_node(function), function.__globals__)
        _freeze_defaults(node.args, function)
        self._mean(node.name, function, wanted_by)
        self._write(node, function.__globals__, node.name)
        if name != node.name:
            self.lines.append(f"{name} = {node.name}")

    def _write(self, node: ast.stmt, scope: dict[str, Any], name: str) -> None:
        """Write a statement that binds a name, after what it names itself."""
        tree = ast.fix_missing_locations(ast.Module([node], []))
        code = compile(tree, "<derived>", "exec")
        written = written_globals(code)
        if written:
            raise DefinitionError(
                f"'{name}' changes {', '.join(written)} of its module",
                remedy="return what it computes: a version keeps no memory of other calls",
            )
        for module in imported_in(node, scope):
            if self._lies_here(module, scope):
                raise DefinitionError(
                    f"'{name}' imports '{module}' as it runs, which does not travel with a version",
                    remedy=f"write from {module} import ... at the top of its module",
                )
        self.add_names(global_names(code), scope, name)
        self.lines.append(ast.unparse(tree))

    def add_names(self, names: set[str], scope: dict[str, Any], wanted_by: str) -> None:
        """Write whatever `names` stand for in a module."""
        for name in sorted(names):
            if name in scope and name != "__file__":
                self._add(name, scope[name], scope, wanted_by)
            elif name in _FORBIDDEN or not hasattr(builtins, name):
                known = (
                    "may not be used: it would act outside of the arrays" if name in _FORBIDDEN else "is not defined"
                )
                raise DefinitionError(
                    f"'{name}', named in '{wanted_by}', {known}", remedy="pass what it needs as a column"
                )
            else:
                self._mean(name, getattr(builtins, name), wanted_by)

    def _mean(self, name: str, value: object, wanted_by: str) -> bool:
        """Note what a name stands for in the one namespace of all; return whether it is new there."""
        if name not in self.meaning:
            self.meaning[name] = value
            return True
        known = self.meaning[name]
        if known is not value and not (_is_data(known) and _is_data(value) and _data_text(known) == _data_text(value)):
            raise DefinitionError(f"'{name}' means two things in what '{wanted_by}' names", remedy="rename one")
        return False

    def _add(self, name: str, value: object, scope: dict[str, Any], wanted_by: str) -> None:
        if not self._mean(name, value, wanted_by):
            return
        if isinstance(value, ModuleType):
            self._add_module(name, value, scope, wanted_by)
        elif isinstance(value, Column | Declared) or isinstance(type(value), Declared):
            raise DefinitionError(f"'{name}' is a declaration, not an array", remedy="pass it to @tw.derived(...)")
        elif _is_data(value):
            self._add_constant(name, value)
        elif _is_def(value) and self._is_local(value.__module__, value.__code__.co_filename):
            self.add_function(name, value, name)
        else:
            self._add_from(name, value, scope, wanted_by)

    def _add_module(self, name: str, module: ModuleType, scope: dict[str, Any], wanted_by: str) -> None:
        if self._is_local(module.__name__, getattr(module, "__file__", None) or ""):
            raise DefinitionError(
                f"'{wanted_by}' names the module '{module.__name__}', which does not travel with a version",
                remedy=f"write from {module.__name__} import ... and name its functions",
            )
        if name != module.__name__:
            self.lines.append(f"import {module.__name__} as {name}")
        else:
            self.lines.extend(f"import {dotted}" for dotted in dotted_imports(name, scope))

    def _add_constant(self, name: str, value: object) -> None:
        text = _data_text(value)
        if len(text) > _LONGEST:
            raise DefinitionError(
                f"the constant '{name}' is {len(text)} characters long", remedy="make it an entity's attribute"
            )
        self.lines.append(f"{name} = {text}")

    def _add_from(
        self, name: str, value: object, scope: dict[str, Any], wanted_by: str, seen: tuple[str, ...] = ()
    ) -> None:
        """Write the import that brings a value from a module that is on every machine, or else what makes it."""
        home = str(getattr(value, "__module__", None) or "")
        original = str(getattr(value, "__qualname__", None) or getattr(value, "__name__", ""))
        sources = [
            (module, there)
            for module, there in [*imports_of(name, scope), (home, original)]
            if getattr(sys.modules.get(module), there, None) is value
        ]
        for module, there in sources:
            if not self._is_local(module, getattr(sys.modules[module], "__file__", None) or ""):
                self.lines.append(f"from {module} import {there}" + (f" as {name}" if name != there else ""))
                return
        statement = statement_of(scope, name)
        if statement is not None:
            self._write(plain(statement, scope), scope, name)
            return
        for module, there in sources:
            if module in seen or vars(sys.modules[module]) is scope:
                continue
            self._mean(there, value, wanted_by)
            self._add_from(there, value, vars(sys.modules[module]), wanted_by, (*seen, module))
            if there != name:
                self.lines.append(f"{name} = {there}")
            return
        raise DefinitionError(
            f"'{name}', named in '{wanted_by}', can't be carried along ({type(value).__name__})",
            remedy="define it once at the module's level, or pass it as a column",
        )

    def _lies_here(self, module: str, scope: dict[str, Any]) -> bool:
        """Whether a module, that may not be loaded, is the user's own."""
        loaded = sys.modules.get(module)
        if loaded is not None:
            return self._is_local(module, getattr(loaded, "__file__", None) or "")
        first = module.partition(".")[0]  # "" of a relative import: the folder itself
        folders = {folder for folder in (self.root, os.path.dirname(scope.get("__file__") or "")) if folder}
        paths = [os.path.join(folder, first) for folder in folders]
        return any(os.path.isdir(path) or os.path.isfile(f"{path}.py") for path in paths)

    def _is_local(self, module: str, file: str) -> bool:
        """Whether a module is the user's own and so not on every machine."""
        if not file or module.partition(".")[0] == "tidewheel":
            return False
        path = os.path.realpath(file)
        installed = (os.path.realpath(sysconfig.get_path(key)) for key in ("purelib", "platlib", "stdlib"))
        if any(path.startswith(folder + os.sep) for folder in installed):
            return False
        return not self.root or path.startswith(os.path.realpath(self.root) + os.sep)


def _is_def(value: object) -> TypeGuard[FunctionType]:
    """Tell whether a value is a function as some ``def`` made it, and no decorator or factory after it."""
    return isinstance(value, FunctionType) and value.__name__ != "<lambda>" and not value.__closure__


def _freeze_defaults(arguments: ast.arguments, function: FunctionType) -> None:
    """Give parameters the defaults that they have, as literals: what made them may mean something else by now."""
    named = function.__kwdefaults__ or {}
    values = dict(zip(arguments.defaults, function.__defaults__ or (), strict=False))
    arguments.defaults = [_frozen(default, values.get(default)) for default in arguments.defaults]
    arguments.kw_defaults = [
        default and _frozen(default, named.get(arg.arg))
        for arg, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    ]


def _frozen(default: ast.expr, value: object) -> ast.expr:
    named = any(isinstance(part, ast.Name) for part in ast.walk(default))
    return (
        default if not named or value is None or not _is_data(value) else ast.parse(_data_text(value), mode="eval").body
    )


def _is_data(value: object) -> bool:
    """Whether a value can be written down as a literal."""
    if isinstance(value, tuple | list | set | frozenset):
        return type(value) in (tuple, list, set, frozenset) and all(_is_data(item) for item in value)
    if type(value) is dict:
        return all(_is_data(key) and _is_data(item) for key, item in value.items())
    return type(value) in _SINGLE


def _data_text(value: object) -> str:
    """Return a literal whose text does not depend on the order of sets."""
    if isinstance(value, float) and not math.isfinite(value):
        return f"float({str(value)!r})"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_data_text(key)}: {_data_text(item)}" for key, item in value.items()) + "}"
    if isinstance(value, set | frozenset):
        inner = "[" + ", ".join(sorted(_data_text(item) for item in value)) + "]"
        return f"{type(value).__name__}({inner})"
    if isinstance(value, tuple):
        return "(" + "".join(f"{_data_text(item)}, " for item in value) + ")"
    if isinstance(value, list):
        return "[" + ", ".join(_data_text(item) for item in value) + "]"
    return repr(value)
