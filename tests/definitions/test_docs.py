"""The page on declarations is a project that loads."""

from __future__ import annotations

import re
from pathlib import Path

from tests.definitions.conftest import Load

PAGE = Path(__file__).parents[2] / "docs" / "declarations.md"


def test_the_page_loads(load: Load) -> None:
    code = "\n\n".join(re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL))
    graph = load(shop=code).graph
    assert [group.name for group in graph.groups] == ["Card", "CardHistory", "CountryAtTerminal", "TerminalRisk"]
    assert [service.name for service in graph.services] == ["Score"]
