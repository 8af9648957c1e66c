"""Reads the definitions of a Feast repository as its files are written: nothing is imported or run."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tidewheel.errors import InputError

DECLARED = ("Entity", "FeatureView", "BatchFeatureView", "StreamFeatureView", "FeatureService", "OnDemandFeatureView")
UNITS = {"weeks": 604_800, "days": 86_400, "hours": 3_600, "minutes": 60, "seconds": 1}


@dataclass(frozen=True)
class Declared:
    """One definition: what it is, the name it was bound to, its arguments as far as they are written out."""

    kind: str
    variable: str
    arguments: dict[str, Any]
    where: str


@dataclass(frozen=True)
class Name:
    """A variable that an argument names."""

    id: str


@dataclass(frozen=True)
class Made:
    """A call among the arguments: ``Field(name=..., dtype=...)``, ``timedelta(days=1)``."""

    name: str
    positional: tuple[Any, ...]
    arguments: dict[str, Any]


@dataclass
class Repository:
    """What was found.

    Attributes
    ----------
    declared : list of Declared
        In the order of files and lines.
    skipped : list of str
        What can't be taken over, each with where and why.
    sources : dict of str to Made
        ``FileSource(...)`` and its like, by the variable that each is bound to.
    """

    declared: list[Declared] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    sources: dict[str, Made] = field(default_factory=dict)

    def of(self, *kinds: str) -> list[Declared]:
        """Return the definitions of some kinds."""
        return [each for each in self.declared if each.kind in kinds]

    def bound(self, variable: str) -> Declared | None:
        """Return the definition bound to a variable."""
        return next((each for each in self.declared if each.variable == variable), None)


def read_repository(folder: Path) -> Repository:
    """Read every Python file under `folder`.

    Raises
    ------
    InputError
        There is no such folder, no definition in it, or a file is not Python.
    """
    if not folder.is_dir():
        raise InputError("no such folder", where=str(folder), remedy="name the folder that holds feature_store.yaml")
    repository = Repository()
    for file in sorted(folder.rglob("*.py")):
        try:
            tree = ast.parse(file.read_text())
        except (SyntaxError, UnicodeDecodeError) as error:
            raise InputError(f"not Python: {error}", where=str(file)) from error
        _read_module(tree, str(file.relative_to(folder)), repository)
    if not repository.declared:
        raise InputError(
            "no Entity or FeatureView is declared here", where=str(folder), remedy="name a Feast repository's folder"
        )
    return repository


def _read_module(tree: ast.Module, file: str, repository: Repository) -> None:
    for statement in tree.body:
        where = f"{file}:{statement.lineno}"
        if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Call):
            made = _value(statement.value)
            target = statement.targets[0]
            if isinstance(made, Made) and made.name.endswith("Source") and isinstance(target, ast.Name):
                repository.sources[target.id] = made
            elif isinstance(made, Made) and made.name in DECLARED and isinstance(target, ast.Name):
                arguments = dict(zip(("name",), made.positional, strict=False)) | made.arguments
                repository.declared.append(Declared(made.name, target.id, arguments, where))
        elif isinstance(statement, ast.FunctionDef):
            for kind in _decorators(statement):
                repository.skipped.append(
                    f"{where} {statement.name}: {kind} is code; write it as a @tw.derived of a view"
                )


def _decorators(function: ast.FunctionDef) -> Iterator[str]:
    for decorator in function.decorator_list:
        name = _called(decorator.func if isinstance(decorator, ast.Call) else decorator)
        if name.endswith("feature_view"):
            yield name


def _value(node: ast.expr) -> Any:
    """Return a literal, a list of values, a `Name` or a `Made`; None for anything that would have to be run."""
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.List | ast.Tuple):
        return [_value(element) for element in node.elts]
    if isinstance(node, ast.Dict):
        return {
            _value(key): _value(value) for key, value in zip(node.keys, node.values, strict=True) if key is not None
        }
    if isinstance(node, ast.Name | ast.Attribute):
        return Name(_called(node))
    if isinstance(node, ast.Subscript):
        return Made("[]", (_value(node.value), _value(node.slice)), {})
    if isinstance(node, ast.Call):
        arguments = {keyword.arg: _value(keyword.value) for keyword in node.keywords if keyword.arg is not None}
        return Made(_called(node.func), tuple(_value(argument) for argument in node.args), arguments)
    return None


def _called(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def seconds_of(value: Any) -> int | None:
    """Return a ``timedelta(...)`` in whole seconds; None for anything else, and for none at all.

    Examples
    --------
    >>> seconds_of(Made("timedelta", (), {"days": 1, "hours": 2}))
    93600
    """
    if not isinstance(value, Made) or value.name != "timedelta":
        return None
    given = dict(zip(("days", "seconds"), value.positional, strict=False)) | value.arguments
    if not all(isinstance(amount, int) and unit in UNITS for unit, amount in given.items()):
        return None
    return sum(UNITS[unit] * amount for unit, amount in given.items()) or None
