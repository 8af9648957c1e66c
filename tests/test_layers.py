"""Rooms import only downward, never beside, and never another room's private names."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "tidewheel"

# From the roof to the ground; rooms on one line do not import each other.
STOREYS: list[set[str]] = [
    {"__main__"},
    {"cli"},
    {"testing"},
    {"workspace"},
    {"bridges", "capacity"},
    {"rollout"},
    {"governance"},
    {"monitoring"},
    {"training"},
    {"outcomes"},
    {"serving"},
    {"routing"},
    {"registry"},
    {"retrieval"},
    {"features"},
    {"collect"},
    {"runtime"},
    {"storage"},
    {"engine"},
    {"metrics"},
    {"kernel"},
    {"client"},
    {"resending"},
    {"definitions"},
    {"cores"},
    {"errors"},
]
LEVEL = {room: level for level, rooms in enumerate(STOREYS) for room in rooms}


def room_of(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imports_of(path: Path) -> Iterator[tuple[int, str, list[str]]]:
    """Yield (line, module, names) for each import of tidewheel in a file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, name.name, []) for name in node.names if name.name.startswith("tidewheel"))
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: write imports in full, from the package's root"
            if node.module == "tidewheel":
                yield from ((node.lineno, f"tidewheel.{name.name}", []) for name in node.names)
            elif node.module and node.module.startswith("tidewheel."):
                yield node.lineno, node.module, [name.name for name in node.names]


FILES = sorted(path for path in SOURCE.rglob("*.py") if path != SOURCE / "__init__.py")


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_go_down_the_rooms(path: Path) -> None:
    here = room_of(path)
    assert here in LEVEL, f"{here}/ is not a room of ARCHITECTURE.md; give it a storey here and there"
    for line, module, names in imports_of(path):
        there = module.split(".")[1] if "." in module else ""
        if there in ("", here, "__main__"):
            continue
        assert LEVEL[there] > LEVEL[here], f"{path}:{line}: {here} imports {there}, which is not below it"
        private = [name for name in [*module.split("."), *names] if name.startswith("_") and not name.startswith("__")]
        assert not private, f"{path}:{line}: {private} is private to {there}"
