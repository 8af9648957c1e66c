"""Statements of a user's module as they travel: found, made plain, and asked which names they look up."""

from __future__ import annotations

import ast
import dis
import inspect
import linecache
from collections.abc import Iterator, Mapping
from importlib.util import resolve_name
from types import CodeType, FunctionType
from typing import Any

from tidewheel.definitions.language.places import short
from tidewheel.errors import DefinitionError

_OURS = ("derived", "expect.check")
"""Decorators that only declare, as they are written where their scope does not know them."""


def function_node(function: FunctionType) -> ast.FunctionDef:
    """Return the statement that defines a function."""
    code = function.__code__
    if function.__name__ != "<lambda>":
        for node in ast.walk(tree_of(code.co_filename, function.__globals__)):
            if isinstance(node, ast.FunctionDef) and node.name == function.__name__:
                first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
                if first <= code.co_firstlineno <= node.lineno:
                    return node
    raise DefinitionError(
        f"the source of '{function.__name__}' can't be found in {short(code.co_filename)}",
        remedy="write it as a def in a module's file",
    )


def tree_of(file: str, scope: Mapping[str, Any]) -> ast.Module:
    """Return a file as a tree; an empty one where it is no Python."""
    linecache.checkcache(file)
    try:
        return ast.parse("".join(linecache.getlines(file, dict(scope))))
    except SyntaxError:
        return ast.Module([], [])


def plain(node: ast.stmt, scope: Mapping[str, Any]) -> Any:
    """Return a statement without what does not change its effect: docstrings, annotations, ``@tw.derived``."""
    return ast.fix_missing_locations(_Plain(scope).visit(ast.parse(ast.unparse(node)).body[0]))


class _Plain(ast.NodeTransformer):
    def __init__(self, scope: Mapping[str, Any]) -> None:
        self._scope = scope

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        self.generic_visit(node)
        node.returns = None
        node.decorator_list = [item for item in node.decorator_list if not _declares(item, self._scope)]
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


def _declares(decorator: ast.expr, scope: Mapping[str, Any]) -> bool:
    """Tell whether a decorator is one of tidewheel's, under whatever name."""
    text = ast.unparse(decorator.func if isinstance(decorator, ast.Call) else decorator)
    first, *parts = text.split(".")
    value = scope.get(first)
    for part in parts:
        value = getattr(value, part, None)
    if value is None:  # imported in the function around the class
        return any(text == ours or text.endswith(f".{ours}") for ours in _OURS)
    return str(getattr(value, "__module__", "")).startswith("tidewheel.definitions.")


def global_names(code: CodeType) -> set[str]:
    """Return the names that code looks up outside of itself."""
    found = list(dis.get_instructions(code))
    stored = {str(it.argval) for it in found if it.opname == "STORE_NAME"}
    own = stored if "__qualname__" in stored else set()  # a class body reads what it has set
    names = {str(it.argval) for it in found if it.opname in ("LOAD_GLOBAL", "LOAD_FROM_DICT_OR_GLOBALS")}
    names |= {str(it.argval) for it in found if it.opname == "LOAD_NAME"} - own
    return (names - {"__name__"}).union(*(global_names(item) for item in code.co_consts if inspect.iscode(item)))


def written_globals(code: CodeType) -> list[str]:
    """Return the names outside of itself that code binds anew or deletes."""
    written = {
        str(instruction.argval)
        for instruction in dis.get_instructions(code)
        if instruction.opname in ("STORE_GLOBAL", "DELETE_GLOBAL")
    }
    return sorted(written.union(*(written_globals(item) for item in code.co_consts if inspect.iscode(item))))


def imports_of(name: str, scope: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (module, name there) of the ``from`` imports that may have brought a name into a module."""
    for node in ast.walk(tree_of(scope.get("__file__") or "", scope)):
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if (alias.asname or alias.name) == name or alias.name == "*":
                    yield module_of(node, scope), name if alias.name == "*" else alias.name


def imported_in(node: ast.stmt, scope: Mapping[str, Any]) -> Iterator[str]:
    """Yield the full names of the modules that a statement imports when it runs."""
    for part in ast.walk(node):
        if isinstance(part, ast.Import):
            yield from (alias.name for alias in part.names)
        elif isinstance(part, ast.ImportFrom):
            yield module_of(part, scope)


def module_of(node: ast.ImportFrom, scope: Mapping[str, Any]) -> str:
    """Return the full name of the module that a ``from`` import names."""
    told = "." * node.level + (node.module or "")
    try:
        return resolve_name(told, scope.get("__package__") or None)
    except ImportError:
        return told


def dotted_imports(name: str, scope: Mapping[str, Any]) -> list[str]:
    """Return what ``import a.b`` statements of a module import under the name ``a``; the name alone where none does."""
    imports = (it for it in ast.walk(tree_of(scope.get("__file__") or "", scope)) if isinstance(it, ast.Import))
    found = {alias.name for it in imports for alias in it.names if alias.asname is None}
    return sorted(module for module in found if module.startswith(f"{name}.")) or [name]


def statement_of(scope: Mapping[str, Any], name: str) -> ast.stmt | None:
    """Return the only top-level statement that binds or changes a name, if there is exactly one."""
    found = [node for node in tree_of(scope.get("__file__") or "", scope).body if name in _bound(node)]
    return found[0] if len(found) == 1 and not isinstance(found[0], ast.Import | ast.ImportFrom) else None


def _bound(node: ast.stmt) -> set[str]:
    """Return the names that a statement binds, or whose values it changes in place (``T[0] = 5``, ``L.append(1)``)."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.Import | ast.ImportFrom):
        return {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
    parts = [part for part in ast.walk(node) if isinstance(part, ast.Name | ast.Subscript | ast.Attribute)]
    written = [part for part in parts if isinstance(part.ctx, ast.Store | ast.Del)]
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        written += [node.value.func] if isinstance(node.value.func, ast.Attribute) else []
    return {base for part in written if (base := _base(part))}


def _base(node: ast.expr) -> str:
    while isinstance(node, ast.Subscript | ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""
