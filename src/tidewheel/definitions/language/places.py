"""Where a declaration stands: file, line, class and attribute, for errors that can be acted on."""

from __future__ import annotations

import ast
import difflib
import linecache
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import FrameType

from tidewheel.errors import DefinitionError, SchemaError

_ROOM = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


def calling_frame() -> FrameType:
    """Return the nearest frame outside this room."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_ROOM):
        frame = frame.f_back
    return frame


def short(file: str) -> str:
    """Return a file's path as seen from here, where it lies below here."""
    if file.startswith("<"):
        return file
    relative = os.path.relpath(file)
    return file if relative.startswith(os.pardir) else relative


def mistake(message: str, remedy: str = "") -> DefinitionError:
    """Return an error placed at the user's line that runs now."""
    frame = calling_frame()
    return DefinitionError(message, where=f"{short(frame.f_code.co_filename)}:{frame.f_lineno}", remedy=remedy)


def class_node(tree: ast.AST, name: str, line: int) -> ast.ClassDef | None:
    """Return the class statement called `name` nearest to `line`."""
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.name == name]
    return min(nodes, key=lambda node: abs(node.lineno - line), default=None)


def _line_of(file: str, line: int, name: str, attribute: str) -> int:
    """Return the line of a class's attribute, read from its source; the class's own when there is none."""
    linecache.checkcache(file)
    try:
        tree = ast.parse("".join(linecache.getlines(file)))
    except SyntaxError:
        return line
    node = class_node(tree, name, line)
    for statement in node.body if node else ():
        targets: list[ast.expr] = []
        if isinstance(statement, ast.Assign):
            targets = statement.targets
        elif isinstance(statement, ast.AnnAssign):
            targets = [statement.target]
        elif isinstance(statement, ast.FunctionDef) and statement.name == attribute:
            return statement.lineno
        if any(isinstance(target, ast.Name) and target.id == attribute for target in targets):
            return statement.lineno
    return line


def place(file: str, line: int, name: str, attribute: str = "") -> str:
    """Return ``file:line Class.attribute``.

    Examples
    --------
    >>> place("fraud.py", 12, "PaymentView", "amount")
    'fraud.py:12 PaymentView.amount'
    """
    line = _line_of(file, line, name, attribute) if attribute else line
    return f"{short(file)}:{line} {name}" + (f".{attribute}" if attribute else "")


def likely(name: str, known: Iterable[str]) -> str:
    """Return a remedy that names the closest known name, or lists them all."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if close:
        return f"did you mean '{close[0]}'?"
    return f"there are: {', '.join(names)}" if names else ""


class Problems:
    """Collects the mistakes of a whole project, so that all are shown at once."""

    def __init__(self) -> None:
        self.found: list[DefinitionError] = []

    @contextmanager
    def at(self, where: str) -> Iterator[None]:
        """Note a mistake made inside, placed at `where`: a line that it names runs none of the user's code."""
        try:
            yield
        except (DefinitionError, SchemaError) as error:
            placed = DefinitionError(error.message, where=where, remedy=error.remedy)
            if str(placed) not in map(str, self.found):
                self.found.append(placed)

    def raise_found(self) -> None:
        """Raise what was noted: the one mistake, or all of them a line each."""
        if len(self.found) == 1:
            raise self.found[0]
        if self.found:
            raise DefinitionError("\n".join([f"{len(self.found)} mistakes", *map(str, self.found)]))
