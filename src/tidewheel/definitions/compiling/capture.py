"""The source of a derived function, with all it names, so that it runs without the user's module."""

from __future__ import annotations

import ast
import builtins
import dis
import inspect
import linecache
import math
import os
import sys
import sysconfig
from types import CodeType, FunctionType, ModuleType
from typing import Any

from tidewheel.definitions.columns.columns import Column
from tidewheel.definitions.language.declared import Declared
from tidewheel.definitions.language.places import short
from tidewheel.errors import DefinitionError

_SINGLE = (bool, int, float, complex, str, bytes, type(None))
_FORBIDDEN = frozenset({"open", "input", "eval", "exec", "__import__", "globals", "locals", "__file__", "print"})
_OURS = ("derived", "expect.check")
"""Decorators that only declare."""
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
        written = _written_globals(function.__code__)
        if written:
            raise DefinitionError(
                f"'{function.__name__}' changes {', '.join(written)} of its module",
                remedy="return what it computes: a version keeps no memory of other calls",
            )
        node = _plain(_function_node(function))
        tree = ast.fix_missing_locations(ast.Module([node], []))
        self.add_names(_global_names(compile(tree, "<derived>", "exec")) - {node.name}, function.__globals__, wanted_by)
        self.lines.append(ast.unparse(tree))
        if name != node.name:
            self.lines.append(f"{name} = {node.name}")

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

    def _add(self, name: str, value: object, scope: dict[str, Any], wanted_by: str) -> None:
        if name in self.meaning:
            if self.meaning[name] is not value:
                raise DefinitionError(f"'{name}' means two things in what '{wanted_by}' names", remedy="rename one")
            return
        self.meaning[name] = value
        if isinstance(value, ModuleType):
            self._add_module(name, value, wanted_by)
        elif isinstance(value, Column | Declared) or isinstance(type(value), Declared):
            raise DefinitionError(f"'{name}' is a declaration, not an array", remedy="pass it to @tw.derived(...)")
        elif _is_data(value):
            self._add_constant(name, value)
        elif isinstance(value, FunctionType) and self._is_local(value.__module__, value.__code__.co_filename):
            self.add_function(name, value, name)
        else:
            self._add_import_or_statement(name, value, scope, wanted_by)

    def _add_module(self, name: str, module: ModuleType, wanted_by: str) -> None:
        if self._is_local(module.__name__, getattr(module, "__file__", None) or ""):
            raise DefinitionError(
                f"'{wanted_by}' names the module '{module.__name__}', which does not travel with a version",
                remedy=f"write from {module.__name__} import ... and name its functions",
            )
        plain = name == module.__name__
        self.lines.append(f"import {name}" if plain else f"import {module.__name__} as {name}")

    def _add_constant(self, name: str, value: object) -> None:
        text = _data_text(value)
        if len(text) > _LONGEST:
            raise DefinitionError(
                f"the constant '{name}' is {len(text)} characters long", remedy="make it an entity's attribute"
            )
        self.lines.append(f"{name} = {text}")

    def _add_import_or_statement(self, name: str, value: object, scope: dict[str, Any], wanted_by: str) -> None:
        home = str(getattr(value, "__module__", None) or "")
        original = str(getattr(value, "__qualname__", None) or getattr(value, "__name__", ""))
        for module_name, source_name in [(home, original), *_imported_as(name, scope)]:
            module = sys.modules.get(module_name)
            if module is None or self._is_local(module_name, getattr(module, "__file__", None) or ""):
                continue
            if getattr(module, source_name, None) is value:
                self.lines.append(
                    f"from {module_name} import {source_name}" + (f" as {name}" if name != source_name else "")
                )
                return
        self._add_statement(name, value, scope, wanted_by)

    def _add_statement(self, name: str, value: object, scope: dict[str, Any], wanted_by: str) -> None:
        """Write the one statement of the user's module that makes a name."""
        home = sys.modules.get(str(getattr(value, "__module__", None)))
        for module in (scope, vars(home) if home else {}):
            statement = _statement(module, name)
            if statement is not None:
                tree = ast.fix_missing_locations(ast.Module([_plain(statement)], []))
                self.add_names(_global_names(compile(tree, "<derived>", "exec")) - {name}, module, name)
                self.lines.append(ast.unparse(tree))
                return
        raise DefinitionError(
            f"'{name}', named in '{wanted_by}', can't be carried along ({type(value).__name__})",
            remedy="define it once at the module's level, or pass it as a column",
        )

    def _is_local(self, module: str, file: str) -> bool:
        """Whether a module is the user's own and so not on every machine."""
        if not file or module.partition(".")[0] == "tidewheel":
            return False
        path = os.path.realpath(file)
        installed = (os.path.realpath(sysconfig.get_path(key)) for key in ("purelib", "platlib", "stdlib"))
        if any(path.startswith(folder + os.sep) for folder in installed):
            return False
        return not self.root or path.startswith(os.path.realpath(self.root) + os.sep)


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


def _function_node(function: FunctionType) -> ast.FunctionDef:
    """Return the statement that defines a function."""
    code = function.__code__
    tree = _tree(code.co_filename, function.__globals__)
    if function.__name__ != "<lambda>":
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and node.name == function.__name__:
                first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
                if first <= code.co_firstlineno <= node.lineno:
                    return node
    raise DefinitionError(
        f"the source of '{function.__name__}' can't be found in {short(code.co_filename)}",
        remedy="write it as a def in a module's file",
    )


def _tree(file: str, scope: dict[str, Any]) -> ast.Module:
    linecache.checkcache(file)
    try:
        return ast.parse("".join(linecache.getlines(file, scope)))
    except SyntaxError:
        return ast.Module([], [])


def _plain(node: ast.stmt) -> Any:
    """Return a statement without what does not change its effect: docstrings, annotations, ``@tw.derived``."""
    node = _Plain().visit(ast.parse(ast.unparse(node)).body[0])
    return ast.fix_missing_locations(node)


class _Plain(ast.NodeTransformer):
    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        self.generic_visit(node)
        node.returns = None
        heads = {item: ast.unparse(item).split("(")[0] for item in node.decorator_list}
        node.decorator_list = [item for item, head in heads.items() if not any(ours in head for ours in _OURS)]
        if ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
        return node

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        if node.value is None or not isinstance(node.target, ast.Name):
            return node
        return ast.copy_location(ast.Assign([node.target], node.value), node)


def _global_names(code: CodeType) -> set[str]:
    """Return the names that code looks up outside of itself."""
    names = set()
    for instruction in dis.get_instructions(code):
        if (
            instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS")
            and instruction.argval != "__name__"
        ):
            names.add(str(instruction.argval))
    for constant in code.co_consts:
        if inspect.iscode(constant):
            names |= _global_names(constant)
    return names


def _written_globals(code: CodeType) -> list[str]:
    """Return the names outside of itself that code binds anew or deletes."""
    written = {
        str(instruction.argval)
        for instruction in dis.get_instructions(code)
        if instruction.opname in ("STORE_GLOBAL", "DELETE_GLOBAL")
    }
    return sorted(written.union(*(_written_globals(item) for item in code.co_consts if inspect.iscode(item))))


def _imported_as(name: str, scope: dict[str, Any]) -> list[tuple[str, str]]:
    """Return (module, name there) of the import that brought a name into a module."""
    statement = _statement(scope, name)
    if isinstance(statement, ast.ImportFrom) and statement.module:
        return [(statement.module, alias.name) for alias in statement.names if (alias.asname or alias.name) == name]
    return []


def _statement(scope: dict[str, Any], name: str) -> ast.stmt | None:
    """Return the only top-level statement that binds a name, if there is exactly one."""
    file = scope.get("__file__")
    if not file:
        return None
    found = [node for node in _tree(file, scope).body if name in _bound(node)]
    return found[0] if len(found) == 1 else None


def _bound(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.Import | ast.ImportFrom):
        return {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)}
