"""House rules that can be counted: the size of files and functions, left-overs, words that must not appear."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FILES = sorted((ROOT / "src").rglob("*.py"))

MOST_LINES_OF_A_FILE = 400
MOST_LINES_OF_A_FUNCTION = 40

# Functions allowed to be longer, for a reason each. This list may only shrink.
LONG_FUNCTIONS: set[str] = set()


def code_lines(node: ast.FunctionDef | ast.AsyncFunctionDef, source: list[str]) -> int:
    """Lines of a function that hold code: not its docstring, comments, blank lines or inner functions."""
    body = node.body[1:] if ast.get_docstring(node) is not None else node.body
    if not body:
        return 0
    lines = source[body[0].lineno - 1 : node.end_lineno]
    return sum(1 for line in lines if line.strip() and not line.strip().startswith("#"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_functions_stay_small(path: Path) -> None:
    source = path.read_text().splitlines()
    assert len(source) <= MOST_LINES_OF_A_FILE
    for node in ast.walk(ast.parse("\n".join(source))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            name = f"{path.relative_to(ROOT / 'src' / 'tidewheel')}:{node.name}"
            if name not in LONG_FUNCTIONS:
                assert code_lines(node, source) <= MOST_LINES_OF_A_FUNCTION, name


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_left_overs(path: Path) -> None:
    text = path.read_text()
    assert not re.search(r"\b(TODO|FIXME|XXX)\b", text)
    assert not re.search(r"except[^\n]*:\s*\n\s*pass\b", text), "an error may not vanish in silence"
    assert "# type: ignore\n" not in text, "name the code that is ignored, and why"
